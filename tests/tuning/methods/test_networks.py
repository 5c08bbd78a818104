"""Networks under every method: what is trained, what is saved, and that answers stay the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from bridge.bundles import Bundle, shipped_store
from bridge.bundles.manifest import METHODS
from bridge.forecaster.model import Forecaster
from bridge.forecaster.text import TextForecaster
from bridge.synthetic import random_walk_bars
from bridge.tuning.methods.adapters import ADAPTER_WEIGHTS, attach_saved
from bridge.tuning.methods.bases import Base, BaseError, open_base
from bridge.tuning.methods.networks import (
    Network,
    all_parameters,
    blocks,
    load_network,
    plain_network,
    save_network,
    shared_network,
    shared_weights,
    trainable_parameters,
    tuned_network,
)
from bridge.tuning.recipes.recipe import MethodRecipe
from tests.tuning.folders import SHAPE, over, put, put_base, save_gpt2, shaken

ADAPTERS = [name for name in METHODS if name != "full"]
MERGED = ["lora", "qlora", "ia3"]
TEXT = replace(SHAPE, head="text", context=8, horizon=2)


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return open_base(str(put_base(tmp_path / "store").path), [])


def method(name: str, **changes: object) -> MethodRecipe:
    return replace(MethodRecipe(name=name, base="base", rank=2), **changes)  # type: ignore[arg-type]


def tuned(base: Base, name: str, **changes: object) -> Network:
    """A network as training would leave it."""
    return shaken(tuned_network(SHAPE, method(name, **changes), base, seed=0)).eval()


@torch.no_grad()
def answer(network: Network) -> Tensor:
    """[6, 4, 9] scaled quantiles of six windows."""
    bars = torch.stack(
        [torch.from_numpy(random_walk_bars(SHAPE.context, 3600, seed).ohlc) for seed in range(6)]
    )
    time = 1_577_959_200.0 + 3600.0 * torch.arange(6, dtype=torch.float64)
    assert isinstance(network, Forecaster)
    return network.scaled_quantiles(bars, time)[0]


def saved(store: Path, network: Network, base: Base, name: str) -> Bundle:
    return put(store, network, f"my-{name}", method(name), base.name)


def no_base(label: str) -> Base:
    raise AssertionError(f"asked for {label}")


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_alone_is_trained_and_the_base_stays(base: Base, name: str) -> None:
    network = tuned_network(SHAPE, method(name), base, seed=0)

    plain = set(Forecaster(SHAPE).state_dict())
    trained = {key for key, value in network.named_parameters() if value.requires_grad}
    assert trained
    assert not trained & plain
    assert all(key.startswith("gpt2.") for key in trained)


@pytest.mark.parametrize("name", ["bottleneck", "lora"])
def test_the_defaults_train_at_most_a_twentieth_of_the_shipped_base(name: str) -> None:
    base = open_base("fx-h1", [shipped_store()])
    assert base.config is not None

    network = tuned_network(base.config, MethodRecipe(name=name), base, seed=0)

    whole = sum(weight.numel() for weight in base.weights.values())
    assert trainable_parameters(network) <= 0.05 * whole
    assert all_parameters(network) == whole + trainable_parameters(network)


def test_weights_in_four_bits_count_as_the_parameters_they_are(base: Base) -> None:
    counts = [all_parameters(tuned_network(SHAPE, method(m), base, seed=0)) for m in MERGED[:2]]

    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["lora", "bottleneck", "ia3"])
def test_an_untrained_adapter_answers_nearly_as_its_base(base: Base, name: str) -> None:
    untuned = answer(tuned_network(SHAPE, MethodRecipe(), base, seed=0).eval())

    adapted = answer(tuned_network(SHAPE, method(name), base, seed=0).eval())

    assert torch.allclose(adapted, untuned, atol=1e-2)


def test_full_trains_all_but_the_words_that_nothing_looks_up(base: Base) -> None:
    network = tuned_network(SHAPE, method("full"), base, seed=0)

    frozen = [key for key, value in network.named_parameters() if not value.requires_grad]
    assert frozen == ["gpt2.wte.weight"]


def test_full_without_a_base_is_the_network_that_its_seed_makes() -> None:
    torch.manual_seed(5)
    expected = Forecaster(SHAPE).state_dict()

    found = tuned_network(SHAPE, MethodRecipe(), None, seed=5).state_dict()

    assert all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.mark.parametrize("name", ["bottleneck", "prefix"])
def test_a_seed_fixes_a_new_adapter_and_disturbs_no_other_draw(base: Base, name: str) -> None:
    before = torch.get_rng_state()

    first, again = (tuned_network(SHAPE, method(name), base, seed=4) for _ in range(2))

    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(answer(first.eval()), answer(again.eval()))


def test_every_method_but_full_needs_a_base() -> None:
    with pytest.raises(BaseError, match="lora tunes a base and none is given"):
        tuned_network(SHAPE, MethodRecipe(name="lora"), None, seed=0)


def test_a_base_of_another_width_is_refused(base: Base) -> None:
    with pytest.raises(BaseError, match="width = 64 and base"):
        tuned_network(replace(SHAPE, width=64), method("lora"), base, seed=0)


def test_the_shell_is_trained_where_the_recipe_says_so(base: Base) -> None:
    network = tuned_network(SHAPE, method("lora", train_shell=True), base, seed=0)

    trained = {key for key, value in network.named_parameters() if value.requires_grad}
    assert {"patch_embedding.weight", "head.ahead"} < trained
    assert "gpt2.base_model.model.wpe.weight" not in trained


def test_what_the_base_lacks_is_trained_beside_the_adapter(base: Base) -> None:
    longer = replace(SHAPE, context=64, horizon=6)

    network = tuned_network(longer, method("bottleneck"), base, seed=0)

    trained = {key for key, value in network.named_parameters() if value.requires_grad}
    assert {key for key in trained if "bottleneck" not in key} == {
        "gpt2.base_model.model.wpe.weight",
        "head.ahead",
    }


@pytest.mark.parametrize("name", METHODS)
def test_the_network_to_export_answers_as_the_tuned_one(base: Base, name: str) -> None:
    network = tuned(base, name)

    plain = plain_network(network)

    assert not plain.training
    assert torch.allclose(answer(plain), answer(network), atol=1e-5)


@pytest.mark.parametrize("name", MERGED)
def test_what_can_be_merged_is_a_plain_network_of_its_configuration(base: Base, name: str) -> None:
    plain = plain_network(tuned(base, name))

    fresh = Forecaster(SHAPE).eval()
    fresh.load_state_dict(plain.state_dict())
    assert torch.equal(answer(fresh), answer(plain))


@pytest.mark.parametrize("name", ADAPTERS)
def test_making_a_plain_network_leaves_the_tuned_one_in_training(base: Base, name: str) -> None:
    network = tuned(base, name).train()
    before = {key: value.clone() for key, value in network.named_parameters()}

    plain_network(network)

    assert network.training
    assert {key for key, _ in network.named_parameters()} == before.keys()
    assert trainable_parameters(network) > 0
    assert all(torch.equal(value, before[key]) for key, value in network.named_parameters())


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_network_answers_as_before_it_was_saved(
    tmp_path: Path, base: Base, name: str
) -> None:
    network = tuned(base, name)
    bundle = saved(tmp_path, network, base, name)

    loaded = load_network(bundle, lambda label: base if label == base.name else no_base(label))

    assert not loaded.training
    assert trainable_parameters(loaded) == 0
    assert torch.allclose(answer(loaded), answer(network), atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_loaded_network_exports_as_the_trained_one(tmp_path: Path, base: Base, name: str) -> None:
    network = tuned(base, name)
    bundle = saved(tmp_path, network, base, name)

    plain = plain_network(load_network(bundle, lambda label: base))

    assert torch.allclose(answer(plain), answer(network), atol=1e-5)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_peft_s_own_two_files_and_peft_loads_them(
    tmp_path: Path, base: Base, name: str
) -> None:
    files = save_network(tuned(base, name), method(name), tmp_path)

    assert files == ["adapter_config.json", "adapter_model.safetensors"]
    plain = tuned_network(SHAPE, MethodRecipe(), base, seed=0)
    loaded = PeftModel.from_pretrained(plain.gpt2, str(tmp_path))
    assert loaded.active_adapter == "default"


@pytest.mark.parametrize("name", METHODS)
def test_saving_twice_writes_the_same_bytes(tmp_path: Path, base: Base, name: str) -> None:
    written = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        files = save_network(tuned(base, name), method(name), folder)
        written.append({file: (folder / file).read_bytes() for file in files})

    assert written[0] == written[1]


def test_an_adapter_s_configuration_is_for_gpt2_s_own_layers(tmp_path: Path, base: Base) -> None:
    save_network(tuned(base, "qlora"), method("qlora"), tmp_path)

    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["fan_in_fan_out"] is True
    assert config["target_modules"] == ["c_attn"]


@pytest.mark.parametrize("name", ADAPTERS)
def test_networks_over_one_base_share_its_memory(tmp_path: Path, base: Base, name: str) -> None:
    network = tuned(base, name)
    bundle = saved(tmp_path, network, base, name)
    weights = shared_weights(base, name)

    sharing = [shared_network(bundle, weights) for _ in range(2)]

    in_memory = {value.data_ptr() for value in weights.values()}
    for each in sharing:
        own = [
            value
            for key, value in each.named_parameters()
            if value.data_ptr() not in in_memory and not key.endswith("wte.weight")
        ]
        assert sum(value.numel() for value in own) == trainable_parameters(network)
        assert torch.allclose(answer(each), answer(network), atol=1e-5)


def test_a_network_over_shared_weights_takes_no_room_of_its_own_meanwhile(
    tmp_path: Path, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = saved(tmp_path, tuned(base, "lora"), base, "lora")
    drawn: list[Tensor] = []
    real = torch.Tensor.normal_
    monkeypatch.setattr(
        torch.Tensor, "normal_", lambda self, *a, **k: (drawn.append(self), real(self, *a, **k))[1]
    )

    shared_network(bundle, base.weights)

    assert not [tensor for tensor in drawn if not tensor.is_meta]


def test_networks_may_be_opened_by_many_threads_at_once(tmp_path: Path, base: Base) -> None:
    network = tuned(base, "bottleneck")
    bundle = saved(tmp_path, network, base, "bottleneck")

    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: shared_network(bundle, base.weights), range(8)))
        made = threads.submit(Forecaster, SHAPE).result()

    assert not any(value.is_meta for each in (*opened, made) for value in each.parameters())
    assert all(torch.allclose(answer(each), answer(network), atol=1e-5) for each in opened)


def test_a_trained_shell_is_saved_and_comes_back(tmp_path: Path, base: Base) -> None:
    changes = {"train_shell": True}
    network = tuned(base, "bottleneck", **changes)
    bundle = put(tmp_path, network, "mine", method("bottleneck", **changes), base.name)

    loaded = load_network(bundle, lambda label: base)

    assert "shell.safetensors" in bundle.manifest.files
    assert torch.allclose(answer(loaded), answer(network), atol=1e-5)


def test_fresh_positions_are_saved_by_their_plain_name(tmp_path: Path, base: Base) -> None:
    longer = replace(SHAPE, context=64)
    network = shaken(tuned_network(longer, method("lora"), base, seed=0)).eval()
    bundle = put(tmp_path, network, "mine", method("lora"), base.name)

    loaded = load_network(bundle, lambda label: base)

    assert set(load_file(bundle.path / "shell.safetensors")) == {"gpt2.wpe.weight"}
    assert torch.equal(blocks(loaded).wpe.weight, blocks(network).wpe.weight)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_over_a_hugging_face_base_needs_nothing_but_its_bundle(
    tmp_path: Path, name: str
) -> None:
    save_gpt2(tmp_path / "gpt2")
    theirs = open_base(str(tmp_path / "gpt2"), [])
    network = shaken(tuned_network(over(theirs), method(name), theirs, seed=0)).eval()
    bundle = put(tmp_path, network, "mine", method(name), theirs.name)

    loaded = load_network(bundle, no_base)

    assert torch.allclose(answer(loaded), answer(network), atol=1e-5)


def test_adapters_over_one_hugging_face_base_bring_the_same_bytes_of_it(tmp_path: Path) -> None:
    save_gpt2(tmp_path / "gpt2")
    theirs = open_base(str(tmp_path / "gpt2"), [])
    bundles = [
        put(
            tmp_path,
            shaken(tuned_network(over(theirs), method(name), theirs, seed=seed)),
            f"my-{name}",
            method(name),
            theirs.name,
        )
        for seed, name in enumerate(("lora", "bottleneck"))
    ]

    assert len({bundle.manifest.files["model.safetensors"] for bundle in bundles}) == 1


def test_a_bundle_over_another_base_is_refused_naming_what_is_missing(
    tmp_path: Path, base: Base
) -> None:
    bundle = saved(tmp_path, tuned(base, "lora"), base, "lora")
    less = {key: value for key, value in base.weights.items() if key != "head.ahead"}

    with pytest.raises(BaseError, match=r"my-lora@\w+ does not fit .*head\.ahead is in neither"):
        shared_network(bundle, less)


def test_an_adapter_that_is_not_there_is_not_asked_for_elsewhere(
    tmp_path: Path, base: Base
) -> None:
    network = tuned_network(SHAPE, MethodRecipe(), base, seed=0)

    with pytest.raises(FileNotFoundError, match=r"adapter_config\.json"):
        attach_saved(network.gpt2, "lora", tmp_path)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_whose_file_holds_other_tensors_is_refused_naming_one(
    tmp_path: Path, base: Base, name: str
) -> None:
    bundle = saved(tmp_path, tuned(base, name), base, name)
    weights = load_file(bundle.path / ADAPTER_WEIGHTS)
    renamed = min(weights)
    save_file({f"{key}x" if key == renamed else key: weights[key] for key in weights}, _new(bundle))

    with pytest.raises(BaseError, match=f"adapter_model.safetensors .* {renamed}"):
        load_network(bundle, lambda label: base)


def test_a_damaged_adapter_is_refused(tmp_path: Path, base: Base) -> None:
    bundle = saved(tmp_path, tuned(base, "lora"), base, "lora")
    _new(bundle).write_bytes(b"no tensors at all")

    with pytest.raises(BaseError, match=r"adapter_model\.safetensors cannot be read"):
        load_network(bundle, lambda label: base)


def test_an_adapter_of_another_kind_than_is_promised_is_refused(tmp_path: Path, base: Base) -> None:
    folder = saved(tmp_path, tuned(base, "bottleneck"), base, "bottleneck").path

    with pytest.raises(BaseError, match="is of a BOTTLENECK adapter where ia3 is promised"):
        attach_saved(tuned(base, "full").gpt2, "ia3", folder)


def _new(bundle: Bundle) -> Path:
    """Where the adapter's weights stood, which are no longer there."""
    path = bundle.path / ADAPTER_WEIGHTS
    path.unlink()
    return path


