"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bridge.backends.base import BackendError, Forecasts

_OUTPUTS = ["quantiles", "up"]
_EXTERNAL_DATA = b"\x0a\x08location\x12"  # protobuf of a tensor's entry that names another file


class OnnxRuntimeBackend:
    """An ONNX graph with inputs `bars` and `time`, outputs `quantiles` and `up`.

    One thread: a forecast takes well under a millisecond, and a second thread would spin on the
    core that the terminal needs.
    """

    def __init__(self, graph: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # failures are raised, and logged by whoever asked
        try:
            content = graph.read_bytes()
            if _EXTERNAL_DATA in content:
                raise ValueError("it keeps weights in another file, which no manifest vouches for")
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise BackendError(f"{graph.name} is not a readable graph: {error}") from error

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        try:
            answers = self._session.run(_OUTPUTS, {"bars": bars, "time": time})
            return Forecasts(*map(np.asarray, answers))
        except Exception as error:  # as above
            raise BackendError(str(error)) from error
