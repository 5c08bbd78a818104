"""From a request's bytes to the window that a model reads, or to the reason why not."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.bars import timeframe_name
from bridge.bundles import Manifest
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest

_COLUMNS = ("open", "high", "low", "close")
_FLOAT64 = np.dtype("<f8")


def window_for(manifest: Manifest, request: ForecastRequest) -> NDArray[np.float64]:
    """The window as `manifest`'s model reads it: [context] closes or [context, 4] prices.

    Only the bars that the model reads are checked: older ones are ignored, as the protocol says.

    Raises:
        WireError: `wrong_timeframe`, `bad_field`, `short_window` or `bad_values`.
    """
    _, _, tf, _, columns, content, _ = request
    context = manifest.context
    if manifest.tf not in (0, tf):
        raise WireError(
            Code.WRONG_TIMEFRAME,
            f"{manifest.name} was trained on {timeframe_name(manifest.tf)} bars (tf "
            f"{manifest.tf}) and cannot answer for {timeframe_name(tf)} (tf {tf}): "
            f"send {timeframe_name(manifest.tf)} bars, or train a model on {timeframe_name(tf)}",
        )
    values = np.frombuffer(content, _FLOAT64)
    older = len(values) // columns - context
    if older < 0:
        raise WireError(
            Code.SHORT_WINDOW,
            f"the window has {context + older} bars and {manifest.name} reads {context}: "
            f"give at least {context} bars",
        )
    if older:
        # A window that waits keeps nothing alive of a message that is longer than it.
        values = values[older * columns :].copy()
    if columns == 1:
        if manifest.inputs == "ohlc":
            raise WireError(
                Code.BAD_FIELD,
                f"`close` is not enough: {manifest.name} reads open, high, low and close: "
                "expected `ohlc`",
            )
        _check_prices(values, older, columns)
        return values
    _check_prices(values, older, columns)
    window = values.reshape(context, columns)
    _check_ranges(window, older)
    return np.ascontiguousarray(window[:, 3]) if manifest.inputs == "close" else window


def _check_prices(values: NDArray[np.float64], older: int, columns: int) -> None:
    """`older` bars were sent before these and are not read."""
    # The place of the smallest, or the largest, is that of the first NaN where there is one, and a
    # NaN makes both comparisons false. To find the place costs a quarter of what `min` does.
    smallest, largest = values.item(values.argmin()), values.item(values.argmax())
    if not (smallest > 0.0 and largest < math.inf):
        where = int(np.argmax(~((values > 0.0) & (values < math.inf))))
        name = "close" if columns == 1 else _COLUMNS[where % columns]
        raise WireError(
            Code.BAD_VALUES,
            f"{name} of bar {older + where // columns} (0 is the oldest sent) is {values[where]}: "
            "every price must be a finite positive number",
        )


def _check_ranges(window: NDArray[np.float64], older: int) -> None:
    below = window[:, 1] < window[:, 2]
    bar = below.argmax()  # the first where there is one
    if below[bar]:
        raise WireError(
            Code.BAD_VALUES,
            f"high {window[bar, 1]} of bar {older + bar} (0 is the oldest sent) is below its low "
            f"{window[bar, 2]}: send each row as open, high, low, close",
        )
