"""PyTorch: a base loaded once, adapters beside it, and the same bits however it is asked."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bridge.backends import BackendError, open_backend
from bridge.backends.pytorch import PytorchBackend, PytorchRuntime
from bridge.bundles import Bundle, write_bundle
from bridge.runtimes import Runtimes
from bridge.tuning.methods.bases import open_base
from bridge.tuning.methods.networks import load_network
from tests.backends import graphs, networks
from tests.tuning import folders

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture
def base(tmp_path: Path) -> Bundle:
    return networks.put_base(tmp_path)


@pytest.fixture
def runtimes(tmp_path: Path) -> Runtimes:
    return Runtimes([tmp_path])


def loaded_bases(runtimes: Runtimes) -> int:
    assert runtimes._pytorch is not None
    return runtimes._pytorch.bases


@pytest.mark.parametrize("method", ["full", "lora", "qlora", "ia3", "bottleneck", "prefix"])
def test_it_answers_as_the_network_does(
    base: Bundle, runtimes: Runtimes, tmp_path: Path, method: str
) -> None:
    bundle = base
    if method != "full":
        bundle = networks.put_adapter(tmp_path, base, method, method)
    network = load_network(bundle, lambda label: open_base(label, [tmp_path])).to(DEVICE)
    bars, time = networks.window()
    with torch.inference_mode():
        quantiles, up = network(
            torch.tensor(bars, device=DEVICE), torch.tensor(time, device=DEVICE)
        )
    answer = open_backend(bundle, runtimes).forecast(bars, time)
    np.testing.assert_array_equal(answer.quantiles, quantiles.double().cpu().numpy())
    np.testing.assert_array_equal(answer.up, up.double().cpu().numpy())


def test_adapters_of_one_base_answer_differently_over_the_same_tensors(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    answers, places = set(), set()
    for seed in range(3):
        bundle = networks.put_adapter(tmp_path, base, f"a{seed}", seed=seed)
        backend = open_backend(bundle, runtimes)
        assert isinstance(backend, PytorchBackend)
        answers.add(backend.forecast(*networks.window()).quantiles.tobytes())
        places |= {
            parameter.data_ptr()
            for name, parameter in backend._network.named_parameters()
            if name.endswith("h.0.mlp.c_fc.weight")
        }
    assert len(answers) == 3
    assert len(places) == 1
    assert loaded_bases(runtimes) == 1


def test_methods_of_one_base_share_it_but_those_that_round_it(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    for method in ("lora", "bottleneck", "ia3", "prefix"):
        open_backend(networks.put_adapter(tmp_path, base, method, method), runtimes)
    assert loaded_bases(runtimes) == 1
    open_backend(networks.put_adapter(tmp_path, base, "qlora", "qlora"), runtimes)
    assert loaded_bases(runtimes) == 2


def test_adapters_of_a_foreign_gpt2_share_the_weights_that_each_brings(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    folders.save_gpt2(tmp_path / "foreign", n_layer=1)
    for seed in range(2):
        bundle = networks.put_adapter(tmp_path, tmp_path / "foreign", f"a{seed}", seed=seed)
        open_backend(bundle, runtimes)
    assert loaded_bases(runtimes) == 1


def test_a_window_has_the_same_bits_alone_in_a_batch_and_on_any_thread(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    backend = open_backend(networks.put_adapter(tmp_path, base, "a"), runtimes)
    windows = [networks.window(seed) for seed in range(9)]
    alone = [backend.forecast(*each).quantiles.tobytes() for each in windows]
    bars, times = (np.concatenate(each) for each in zip(*windows, strict=True))
    assert [row.tobytes() for row in backend.forecast(bars, times).quantiles] == alone

    differing: list[int] = []

    def ask() -> None:
        answers = [backend.forecast(*each).quantiles.tobytes() for each in windows]
        differing.extend(row for row in range(9) if answers[row] != alone[row])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert differing == []


def test_a_text_model_is_served_with_the_same_bits_in_any_batch(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    config = replace(networks.CONFIG, head="text", context=8)
    backend = open_backend(folders.put_base(tmp_path, "text", config), runtimes)
    bars, times = (
        np.concatenate(each) for each in zip(*map(networks.window, range(3)), strict=True)
    )
    together = backend.forecast(bars[:, -8:], times)
    for row in range(3):
        alone = backend.forecast(bars[row : row + 1, -8:], times[row : row + 1])
        assert alone.quantiles.tobytes() == together.quantiles[row].tobytes()
        assert alone.up.tobytes() == together.up[row].tobytes()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_all_of_it_stands_on_a_cuda_device_where_there_is_one(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    for method in ("lora", "bottleneck", "prefix"):
        backend = open_backend(networks.put_adapter(tmp_path, base, method, method), runtimes)
        assert isinstance(backend, PytorchBackend)
        assert {each.device.type for each in backend._network.parameters()} == {"cuda"}


def test_torch_has_its_threads_again_after_a_forecast(base: Bundle, runtimes: Runtimes) -> None:
    backend = open_backend(base, runtimes)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        backend.forecast(*networks.window())
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_base_is_let_go_with_the_last_adapter_on_it(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    bundles = [networks.put_adapter(tmp_path, base, f"a{seed}", seed=seed) for seed in range(2)]
    kept, dropped = (open_backend(bundle, runtimes) for bundle in bundles)
    expected = kept.forecast(*networks.window()).quantiles.tobytes()

    runtimes.drop(bundles[1].manifest.label)
    assert loaded_bases(runtimes) == 1
    assert kept.forecast(*networks.window()).quantiles.tobytes() == expected
    with pytest.raises(BackendError, match="closed"):
        dropped.forecast(*networks.window())

    runtimes.drop(bundles[0].manifest.label)
    assert loaded_bases(runtimes) == 0


def test_a_dropped_network_keeps_no_tensor_even_where_it_is_still_held(
    base: Bundle, runtimes: Runtimes
) -> None:
    backend = open_backend(base, runtimes)
    assert isinstance(backend, PytorchBackend)
    network = backend._network
    runtimes.drop(base.manifest.label)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


def test_what_was_dropped_can_be_opened_again(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    bundle = networks.put_adapter(tmp_path, base, "a")
    before = open_backend(bundle, runtimes).forecast(*networks.window())
    runtimes.drop(bundle.manifest.label)
    runtimes.drop(bundle.manifest.label)  # nothing is left to drop, and nothing is said
    after = open_backend(bundle, runtimes).forecast(*networks.window())
    assert before.quantiles.tobytes() == after.quantiles.tobytes()


def test_an_adapter_whose_base_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    base = networks.put_base(tmp_path / "elsewhere")
    bundle = networks.put_adapter(tmp_path / "elsewhere", base, "a")
    with pytest.raises(BackendError, match=f"stands on {base.manifest.label}, which is not"):
        open_backend(bundle, Runtimes([tmp_path]))


def test_a_bundle_whose_weights_are_of_another_shape_is_refused(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    small = networks.put_base(tmp_path, "small")
    larger = {**small.manifest.network, "width": 32}
    promised = replace(small.manifest, name="large", network=larger)
    files = {name: small.path / name for name in small.manifest.files}
    bundle = write_bundle(tmp_path / "large", promised, files)
    with pytest.raises(BackendError, match=r"it makes no network: .*another shape"):
        open_backend(bundle, runtimes)


@pytest.mark.parametrize("damaged", ["adapter_model.safetensors", "model.safetensors"])
def test_a_bundle_whose_files_hold_no_tensors_is_refused(
    runtimes: Runtimes, tmp_path: Path, damaged: str
) -> None:
    folders.save_gpt2(tmp_path / "gpt2", n_embd=16)
    bundle = networks.put_adapter(tmp_path, tmp_path / "gpt2", "whole")
    files = {name: bundle.path / name for name in bundle.manifest.files}
    (tmp_path / "junk").write_bytes(b"no tensors at all")
    bundle = write_bundle(
        tmp_path / "odd",
        replace(bundle.manifest, name="odd"),
        {**files, damaged: tmp_path / "junk"},
    )

    with pytest.raises(BackendError, match=rf"{damaged} cannot be read"):
        open_backend(bundle, runtimes)


def test_without_a_runtime_it_says_what_else_serves_it(base: Bundle) -> None:
    with pytest.raises(BackendError, match=r"run by PyTorch.*--to onnx"):
        open_backend(base)


def test_without_torch_it_says_what_to_install(
    base: Bundle, runtimes: Runtimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("bridge.backends.pytorch", "bridge.tuning.methods.networks"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError, match=r"torch is missing.*pip install \"eabridge\[train\]\""):
        open_backend(base, runtimes)


class Failing(torch.nn.Module):
    """A network that fails where the last close is above 2, and else answers so many values."""

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon

    def forward(self, bars: torch.Tensor, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if bars[0, -1] > 2.0:
            raise RuntimeError("the window is too high")
        return bars.new_ones(1, self.horizon, 3), bars.new_ones(1, self.horizon)


class Given:
    """A builder that builds what it was given."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def base_weights(self, bundle: Bundle) -> Mapping[str, Any]:
        raise AssertionError("no base is needed")

    def network(self, bundle: Bundle, weights: Mapping[str, Any] | None) -> Any:
        assert weights is None
        return self._network


