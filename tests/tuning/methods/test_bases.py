"""Bases: where they are found, what of them is kept, and which are refused with what advice."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, GPT2LMHeadModel

from bridge.bundles import shipped_store, write_bundle
from bridge.forecaster.model import Forecaster
from bridge.forecaster.text import TextForecaster
from bridge.tuning.methods import hugging_face
from bridge.tuning.methods.bases import BaseError, network_config, open_base, transplant
from bridge.tuning.methods.networks import tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe, ModelRecipe
from tests.tuning.folders import SHAPE, manifest, over, put, put_base, save_gpt2

WEEK = {"tf": 3600, "open_hours": tuple(range(100)), "usual_volatility": 0.002}


def test_a_bundle_is_a_base_by_its_name_its_label_or_its_folder(tmp_path: Path) -> None:
    bundle = put_base(tmp_path)

    for text in ("base", bundle.manifest.label, str(bundle.path)):
        assert open_base(text, [tmp_path]).name == bundle.manifest.label


def test_a_manifest_of_before_there_were_other_blocks_is_a_base_still() -> None:
    base = open_base("fx-h1", [shipped_store()])

    assert base.config is not None
    assert (base.config.activation, base.config.head) == ("gelu_pytorch_tanh", "quantile")
    assert "head.gaps.weight" in base.weights


@pytest.mark.parametrize("kind", [None, GPT2LMHeadModel])
def test_a_checkpoint_in_hugging_face_format_computes_as_it_did(
    tmp_path: Path, kind: type[GPT2LMHeadModel] | None
) -> None:
    theirs = save_gpt2(tmp_path, **({"kind": kind} if kind else {}))
    theirs = theirs.transformer if kind else theirs
    base = open_base(str(tmp_path), [])
    network = Forecaster(over(base)).eval()

    transplant(network, base)

    embedded = torch.randn(3, 4, 32)
    with torch.no_grad():
        expected = theirs(inputs_embeds=embedded).last_hidden_state
        found = network.gpt2(
            inputs_embeds=embedded, attention_mask=network.causal_mask
        ).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_shape_of_a_checkpoints_blocks_is_the_networks(tmp_path: Path) -> None:
    save_gpt2(tmp_path, n_inner=48, activation_function="relu", layer_norm_epsilon=1e-6)

    base = open_base(str(tmp_path), [])
    network = tuned_network(over(base), MethodRecipe(), base, seed=0)

    assert network.gpt2.h[0].mlp.c_fc.weight.shape == (32, 48)
    assert isinstance(network.gpt2.h[0].mlp.act, torch.nn.ReLU)
    assert network.gpt2.h[0].ln_1.eps == 1e-6


def test_of_a_checkpoint_words_are_dropped_and_the_shell_is_fresh(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    base = open_base(str(tmp_path), [])

    fresh = transplant(Forecaster(over(base)), base)

    assert "patch_embedding.weight" in fresh
    assert not any(name.startswith("gpt2.") for name in fresh)


def test_the_digits_of_gpt2s_own_vocabulary_begin_the_text_heads(tmp_path: Path) -> None:
    words = save_gpt2(tmp_path, vocab_size=50_257, n_positions=256).wte.weight.detach()
    base = open_base(str(tmp_path), [])
    network = TextForecaster(over(base, replace(SHAPE, head="text")))

    transplant(network, base)

    assert torch.equal(network.digits.weight[:10], words[15:25])


def test_positions_are_cut_to_the_window(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])
    short = Forecaster(replace(SHAPE, context=16))

    fresh = transplant(short, base)

    assert torch.equal(short.gpt2.wpe.weight, base.weights["gpt2.wpe.weight"][:2])
    assert fresh == frozenset()


def test_a_longer_window_keeps_the_positions_there_are_and_trains_them_all(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])
    long = Forecaster(replace(SHAPE, context=64))

    fresh = transplant(long, base)

    assert torch.equal(long.gpt2.wpe.weight[:4], base.weights["gpt2.wpe.weight"])
    assert fresh == {"gpt2.wpe.weight"}


def test_positions_of_patches_are_none_of_digits(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])
    text = TextForecaster(replace(SHAPE, head="text"))
    before = text.gpt2.wpe.weight.clone()

    fresh = transplant(text, base)

    assert "gpt2.wpe.weight" in fresh
    assert torch.equal(text.gpt2.wpe.weight, before)


@pytest.mark.parametrize(
    ("change", "fresh"),
    [
        ({"horizon": 8}, {"head.ahead"}),
        ({"patch": 4, "context": 16}, {"patch_embedding.weight", "patch_embedding.bias"}),
        ({"open_hours": tuple(range(24, 144))}, {"patch_hour.weight", "head.hour.weight"}),
        ({"usual_volatility": 0.5}, {"level.weight", "level.bias"}),
    ],
)
def test_shell_weights_that_would_mean_something_else_stay_behind(
    tmp_path: Path, change: dict[str, object], fresh: set[str]
) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])
    other = Forecaster(replace(SHAPE, **change))  # type: ignore[arg-type]

    found = transplant(other, base)

    # The bias of an embedding of other patches has the same shape, and another meaning.
    assert found == fresh


def test_a_base_of_ours_brings_its_trading_week_and_usual_volatility(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    config = network_config(ModelRecipe(layers=2, heads=2, width=32), base, **WEEK)  # type: ignore[arg-type]

    assert config.open_hours == SHAPE.open_hours
    assert config.usual_volatility == SHAPE.usual_volatility


def test_without_a_base_the_bars_say_trading_week_and_usual_volatility() -> None:
    config = network_config(ModelRecipe(), None, **WEEK)  # type: ignore[arg-type]

    assert config.open_hours == WEEK["open_hours"]
    assert config.usual_volatility == 0.002


def test_a_recipe_of_other_layers_than_the_bases_is_refused_with_what_to_write(
    tmp_path: Path,
) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    with pytest.raises(BaseError, match=r"the recipe says layers = 3 .* write layers = 2"):
        network_config(ModelRecipe(layers=3, heads=2, width=32), base, **WEEK)  # type: ignore[arg-type]


def test_bars_of_another_timeframe_than_the_bases_are_refused(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    with pytest.raises(BaseError, match="reads bars of 3600 seconds and these have 900"):
        network_config(
            ModelRecipe(layers=2, heads=2, width=32),
            base,
            **{**WEEK, "tf": 900},  # type: ignore[arg-type]
        )


def test_an_adapter_is_no_base_and_names_the_one_it_was_tuned_from(tmp_path: Path) -> None:
    label = put_base(tmp_path).manifest.label
    base, method = open_base("base", [tmp_path]), MethodRecipe(name="lora", base="base")
    put(tmp_path, tuned_network(SHAPE, method, base, seed=0), "mine", method, label)

    with pytest.raises(BaseError, match=rf"itself an adapter \(lora\).*--base {label}"):
        open_base("mine", [tmp_path])


def test_a_bundle_without_weights_is_no_base(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no weights")
    write_bundle(tmp_path / "bare", manifest(SHAPE, "bare"), {"note.txt": tmp_path / "note.txt"})

    with pytest.raises(BaseError, match=r"holds no model\.safetensors"):
        open_base("bare", [tmp_path])


def test_a_damaged_bundle_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    bundle = put_base(tmp_path)
    (bundle.path / "model.safetensors").write_bytes(b"damaged")

    with pytest.raises(BaseError, match=r"model\.safetensors is not the file"):
        open_base("base", [tmp_path])


def test_a_version_that_there_is_not_lists_those_there_are(tmp_path: Path) -> None:
    label = put_base(tmp_path).manifest.label

    with pytest.raises(BaseError, match=f"no model 'base@000000000000'.*there are: {label}"):
        open_base("base@000000000000", [tmp_path])


@pytest.mark.parametrize("folder", ["me@work/gpt2", "gpt2@mine"])
def test_a_folder_may_have_an_at_sign_in_its_path(tmp_path: Path, folder: str) -> None:
    save_gpt2(tmp_path / folder)

    assert open_base(str(tmp_path / folder), []).bundle is None


def test_another_kind_of_network_is_refused_by_its_kind(tmp_path: Path) -> None:
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 9}
    BertModel(BertConfig(**shape, intermediate_size=16)).save_pretrained(tmp_path)

    with pytest.raises(BaseError, match="is no GPT-2 but bert"):
        open_base(str(tmp_path), [])


def test_a_folder_without_a_configuration_is_refused_with_what_belongs_there(
    tmp_path: Path,
) -> None:
    with pytest.raises(BaseError, match=r"holds neither bundle\.json nor config\.json"):
        open_base(str(tmp_path), [])


def test_weights_that_only_unpickling_could_read_are_left_alone(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")

    with pytest.raises(BaseError, match=r"its weights are pytorch_model\.bin.*save_pretrained"):
        open_base(str(tmp_path), [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale_attn_by_inverse_layer_idx": True}, "another way .*inverse_layer_idx"),
        ({"activation_function": "mish"}, "activation mish: known are"),
    ],
)
def test_a_gpt2_that_computes_otherwise_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    save_gpt2(tmp_path, **changes)

    with pytest.raises(BaseError, match=message):
        open_base(str(tmp_path), [])


def test_a_checkpoint_whose_files_do_not_belong_together_is_refused(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    said = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**said, "n_layer": 3}))

    with pytest.raises(BaseError, match=r"h\.2\.ln_1\.weight is missing"):
        open_base(str(tmp_path), [])


def test_a_checkpoint_with_values_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["ln_f.weight"][0] = torch.nan
    save_file({name: value.clone() for name, value in weights.items()}, tmp_path / "new")
    (tmp_path / "new").replace(tmp_path / "model.safetensors")

    with pytest.raises(BaseError, match=r"ln_f\.weight holds values that are not finite"):
        open_base(str(tmp_path), [])


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(BaseError, match=r"model\.safetensors cannot be read"):
        open_base(str(tmp_path), [])


class Hub(BaseHTTPRequestHandler):
    """Serves the folder `files` as the hub serves the repository `gpt2`, and has no other."""

    files: Path

    def do_HEAD(self) -> None:
        self.answer(200, (self.files / Path(self.path).name))

    def do_GET(self) -> None:
        path = self.files / Path(self.path).name
        self.answer(200, path)
        if self.path.startswith("/gpt2/resolve/") and path.is_file():
            self.wfile.write(path.read_bytes())

    def answer(self, status: int, path: Path) -> None:
        error = "" if path.is_file() else "EntryNotFound"
        if not self.path.startswith("/gpt2/resolve/"):
            error = "RepoNotFound"
        self.send_response(status if not error else 404)
        self.send_header("X-Repo-Commit", "0" * 40)
        if error:
            self.send_header("X-Error-Code", error)
        else:
            self.send_header("ETag", f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"')
        self.send_header("Content-Length", "0" if error else str(path.stat().st_size))
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hub on this machine, and the folder that it serves as `gpt2`."""
    Hub.files = tmp_path / "on-the-hub"
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        constants, address = huggingface_hub.constants, f"http://127.0.0.1:{server.server_port}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield Hub.files
        server.shutdown()


