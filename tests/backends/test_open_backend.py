"""Opening a backend: a graph is asked once, and held against what its manifest promises."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from bridge.backends import BackendError, open_backend
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.bundles import Manifest, list_bundles, shipped_store
from tests.backends import bombs, graphs


def test_opens_a_model_that_keeps_its_promise(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("steady"))
    answer = open_backend(bundle).forecast(np.ones((1, graphs.CONTEXT)), np.zeros(1))
    assert answer.quantiles.shape == (1, graphs.HORIZON, len(graphs.LEVELS))


def test_opens_every_model_that_ships() -> None:
    for bundle in list_bundles([shipped_store()])[0]:
        open_backend(bundle)


def test_opens_a_graph_that_admits_one_window_at_a_time(tmp_path: Path) -> None:
    open_backend(graphs.put(tmp_path, graphs.one_at_a_time(), graphs.manifest("single")))


@pytest.mark.parametrize(
    ("model", "promised", "reason"),
    [
        (graphs.steady(), graphs.manifest("m", horizon=3), r"\(1, 2, 3\).*float64 \(1, 3, 3\)"),
        (graphs.steady(), graphs.manifest("m", levels=[0.5]), r"\(1, 2, 3\).*float64 \(1, 2, 1\)"),
        (graphs.steady("ohlc"), graphs.manifest("m"), "rank"),
        (graphs.steady(), graphs.manifest("m", inputs="ohlc"), "rank"),
        (graphs.float32(), graphs.manifest("m"), r"`quantiles` comes as float32"),
        (graphs.sequence(), graphs.manifest("m"), r"`up` comes as float64 \(1, 1, 2\)"),
        (graphs.never_finite(), graphs.manifest("m"), "not finite"),
        (graphs.first_only(), graphs.manifest("m"), r"\(1, 2, 3\).*float64 \(2, 2, 3\)"),
        (graphs.blending(), graphs.manifest("m"), "changes with the other windows of its batch"),
        (
            graphs.rounding_by_batch(),
            graphs.manifest("m"),
            "changes with the other windows of its batch",
        ),
    ],
    ids=[
        "another horizon",
        "other levels",
        "reads ohlc where close is promised",
        "reads close where ohlc is promised",
        "float32",
        "a sequence in the place of an array",
        "not finite",
        "one answer to a batch",
        "answers that leak into each other",
        "other last bits in a batch",
    ],
)
def test_a_model_that_breaks_its_promise_is_refused(
    tmp_path: Path, model: onnx.ModelProto, promised: Manifest, reason: str
) -> None:
    bundle = graphs.put(tmp_path, model, promised)
    with pytest.raises(BackendError, match=reason):
        open_backend(bundle)


def test_a_refusal_names_the_bundle(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.never_finite(), graphs.manifest("m"), folder="broken")
    with pytest.raises(BackendError) as refusal:
        open_backend(bundle)
    assert str(refusal.value).startswith(f"bundle {tmp_path / 'broken'}: ")


def test_a_graph_without_the_two_outputs_is_refused(tmp_path: Path) -> None:
    model = graphs.steady()
    del model.graph.output[1]
    with pytest.raises(BackendError, match="up"):
        open_backend(graphs.put(tmp_path, model, graphs.manifest("m")))


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, b"not a graph", graphs.manifest("m"))
    with pytest.raises(BackendError, match=r"model\.onnx is not a readable graph"):
        open_backend(bundle)


def test_a_shipped_model_gives_a_window_the_same_bits_at_any_place_in_any_batch() -> None:
    for bundle in list_bundles([shipped_store()])[0]:
        columns = () if bundle.manifest.inputs == "close" else (4,)
        noise = np.random.default_rng(5).normal(0.0, 0.001, (64, bundle.manifest.context, *columns))
        windows, times = np.exp(noise), np.arange(64) * 3600.0
        backend = open_backend(bundle)
        alone = [
            backend.forecast(windows[[row]], times[[row]]).quantiles.tobytes() for row in range(64)
        ]
        for size in (2, 3, 17, 64):
            batch = backend.forecast(windows[:size], times[:size]).quantiles
            assert [row.tobytes() for row in batch] == alone[:size]


def test_a_model_that_never_answers_is_refused_in_time(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, bombs.endless_loop(), graphs.manifest("endless"))
    reason = r"had not answered its first windows after 0\.3 seconds"
    with pytest.raises(BackendError, match=reason) as refusal:
        open_backend(bundle, seconds=0.3)
    assert str(refusal.value).startswith(f"bundle {bundle.path}: it had not")


def test_a_graph_that_was_changed_since_it_was_verified_is_not_loaded(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    bundle.graph.write_bytes(graphs.blending().SerializeToString())
    with pytest.raises(BackendError) as refusal:
        open_backend(bundle)
    begin = f"bundle {bundle.path}: model.onnx is not the file that was exported"
    assert str(refusal.value).startswith(begin)
    assert str(refusal.value).count("bundle ") == 2  # the second is what to do about it


def test_whatever_is_raised_over_its_first_windows_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[object] = []

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(OnnxRuntimeBackend, "forecast", no_memory)
    monkeypatch.setattr(OnnxRuntimeBackend, "close", lambda backend: closed.append(backend))
    with pytest.raises(MemoryError):
        open_backend(graphs.put(tmp_path, graphs.steady(), graphs.manifest("m")))
    assert len(closed) == 1


def test_a_runtime_that_cannot_be_loaded_is_told_with_what_windows_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "bridge.backends.onnx_runtime")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendError, match=r"ONNX Runtime cannot be loaded.*Visual C\+\+"):
        open_backend(graphs.put(tmp_path, graphs.steady(), graphs.manifest("m")))


def test_a_graph_that_is_gone_since_it_was_verified_is_told(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    bundle.graph.unlink()
    with pytest.raises(BackendError, match=r"model\.onnx is missing"):
        open_backend(bundle)
