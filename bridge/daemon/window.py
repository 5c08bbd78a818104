"""From a request's bytes to the window that a model reads, or to the reason why not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.bars import timeframe_name
from bridge.bundles import Manifest
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest

_COLUMNS = ("open", "high", "low", "close")


def window_for(manifest: Manifest, request: ForecastRequest) -> NDArray[np.float64]:
    """The window as `manifest`'s model reads it: [context] closes or [context, 4] prices.

    Only the bars that the model reads are checked: older ones are ignored, as the protocol says.

    Raises:
        WireError: `wrong_timeframe`, `bad_field`, `short_window` or `bad_values`.
    """
    if manifest.tf not in (0, request.tf):
        raise WireError(
            Code.WRONG_TIMEFRAME,
            f"{manifest.name} was trained on {timeframe_name(manifest.tf)} bars (tf "
            f"{manifest.tf}) and cannot answer for {timeframe_name(request.tf)} (tf {request.tf}): "
            f"send {timeframe_name(manifest.tf)} bars, or train a model on "
            f"{timeframe_name(request.tf)}",
        )
    values = np.frombuffer(request.values, dtype="<f8")
    bars = len(values) // request.columns
    if bars < manifest.context:
        raise WireError(
            Code.SHORT_WINDOW,
            f"the window has {bars} bars and {manifest.name} reads {manifest.context}: "
            f"give at least {manifest.context} bars",
        )
    if request.columns == 1:
        if manifest.inputs == "ohlc":
            raise WireError(
                Code.BAD_FIELD,
                f"`close` is not enough: {manifest.name} reads open, high, low and close: "
                "expected `ohlc`",
            )
        window = values[-manifest.context :]
    else:
        window = values.reshape(bars, 4)[-manifest.context :]
    _check_prices(window, first=bars - manifest.context)
    if _reads_close(manifest, request):
        return np.ascontiguousarray(window[:, 3])
    # A window that waits keeps nothing alive of a message that is longer than it.
    return window.copy() if bars > manifest.context else window


def _reads_close(manifest: Manifest, request: ForecastRequest) -> bool:
    return manifest.inputs == "close" and request.columns == 4


def _check_prices(window: NDArray[np.float64], first: int) -> None:
    # A NaN makes both comparisons false.
    if not (window.min() > 0.0 and window.max() < np.inf):
        flat = window.reshape(-1)
        where = int(np.argmax(~((flat > 0.0) & (flat < np.inf))))
        columns = window.size // len(window)
        name = "close" if columns == 1 else _COLUMNS[where % columns]
        raise WireError(
            Code.BAD_VALUES,
            f"{name} of bar {first + where // columns} (0 is the oldest sent) is {flat[where]}: "
            "every price must be a finite positive number",
        )
    if window.ndim == 2 and (window[:, 1] < window[:, 2]).any():
        bar = int(np.argmax(window[:, 1] < window[:, 2]))
        raise WireError(
            Code.BAD_VALUES,
            f"high {window[bar, 1]} of bar {first + bar} (0 is the oldest sent) is below its low "
            f"{window[bar, 2]}: send each row as open, high, low, close",
        )