def test_a_name_that_is_no_model_of_ours_is_looked_for_on_the_hub(hub: Path) -> None:
    theirs = save_gpt2(hub)

    base = open_base("gpt2", [shipped_store()])

    assert (base.name, base.bundle, base.layers) == ("gpt2", None, 2)
    assert torch.equal(base.weights["gpt2.ln_f.weight"], theirs.ln_f.weight)


def test_a_checkpoint_in_parts_is_put_together(hub: Path) -> None:
    theirs = save_gpt2(hub, max_shard_size="20KB")
    assert not (hub / "model.safetensors").exists()

    base = open_base("gpt2", [])

    assert torch.equal(base.weights["gpt2.ln_f.weight"], theirs.ln_f.weight)
    assert "gpt2.h.1.mlp.c_fc.weight" in base.weights


def test_a_name_on_the_hub_without_safetensors_is_refused(hub: Path) -> None:
    save_gpt2(hub)
    (hub / "model.safetensors").rename(hub / "pytorch_model.bin")

    with pytest.raises(BaseError, match="'gpt2' on the Hugging Face hub is no GPT-2 in safeten"):
        open_base("gpt2", [])


def test_a_name_that_even_the_hub_does_not_know_is_said_to_be_unknown(
    hub: Path, tmp_path: Path
) -> None:
    label = put_base(tmp_path).manifest.label

    with pytest.raises(BaseError, match=rf"no model 'no/body' \(there are: {label}\).*check the"):
        open_base("no/body", [tmp_path])


def test_a_name_of_the_hub_without_a_network_says_so_and_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    label = put_base(tmp_path).manifest.label

    with pytest.raises(BaseError, match=f"no model 'gpt3'.*{label}.*hub cannot be reached"):
        open_base("gpt3", [tmp_path])


def test_a_hub_without_an_address_is_not_asked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unknown(host: str, port: None) -> None:
        raise OSError(f"{host}: name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(hugging_face, "getproxies", dict)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    with pytest.raises(BaseError, match="hub cannot be reached"):
        open_base("gpt3", [tmp_path])

    assert not caplog.records


def test_no_base_at_all_says_what_to_give() -> None:
    with pytest.raises(BaseError, match="no base is named"):
        open_base("", [])


def test_a_path_that_leads_nowhere_is_not_asked_for_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match=r"there is no model .*, and no folder"):
        open_base(str(tmp_path / "none"), [tmp_path])
