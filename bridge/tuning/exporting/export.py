"""A trained forecaster to an ONNX graph that any ONNX Runtime answers with, and the proof of it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridge.backends import Backend
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.exporting.graph import (
    IR_VERSION,
    MOST_BYTES,
    OPSET,
    ExportError,
    require_portable,
    tidy,
)
from bridge.tuning.scoring.baselines import gaussian_quantiles, window_walk
from bridge.tuning.scoring.scores import pinball
from bridge.tuning.training.objectives import model_input
from bridge.tuning.training.samples import Samples

__all__ = [
    "AGREEMENT",
    "IR_VERSION",
    "OPSET",
    "ExportError",
    "calibration_windows",
    "difference_from",
    "export_onnx",
    "require_exportable",
    "validation_score",
    "verify_batches",
]

AGREEMENT = 1e-6
"""Relative difference allowed between prices of the graph and of PyTorch."""

_CHECKED_WINDOWS = 256
_ALONE = 64  # of them are asked alone too
_TRACED_WINDOWS = 3  # any batch but one: torch.export would fix the size of a batch of one
_SCORED_AT_ONCE = 256

Array = NDArray[np.float64]


def export_onnx(network: nn.Module, samples: Samples, path: Path) -> float:
    """Write the graph and verify it on real windows.

    Inputs: `bars` [batch, T, 4] or [batch, T] and `time` [batch], float64. Outputs: `quantiles`
    [batch, H, Q] prices and `up` [batch, H], float64.

    Args:
        network: a plain network (`networks.plain_network`), in evaluation mode.
        samples: windows to verify with.
        path: the file to write.

    Returns:
        The largest relative difference between its prices and PyTorch's.

    Raises:
        ExportError: a head that no graph can hold; a batch changes an answer's bits; or the
            difference is beyond `AGREEMENT`.
    """
    config = cast(Forecaster, network).config
    require_exportable(config)
    bars, time = _spread(config, samples, _CHECKED_WINDOWS)
    size = torch.export.Dim("batch", min=1, max=1 << 16)
    traced = slice(_TRACED_WINDOWS)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
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
    tidy(graph)
    require_portable(graph)
    path.write_bytes(graph.SerializeToString())
    backend = OnnxRuntimeBackend(path)
    verify_batches(backend, config, samples)
    difference = difference_from(network, backend, samples)
    if not difference <= AGREEMENT:
        raise ExportError(f"the graph differs from PyTorch by {difference:.1e}, not {AGREEMENT}")
    return difference


def require_exportable(config: ForecasterConfig) -> None:
    """Raise ExportError where a network of this shape cannot be one graph."""
    if config.head == "text":
        raise ExportError(
            "the text head writes its forecast digit by digit, each after the last, which one "
            "ONNX graph cannot hold: serve it with PyTorch (--to torch), or train the quantile head"
        )
    inner = config.inner or 4 * config.width
    size = 4 * config.layers * (4 * config.width**2 + 2 * config.width * inner)
    if size >= MOST_BYTES:
        raise ExportError(
            f"its blocks take {size / 1e9:.1f} GB, and MetaTrader 5 reads graphs below "
            f"{MOST_BYTES / 1e9:.0f} GB: serve it with PyTorch (--to torch), or tune a smaller base"
        )


def verify_batches(backend: Backend, config: ForecasterConfig, samples: Samples) -> None:
    """Ask for real windows together and alone.

    Raises:
        ExportError: a window's answer changes its bits with the windows beside it.
    """
    bars, time = (each.numpy() for each in _spread(config, samples, _ALONE))
    together = backend.forecast(bars, time)
    for index in range(len(bars)):
        alone = backend.forecast(bars[index : index + 1], time[index : index + 1])
        if (
            alone.quantiles.tobytes() != together.quantiles[index].tobytes()
            or alone.up.tobytes() != together.up[index].tobytes()
        ):
            raise ExportError(f"window {index} is answered otherwise alone than among others")


def difference_from(network: nn.Module, backend: Backend, samples: Samples) -> float:
    """The largest relative difference between a backend's prices and the network's."""
    config = cast(Forecaster, network).config
    bars, time = _spread(config, samples, _CHECKED_WINDOWS)
    with torch.no_grad():
        expected = network(bars, time)[0].numpy()
    answered = backend.forecast(bars.numpy(), time.numpy()).quantiles
    return float(np.abs(answered / expected - 1.0).max())


def validation_score(backend: Backend, config: ForecasterConfig, samples: Samples) -> float:
    """Pinball loss over that of the window's Gaussian random walk, mean over horizons.

    `objectives.validation_ratio` of whatever answers: a graph, in float32 or int8.
    """
    levels = np.array(config.levels)
    ours, walks = np.zeros(config.horizon), np.zeros(config.horizon)
    for start in range(0, len(samples), _SCORED_AT_ONCE):
        stop = min(start + _SCORED_AT_ONCE, len(samples))
        batch = samples.batch(np.arange(start, stop, dtype=np.int64))
        answer = backend.forecast(model_input(config, batch.bars).numpy(), batch.time.numpy())
        close = np.log(batch.bars[..., 3].numpy())  # [B, T]
        moves = batch.moves.numpy()  # [B, H]
        walk = gaussian_quantiles(
            window_walk(np.diff(close, axis=1), config.horizon), config.levels
        )
        quantiles = np.log(answer.quantiles) - close[:, -1, None, None]
        ours += pinball(quantiles, moves, levels).sum(0)
        walks += pinball(walk, moves, levels).sum(0)
    return float((ours / walks).mean())


def calibration_windows(
    config: ForecasterConfig, samples: Samples, count: int
) -> tuple[Array, Array]:
    """`bars` and `time` of training windows, spread evenly over all there are."""
    bars, time = _spread(config, samples, count)
    return bars.numpy(), time.numpy()


def _spread(config: ForecasterConfig, samples: Samples, count: int) -> tuple[Tensor, Tensor]:
    """At most `count` windows, evenly spread, as the network takes them."""
    picked = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(np.int64)
    batch = samples.batch(picked)
    return model_input(config, batch.bars), batch.time
