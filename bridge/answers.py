"""What a daemon answers, as values: forecasts, its models, its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.wire.codec import is_int
from bridge.wire.messages import read_numbers


@dataclass(frozen=True)
class Forecast:
    """Quantiles of the close for each of the next H bars.

    Attributes:
        model: `name@version` that answered.
        symbol: as asked; the daemon does not echo it.
        time: open time of the window's last bar, POSIX seconds of the server's clock.
        tf: seconds per bar. horizon: H.
        levels: [Q] quantile levels, ascending.
        quantiles: [H, Q] float64 prices, each row ascending.
        up: [H] probability that the close h bars ahead is above the last close.
        cached: answered from the daemon's cache.
        infer_us, server_us: microseconds inside the model, and inside the daemon in all.
    """

    model: str
    symbol: str
    time: int
    tf: int
    horizon: int
    levels: tuple[float, ...]
    quantiles: NDArray[np.float64]
    up: NDArray[np.float64]
    cached: bool
    infer_us: int
    server_us: int

    def quantile(self, h: int, level: float) -> float:
        """The price that the close `h` bars ahead (1 to H) stays below with probability `level`.

        Linear between the model's levels.

        Raises:
            ValueError: `h` or `level` is outside what the model forecasts.
        """
        if not self.levels[0] <= level <= self.levels[-1]:
            raise ValueError(
                f"level {level} is outside the model's {self.levels[0]} to {self.levels[-1]}"
            )
        return float(np.interp(level, self.levels, self.quantiles[self._row(h)]))

    def median(self, h: int) -> float:
        """The median of the close `h` bars ahead."""
        return self.quantile(h, 0.5)

    def prob_up(self, h: int) -> float:
        """Probability that the close `h` bars ahead is above the last close."""
        return float(self.up[self._row(h)])

    def _row(self, h: int) -> int:
        if not 1 <= h <= self.horizon:
            raise ValueError(f"h is {h}: this model forecasts 1 to {self.horizon} bars ahead")
        return h - 1


@dataclass(frozen=True)
class Model:
    """A model that a daemon serves, as `hello` describes it. `tf` 0 and no symbols mean any."""

    name: str
    version: str
    task: str
    inputs: str
    context: int
    horizon: int
    levels: tuple[float, ...]
    tf: int
    symbols: tuple[str, ...]
    default: bool

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Hello:
    """A daemon's name and version, the protocols it speaks, and its models."""

    server: str
    protocols: tuple[int, ...]
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Health:
    """A daemon's state; the percentiles are of its latest forecasts."""

    status: str
    uptime_s: int
    requests: int
    errors: int
    queued: int
    p50_us: int
    p99_us: int


def read_forecast(symbol: str, reply: Mapping[str, Any]) -> Forecast:
    """A forecast's reply.

    Raises:
        KeyError, TypeError, ValueError: it is not what the protocol promises.
    """
    levels = tuple(reply["levels"])
    horizon = reply["horizon"]
    if not is_int(horizon) or horizon < 1:
        raise ValueError(f"a horizon of {horizon}")
    quantiles = np.frombuffer(read_numbers(reply["quantiles"]), dtype="<f8")
    return Forecast(
        model=reply["model"],
        symbol=symbol,
        time=reply["time"],
        tf=reply["tf"],
        horizon=horizon,
        levels=levels,
        quantiles=quantiles.reshape(horizon, len(levels)),
        up=np.frombuffer(read_numbers(reply["up"]), dtype="<f8").reshape(horizon),
        cached=reply["cached"],
        infer_us=reply["infer_us"],
        server_us=reply["server_us"],
    )


def read_model(entry: Mapping[str, Any]) -> Model:
    """An entry of `hello`'s models.

    Raises:
        KeyError, TypeError, ValueError: it is not what the protocol promises.
    """
    model = Model(**{name: _frozen(entry[name]) for name in Model.__dataclass_fields__})
    if not is_int(model.context) or model.context < 1:
        raise ValueError(f"a context of {model.context}")
    return model


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
