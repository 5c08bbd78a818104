"""The ONNX Runtime backend: float64 prices in, float64 forecasts out, failures as BackendError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bridge.backends import BackendError
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from tests.backends import graphs


def _backend(folder: Path, model: onnx.ModelProto) -> OnnxRuntimeBackend:
    graph = folder / "model.onnx"
    graph.write_bytes(model.SerializeToString())
    return OnnxRuntimeBackend(graph)


def test_answers_quantiles_and_up_of_each_window(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.steady())
    answer = backend.forecast(
        np.stack([graphs.window(1.5), graphs.window(3.0)]), np.array([0.0, 3600.0])
    )
    assert (
        answer.quantiles.tobytes()
        == np.stack([graphs.expected_quantiles(1.5), graphs.expected_quantiles(3.0)]).tobytes()
    )
    assert answer.up.shape == (2, graphs.HORIZON)


def test_hands_the_time_of_each_window_to_the_graph(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.steady())
    answer = backend.forecast(np.ones((2, 4)), np.array([0.0, 3600.0]))
    np.testing.assert_allclose(answer.up[:, 0], 0.5 + 0.25 * np.sin([0.0, 3600.0]))


def test_reads_rows_of_open_high_low_close(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.steady("ohlc"))
    rows = np.ones((1, 4, 4))
    rows[0, -1] = [2.0, 4.0, 1.0, 3.0]
    assert backend.forecast(rows, np.zeros(1)).quantiles[0, 0, 1] == 3.0


def test_a_graph_that_raises_is_a_backend_error_with_the_reason(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.raising_above())
    with pytest.raises(BackendError, match="out of data bounds"):
        backend.forecast(graphs.window(500.0)[np.newaxis], np.zeros(1))


def test_a_graph_that_raised_answers_the_next_window(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.raising_above())
    with pytest.raises(BackendError):
        backend.forecast(graphs.window(500.0)[np.newaxis], np.zeros(1))
    answer = backend.forecast(graphs.window(2.0)[np.newaxis], np.zeros(1))
    assert answer.quantiles[0].tobytes() == graphs.expected_quantiles(2.0).tobytes()


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 64])
def test_unreadable_graphs_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(content)
    with pytest.raises(BackendError, match=r"model\.onnx is not a readable graph"):
        OnnxRuntimeBackend(graph)


def test_says_nothing_on_its_own_when_a_graph_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    backend = _backend(tmp_path, graphs.raising_above())
    with pytest.raises(BackendError):
        backend.forecast(graphs.window(500.0)[np.newaxis], np.zeros(1))
    assert capfd.readouterr() == ("", "")


def test_a_graph_with_weights_in_another_file_is_refused(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    onnx.save_model(
        graphs.steady(),
        str(graph),
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )

    with pytest.raises(BackendError, match="another file, which no manifest vouches for"):
        OnnxRuntimeBackend(graph)
