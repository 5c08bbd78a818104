"""A trained forecaster to an ONNX graph that any ONNX Runtime answers with, and the proof of it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.forecaster.model import Forecaster
from bridge.tuning.samples import Samples
from bridge.tuning.trainer import model_input

OPSET = 18
IR_VERSION = 8
"""The newest that the ONNX Runtime inside MetaTrader 5 reads."""

AGREEMENT = 1e-6
"""Relative difference allowed between prices of the graph and of PyTorch."""

_CHECKED_WINDOWS = 256
_TRACED_WINDOWS = 3  # any batch but one: torch.export would fix the size of a batch of one


class ExportError(RuntimeError):
    """The graph cannot be written, or does not answer as the network does."""


def export_onnx(model: Forecaster, samples: Samples, path: Path) -> float:
    """Write the graph and verify it on real windows.

    Inputs: `bars` [batch, T, 4] or [batch, T] and `time` [batch], float64. Outputs: `quantiles`
    [batch, H, Q] prices and `up` [batch, H], float64.

    Args:
        model: the network, in evaluation mode.
        samples: windows to verify with.
        path: the file to write.

    Returns:
        The largest relative difference between its prices and PyTorch's.

    Raises:
        ExportError: a batch changes an answer's bits, or the difference is beyond `AGREEMENT`.
    """
    step = max(1, len(samples) // _CHECKED_WINDOWS)
    batch = samples.batch(np.arange(0, len(samples), step, dtype=np.int64)[:_CHECKED_WINDOWS])
    bars, time = model_input(model.config, batch.bars), batch.time
    size = torch.export.Dim("batch", min=1, max=1 << 16)
    traced = slice(_TRACED_WINDOWS)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            model,
            (bars[traced], time[traced]),
            input_names=["bars", "time"],
            output_names=["quantiles", "up"],
            dynamic_shapes=({0: size}, {0: size}),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx.export gave no program")
    graph = program.model_proto
    graph.ir_version = IR_VERSION
    del graph.metadata_props[:]
    for node in graph.graph.node:  # traces of source files and their paths
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.graph.input, *graph.graph.output, *graph.graph.value_info):
        del value.metadata_props[:]
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(graph.SerializeToString())
    with torch.no_grad():
        expected = model(bars, time)[0].numpy()
    return _verify(path, bars.numpy(), time.numpy(), expected)


def _verify(
    path: Path,
    bars: NDArray[np.float64],
    time: NDArray[np.float64],
    expected: NDArray[np.float64],
) -> float:
    backend = OnnxRuntimeBackend(path)
    together = backend.forecast(bars, time)
    for index in range(min(len(bars), 64)):
        alone = backend.forecast(bars[index : index + 1], time[index : index + 1])
        if (
            alone.quantiles.tobytes() != together.quantiles[index].tobytes()
            or alone.up.tobytes() != together.up[index].tobytes()
        ):
            raise ExportError(f"window {index} is answered otherwise alone than among others")
    difference = float(np.abs(together.quantiles / expected - 1.0).max())
    if not difference <= AGREEMENT:
        raise ExportError(f"the graph differs from PyTorch by {difference:.1e}, not {AGREEMENT}")
    return difference
