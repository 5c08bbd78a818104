"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import psutil
from numpy.typing import NDArray

from bridge.backends.base import BackendError, Forecasts
from bridge.bundles.bundle import GRAPH_FILE

_OUTPUTS = ["quantiles", "up"]
_FOLDER_OF_OTHER_FILES = "session.model_external_initializers_file_folder_path"
_EXTERNAL_DATA = b"\x0a\x08location\x12"  # protobuf of a tensor's entry that names another file
_NOWHERE = str(Path(__file__) / "nowhere")  # in a file, so that no folder can have the name
_SILENT = 4  # failures are raised, and logged by whoever asked
_is_limited = False


def limit_memory(most_bytes: int | None = None) -> None:
    """Let all graphs of this process that are loaded from now on have so much memory together.

    One that asks for more fails on that window, as it does on any other fault: it takes neither
    the process nor the machine with it. For a daemon, which loads what strangers made. It can be
    said once in a process: what is said later changes nothing.

    Args:
        most_bytes: half of the machine's memory, where it is not given.
    """
    global _is_limited
    if not _is_limited:
        _is_limited = True
        memory = onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        )
        most = most_bytes or psutil.virtual_memory().total // 2
        arena = onnxruntime.OrtArenaCfg({"max_mem": most})
        onnxruntime.create_and_register_allocator(memory, arena)


class OnnxRuntimeBackend:
    """An ONNX graph with inputs `bars` and `time`, outputs `quantiles` and `up`.

    One thread: a forecast takes well under a millisecond, and a second thread would spin on the
    core that the terminal needs.

    Args:
        graph: its file, or the bytes of one that was verified.

    Raises:
        BackendError: it is no graph that ONNX Runtime can run.
    """

    def __init__(self, graph: Path | bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        # However a graph spells that other files have its weights, there are none.
        options.add_session_config_entry(_FOLDER_OF_OTHER_FILES, _NOWHERE)
        if _is_limited:
            options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            content = graph if isinstance(graph, bytes) else graph.read_bytes()
            if _EXTERNAL_DATA in content:
                raise ValueError("it keeps weights in another file, which no manifest vouches for")
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            name = GRAPH_FILE if isinstance(graph, bytes) else graph.name
            raise BackendError(f"{name} is not a readable graph: {_said(error)}") from error
        self._options = _run_options()

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        session, options = self._session, self._options
        if session is None:
            raise BackendError("it was closed while it was asked: ask again")
        try:
            answers = session.run(_OUTPUTS, {"bars": bars, "time": time}, options)
            return Forecasts(*map(np.asarray, answers))
        except Exception as error:  # as above
            if options.terminate:
                raise BackendError("it was told to stop before it had an answer") from error
            raise BackendError(_said(error)) from error

    def abort(self) -> None:
        """End the forecasts that run: each at its next node, for no single node can be ended."""
        # Whoever asks from now on has options that nobody has told to terminate.
        ended, self._options = self._options, _run_options()
        ended.terminate = True

    def close(self) -> None:
        self._session = None  # let go of with the last forecast that runs on it


def _run_options() -> Any:
    options = onnxruntime.RunOptions()
    options.log_severity_level = _SILENT
    return options


def _said(error: Exception) -> str:
    """What a runtime says over several lines, on one."""
    return " ".join(str(error).split())