def test_a_network_that_fails_on_a_window_says_so(base: Bundle) -> None:
    backend = open_backend(base, PytorchRuntime(Given(Failing(horizon=2))))
    with pytest.raises(BackendError, match="too high"):
        backend.forecast(3.0 * np.ones((1, 16)), np.zeros(1))


def test_a_network_that_breaks_its_promise_is_refused_and_let_go(base: Bundle) -> None:
    runtime = PytorchRuntime(Given(Failing(horizon=5)))
    with pytest.raises(BackendError, match=r"quantiles. comes as float64 \(1, 5, 3\)"):
        open_backend(base, runtime)
    assert runtime._opened == {}


def test_graphs_are_opened_beside_networks(runtimes: Runtimes, tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("steady"))
    assert open_backend(bundle, runtimes).forecast(np.ones((1, 4)), np.zeros(1)).up.shape == (1, 2)
    assert runtimes._pytorch is None  # and torch was not asked for


def test_one_of_two_that_opened_a_bundle_is_closed_and_the_other_answers(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    bundle = networks.put_adapter(tmp_path, base, "a")
    kept, closed = open_backend(bundle, runtimes), open_backend(bundle, runtimes)
    closed.close()
    closed.close()
    assert kept.forecast(*networks.window()).up.shape == (1, 2)
    assert loaded_bases(runtimes) == 1
    with pytest.raises(BackendError, match="closed"):
        closed.forecast(*networks.window())
    kept.close()
    assert loaded_bases(runtimes) == 0


def test_a_second_opening_that_fails_leaves_the_first(base: Bundle) -> None:
    class Given:
        horizon = 2

        def network(self, bundle: Bundle, weights: object) -> Any:
            return Failing(self.horizon)

    builder: Any = Given()
    runtime = PytorchRuntime(builder)
    first = open_backend(base, runtime)
    builder.horizon = 5
    with pytest.raises(BackendError, match=r"quantiles. comes as"):
        open_backend(base, runtime)
    assert first.forecast(np.ones((1, 16)), np.zeros(1)).up.shape == (1, 2)


def test_a_file_that_changes_between_verification_and_use_is_not_used(
    base: Bundle, runtimes: Runtimes
) -> None:
    weights = base.path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(BackendError, match=r"model\.safetensors is not the file that was exported"):
        open_backend(base, runtimes)
    assert runtimes._pytorch is not None
    assert runtimes._pytorch._opened == {}


def test_a_base_that_a_manifest_names_by_a_folder_is_not_looked_for_there(
    base: Bundle, tmp_path: Path
) -> None:
    adapter = networks.put_adapter(tmp_path, base, "a")
    files = {name: adapter.path / name for name in adapter.manifest.files}
    for name in (str(base.path), base.path.as_uri(), "gpt2"):
        promised = replace(adapter.manifest, name="b", base=name)
        bundle = write_bundle(tmp_path / "b", promised, files, replace_existing=True)
        with pytest.raises(BackendError, match=r"which is not to be had: there is no model"):
            open_backend(bundle, Runtimes([tmp_path]))


@pytest.mark.parametrize("left_out", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_that_the_manifest_does_not_vouch_for_is_refused(
    base: Bundle, runtimes: Runtimes, tmp_path: Path, left_out: str
) -> None:
    adapter = networks.put_adapter(tmp_path, base, "a")
    files = {name: adapter.path / name for name in adapter.manifest.files if name != left_out}
    bundle = write_bundle(tmp_path / "b", replace(adapter.manifest, name="b"), files)
    shutil.copy(adapter.path / left_out, bundle.path / left_out)
    with pytest.raises(BackendError, match=f"its manifest lists no {left_out}"):
        open_backend(bundle, runtimes)


def test_an_adapter_whose_settings_name_code_is_refused(
    base: Bundle, runtimes: Runtimes, tmp_path: Path
) -> None:
    adapter = networks.put_adapter(tmp_path, base, "a")
    files = {name: adapter.path / name for name in adapter.manifest.files}
    settings = json.loads(files["adapter_config.json"].read_text(encoding="utf-8"))
    settings |= {"megatron_config": {"a": 1}, "megatron_core": "antigravity"}
    (tmp_path / "settings").write_text(json.dumps(settings))
    files["adapter_config.json"] = tmp_path / "settings"
    bundle = write_bundle(tmp_path / "b", replace(adapter.manifest, name="b"), files)
    with pytest.raises(BackendError, match="names code to run"):
        open_backend(bundle, runtimes)
    assert "antigravity" not in sys.modules
