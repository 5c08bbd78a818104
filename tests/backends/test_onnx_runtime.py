"""The ONNX Runtime backend: float64 prices in, float64 forecasts out, failures as BackendError."""

from __future__ import annotations

import subprocess
import sys
import threading
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
    np.testing.assert_allclose(answer.up[:, 0], 0.5 + 0.25 * np.array([0.0, 3600.0]) / 86_400)


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


def test_so_is_one_that_spells_it_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = graphs.steady()
    weights = next(each for each in model.graph.initializer if each.name == "factors")
    (tmp_path / "w").write_bytes(weights.raw_data)
    monkeypatch.chdir(tmp_path)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="w")
    key, value = b"\x0a\x08location", b"\x12\x01w"
    content = model.SerializeToString()
    assert key + value in content

    with pytest.raises(BackendError, match=r"external|External"):
        OnnxRuntimeBackend(content.replace(key + value, value + key))


def test_a_graph_is_opened_from_bytes_as_from_its_file(tmp_path: Path) -> None:
    content = graphs.steady().SerializeToString()
    answer = OnnxRuntimeBackend(content).forecast(graphs.window(2.0)[np.newaxis], np.zeros(1))
    assert answer.quantiles[0].tobytes() == graphs.expected_quantiles(2.0).tobytes()
    with pytest.raises(BackendError, match=r"model\.onnx is not a readable graph"):
        OnnxRuntimeBackend(b"not a graph")


class Asking(threading.Thread):
    """A forecast that another thread waits for."""

    def __init__(self, backend: OnnxRuntimeBackend, last_close: float) -> None:
        super().__init__(daemon=True)
        self._backend, self._last_close = backend, last_close
        self.error = ""
        self.start()

    def run(self) -> None:
        try:
            self._backend.forecast(graphs.window(self._last_close)[np.newaxis], np.zeros(1))
        except BackendError as error:
            self.error = str(error)

    def outcome(self) -> str:
        self.join(60.0)
        assert not self.is_alive(), "it loops for ever"
        return self.error


ENDLESS = 1e15  # steps of the slow model


def test_a_loop_that_does_not_end_is_ended_and_the_graph_answers_again(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.slow())
    for _ in range(3):
        waiting = Asking(backend, ENDLESS)
        waiting.join(0.1)
        assert waiting.is_alive()
        backend.abort()
        assert waiting.outcome() == "it was told to stop before it had an answer"
        answer = backend.forecast(graphs.window(2.0)[np.newaxis], np.zeros(1))
        assert answer.quantiles[0].tobytes() == graphs.expected_quantiles(2.0).tobytes()


def test_an_abort_ends_all_who_wait_and_none_who_come_later(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.slow())
    waiting = [Asking(backend, ENDLESS) for _ in range(3)]
    waiting[0].join(0.2)
    backend.abort()
    assert {each.outcome() for each in waiting} == {"it was told to stop before it had an answer"}
    backend.abort()
    assert backend.forecast(np.ones((1, 4)), np.zeros(1)).up.shape == (1, graphs.HORIZON)


def test_a_closed_graph_answers_no_more_and_may_be_closed_again(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.steady())
    for _ in range(2):
        backend.close()
        with pytest.raises(BackendError, match="closed"):
            backend.forecast(np.ones((1, 4)), np.zeros(1))


def test_what_is_closed_while_it_computes_still_answers(tmp_path: Path) -> None:
    backend = _backend(tmp_path, graphs.slow())
    waiting = Asking(backend, 200_000.0)
    waiting.join(0.02)
    backend.close()
    assert waiting.outcome() in ("", "it was closed while it was asked: ask again")


_LIMITED = """
import numpy as np
from bridge.backends import BackendError
from bridge.backends.onnx_runtime import OnnxRuntimeBackend, limit_memory
from tests.backends import bombs, graphs

limit_memory(256 << 20)
limit_memory(1 << 40)  # too late
steady = OnnxRuntimeBackend(graphs.steady().SerializeToString())
window = graphs.window(2.0)[np.newaxis], np.zeros(1)
for bomb in (bombs.constant_of_shape(), bombs.expand(), bombs.endless_loop(growing=True)):
    try:
        OnnxRuntimeBackend(bomb.SerializeToString()).forecast(*window)
        raise SystemExit("it had its memory")
    except BackendError as error:
        assert "Available memory of" in str(error), error
answer = steady.forecast(*window)
assert answer.quantiles[0].tobytes() == graphs.expected_quantiles(2.0).tobytes()
"""


def test_graphs_have_no_more_memory_than_they_are_allowed_and_the_others_go_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
