"""Forecasts without a daemon: the same windows, checks and model, in this process."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

from bridge.answers import Forecast
from bridge.backends import BackendError, TorchRuntime, open_backend
from bridge.bars import Bars
from bridge.bundles import Bundle
from bridge.daemon.lanes.window import window_for
from bridge.wire.errors import WireError
from bridge.wire.messages import ForecastRequest


class LocalError(ValueError):
    """These bars or this bundle give no forecast. The message says why."""


def forecast_here(bundle: Bundle, bars: Bars, runtime: TorchRuntime | None = None) -> Forecast:
    """What a daemon would answer with `bundle` for the last bars of `bars`, bit for bit.

    Which bundle that is for these bars' symbol, `bridge.bundles.find_routed` says.

    Args:
        bundle: the model. bars: at least its context.
        runtime: opens a bundle that PyTorch runs.

    Raises:
        LocalError: too few bars, a wrong timeframe, or a graph that cannot be run.
    """
    manifest = bundle.manifest
    request = ForecastRequest(
        model=None,
        symbol=bars.symbol,
        tf=bars.tf,
        time=int(bars.time[-1]),
        columns=4,
        values=np.ascontiguousarray(bars.ohlc, dtype="<f8").tobytes(),
        arrays=False,
    )
    started = perf_counter_ns()
    try:
        window = window_for(manifest, request)
        backend = open_backend(bundle, runtime)
        asked = perf_counter_ns()
        answer = backend.forecast(window[np.newaxis], np.array([request.time], np.float64))
    except WireError as error:
        raise LocalError(error.message) from error
    except BackendError as error:
        raise LocalError(str(error)) from error
    now = perf_counter_ns()
    return Forecast(
        model=manifest.label,
        symbol=bars.symbol,
        time=request.time,
        tf=bars.tf,
        horizon=manifest.horizon,
        levels=manifest.levels,
        quantiles=answer.quantiles[0],
        up=answer.up[0],
        cached=False,
        infer_us=(now - asked) // 1000,
        server_us=(now - started) // 1000,
    )
