"""What both peers run: the shipped graph in ONNX Runtime with one thread, as the daemon does."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime

GRAPH = "EABRIDGE_BENCH_GRAPH"
"""Environment variable that names the graph's file."""


def load() -> onnxruntime.InferenceSession:
    """A session for each worker process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        os.environ[GRAPH], options, providers=["CPUExecutionProvider"]
    )


def forecast(session: onnxruntime.InferenceSession, asked: list[Any]) -> list[dict[str, Any]]:
    """Answer a batch of request maps."""
    bars = np.stack([np.frombuffer(each["ohlc"], "<f8").reshape(-1, 4) for each in asked])
    times = np.array([each["time"] for each in asked], np.float64)
    quantiles, up = session.run(["quantiles", "up"], {"bars": bars, "time": times})
    return [
        {"quantiles": row.tobytes(), "up": rising.tobytes()}
        for row, rising in zip(quantiles, up, strict=True)
    ]