@pytest.mark.parametrize("name", METHODS)
def test_the_text_head_is_tuned_saved_and_loaded_likewise(
    tmp_path: Path, base: Base, name: str
) -> None:
    network = shaken(tuned_network(TEXT, method(name), base, seed=0)).eval()
    bundle = put(tmp_path, network, "mine", method(name), base.name)

    loaded = load_network(bundle, lambda label: base)

    assert isinstance(loaded, TextForecaster)
    bars = torch.from_numpy(random_walk_bars(8, 3600, 1).ohlc)[None]
    time = torch.tensor([1_577_959_200.0], dtype=torch.float64)
    moves = torch.zeros(1, 2, dtype=torch.float64)
    with torch.no_grad():
        losses = [each.digit_loss(bars, time, moves) for each in (network, loaded)]
    assert torch.allclose(losses[0], losses[1], atol=1e-5)


def test_a_text_network_trains_its_digits_and_keeps_the_blocks(base: Base) -> None:
    network = tuned_network(TEXT, method("bottleneck"), base, seed=0)

    trained = {key for key, value in network.named_parameters() if value.requires_grad}
    assert {"digits.weight", "place.weight", "digit_head.weight"} < trained
    assert "patch_hour.weight" not in trained
    assert not any(".c_attn." in key for key in trained)
