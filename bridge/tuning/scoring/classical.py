"""Forecasters of the textbooks, from the libraries that keep them: Theta and GARCH.

Their parameters come from training bars alone; each window's forecast then takes only bars up to
its last one. Beside the variance baselines of `bridge.tuning.scoring.baselines`, they are what a
network has to beat to be worth its trouble.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars, Part, calendar
from bridge.bars.calendar import HOURS_PER_WEEK

Array = NDArray[np.float64]

THETA, GARCH, GARCH_BY_HOUR = "theta", "garch", "garch_hour_of_week"
CLASSICAL = (THETA, GARCH, GARCH_BY_HOUR)

_FEWEST_RETURNS = 500  # of fewer, four parameters of a variance say little
_PATHS = 4096  # a power of two, which Sobol's sequence wants
_WINDOWS_AT_ONCE = 64
_PRIOR_COUNT = 5.0  # weeks of the overall size that each hour starts from


class ClassicalError(ValueError):
    """A classical forecaster cannot be fitted. The message says to which bars, and why."""


@dataclass(frozen=True)
class Theta:
    """Theta with two lines: `alpha` smooths the level, 0 to 1."""

    alpha: float


@dataclass(frozen=True)
class Garch:
    """GARCH(1,1) with Student's t, of log-returns.

    `variance[t + 1] = omega + alpha * return[t]**2 + beta * variance[t]`, of returns divided by
    their hour's size.

    Attributes:
        omega, alpha, beta: of the variance.
        freedom: degrees of freedom of the t distribution, whose variance is one.
        start: the variance before the first bar: that of training.
        size: [168] factor of each hour of the week on a return's size; ones where hours are not
            told apart.
    """

    omega: float
    alpha: float
    beta: float
    freedom: float
    start: float
    size: Array


def classical_quantiles(
    name: str,
    bars: Bars,
    train: Part,
    ends: NDArray[np.int64],
    *,
    context: int,
    horizon: int,
    levels: tuple[float, ...],
) -> Array:
    """[W, H, Q] quantiles of log-returns from the last close, by one of `CLASSICAL`.

    Args:
        name: which.
        bars: one file's.
        train: the bars that parameters are fitted on.
        ends: [W] index of each window's last bar.
        context: bars of a window, which Theta fits its line to.

    Raises:
        ClassicalError: too few training bars, bars that do not move, an optimizer that did not
            converge, or a missing library.
        ValueError: there is no such forecaster.
    """
    if name not in CLASSICAL:
        raise ValueError(f"'{name}' is no classical forecaster: choose from {', '.join(CLASSICAL)}")
    if name == THETA:
        return theta_quantiles(fit_theta(bars, train), bars, ends, context, horizon, levels)
    garch = fit_garch(bars, train, by_hour=name == GARCH_BY_HOUR)
    return garch_quantiles(garch, bars, ends, horizon, levels)


def fit_theta(bars: Bars, train: Part) -> Theta:
    """The smoothing of Theta (Assimakopoulos and Nikolopoulos 2000), by statsmodels.

    Raises:
        ClassicalError: too few training bars, bars that do not move, or statsmodels is missing.
    """
    logs = np.log(_training_closes(bars, train))
    try:
        from statsmodels.tsa.forecasting.theta import ThetaModel
    except ModuleNotFoundError as error:
        raise _missing("Theta", error) from error
    # Smoothing does not depend on units, its optimizer's tolerance does.
    series = (logs - logs[0]) / np.diff(logs).std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about steps of an optimizer whose result is checked
        alpha = float(ThetaModel(series, deseasonalize=False).fit().params["alpha"])
    if not 0.0 < alpha <= 1.0:
        raise ClassicalError(f"{bars.symbol}: Theta found no smoothing (alpha {alpha})")
    return Theta(alpha)


def theta_quantiles(
    theta: Theta,
    bars: Bars,
    ends: NDArray[np.int64],
    context: int,
    horizon: int,
    levels: tuple[float, ...],
) -> Array:
    """[W, H, Q]: half the slope of a line through the window, from its smoothed level.

    The point forecast is that of Hyndman and Billah (2003), eq. 5. Quantiles are Gaussian, with
    the variance of exponential smoothing's own model, `s2 * (1 + (h - 1) * alpha**2)`, where `s2`
    is that of the one-step errors in the window.
    """
    logs = np.log(bars.close)
    rows = logs[ends[:, None] + np.arange(1 - context, 1)] - logs[ends][:, None]  # [W, T]
    alpha, steps = theta.alpha, np.arange(1, horizon + 1)
    level = rows[:, 0].copy()
    squares = np.zeros(len(rows))
    for column in rows.T[1:]:
        error = column - level
        squares += error**2
        level += alpha * error
    clock = np.arange(context) - (context - 1) / 2
    slope = rows @ clock / (clock @ clock)  # [W]
    drift = 0.5 * slope[:, None] * (steps - 1 + (1.0 - (1.0 - alpha) ** context) / alpha)
    variance = squares[:, None] / (context - 1) * (1.0 + (steps - 1) * alpha**2)
    scores = np.array([NormalDist().inv_cdf(value) for value in levels])
    quantiles: Array = (level[:, None] + drift)[..., None] + np.sqrt(variance)[..., None] * scores
    return quantiles


def fit_garch(bars: Bars, train: Part, *, by_hour: bool = False) -> Garch:
    """GARCH(1,1)-t (Bollerslev 1987) of log-returns without drift, by arch.

    With `by_hour`, returns are first divided by their usual size at their hour of the week, as
    Andersen and Bollerslev (1997) advise within a day: otherwise the parameters chase the clock.
    Sizes are means of absolute returns, which one shock does not mark for years.

    Raises:
        ClassicalError: too few training bars, bars that do not move, arch is missing, or its
            optimizer did not converge.
    """
    returns = np.diff(np.log(_training_closes(bars, train)))
    hours = calendar.hour_of_week(bars.time[train.start + 1 : train.stop])
    size = _sizes(np.abs(returns), hours) if by_hour else np.ones(HOURS_PER_WEEK)
    scaled = returns / size[hours]
    try:
        from arch import arch_model
    except ModuleNotFoundError as error:
        raise _missing("GARCH", error) from error
    unit = float(scaled.std())  # arch wants returns near one
    model = arch_model(scaled / unit, mean="Zero", p=1, q=1, dist="t", rescale=False)
    fit = model.fit(disp="off", show_warning=False)
    if fit.convergence_flag:
        raise ClassicalError(
            f"{bars.symbol}: GARCH did not converge on {len(returns):,} training returns "
            f"({fit.optimization_result.message}): give another span of training bars"
        )
    omega, alpha, beta, freedom = (float(value) for value in fit.params)
    return Garch(omega * unit**2, alpha, beta, freedom, unit**2, size)


def garch_quantiles(
    garch: Garch,
    bars: Bars,
    ends: NDArray[np.int64],
    horizon: int,
    levels: tuple[float, ...],
) -> Array:
    """[W, H, Q]: the variance filtered up to each window's end, then simulated from there.

    The sum of several GARCH returns has no distribution in closed form. Each window follows the
    same 4,096 paths of standard shocks and, as a return's sign says nothing of the variance after
    it, their mirror images: the distribution is symmetric, so its quantiles are those of the
    sum's size. Other paths move a quantile by about 1% and a pinball ratio by less than 0.0005.
    """
    variance = _next_variance(garch, bars)[ends - 1]  # [W], of the bar after each end
    coming = garch.size[
        calendar.hour_of_week(bars.time[ends[:, None] + np.arange(1, horizon + 1)])
    ]  # [W, H]
    shocks = _shocks(garch, horizon)
    sides = 2.0 * np.array(levels) - 1.0
    shares, place = np.unique(np.abs(sides).round(12), return_inverse=True)
    quantiles = np.empty((len(ends), horizon, len(levels)))
    for start in range(0, len(ends), _WINDOWS_AT_ONCE):
        span = slice(start, start + _WINDOWS_AT_ONCE)
        ahead = np.repeat(variance[span, None], _PATHS, axis=1)  # [w, paths]
        total = np.zeros_like(ahead)
        for step in range(horizon):
            returns = np.sqrt(ahead) * shocks[step]
            total += returns * coming[span, step, None]
            sizes = _quantiles(np.abs(total), shares)  # [w, shares]
            quantiles[span, step] = sizes[:, place] * np.sign(sides)
            ahead *= garch.beta
            ahead += garch.alpha * returns**2 + garch.omega
    return quantiles


def _quantiles(values: Array, shares: Array) -> Array:
    """[w, paths] to [w, shares]: as `np.quantile`, which takes six times as long as sorting."""
    ordered = np.sort(values, axis=1)
    places = shares * (values.shape[1] - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, values.shape[1] - 1)
    quantiles: Array = ordered[:, below] + (places - below) * (
        ordered[:, above] - ordered[:, below]
    )
    return quantiles


def _next_variance(garch: Garch, bars: Bars) -> Array:
    """[n - 1] variance expected of the return after each, from those up to it."""
    from scipy.signal import lfilter

    returns = np.diff(np.log(bars.close)) / garch.size[calendar.hour_of_week(bars.time[1:])]
    news = garch.omega + garch.alpha * returns**2
    variance, _ = lfilter([1.0], [1.0, -garch.beta], news, zi=[garch.beta * garch.start])
    return np.asarray(variance, dtype=np.float64)


def _shocks(garch: Garch, horizon: int) -> Array:
    """[H, paths] of the standardised t distribution, spread evenly by Sobol's sequence."""
    from arch.univariate import StudentsT
    from scipy.stats import qmc

    ranks = qmc.Sobol(horizon, scramble=True, rng=0).random(_PATHS).T
    ranks = ranks.clip(1e-9, 1.0 - 1e-9)  # the ends of the scale are infinite
    return np.asarray(StudentsT().ppf(ranks, np.array([garch.freedom])))


def _sizes(magnitudes: Array, hours: NDArray[np.int64]) -> Array:
    """[168] mean size of a return in each hour of the week over that of all."""
    sums = np.bincount(hours, weights=magnitudes, minlength=HOURS_PER_WEEK) / magnitudes.mean()
    counts = np.bincount(hours, minlength=HOURS_PER_WEEK)
    sizes: Array = (sums + _PRIOR_COUNT) / (counts + _PRIOR_COUNT)
    return sizes


def _training_closes(bars: Bars, train: Part) -> Array:
    closes = bars.close[train.start : train.stop]
    if len(closes) <= _FEWEST_RETURNS:
        raise ClassicalError(
            f"{bars.symbol}: {len(closes)} training bars are too few to fit a classical "
            f"forecaster: it takes {_FEWEST_RETURNS + 1}"
        )
    if closes.min() == closes.max():
        raise ClassicalError(
            f"{bars.symbol}: the price is {closes[0]:g} in all {len(closes):,} training bars: "
            "there is no variance to fit"
        )
    return closes


def _missing(what: str, error: ModuleNotFoundError) -> ClassicalError:
    return ClassicalError(f'{what} needs {error.name}: pip install "eabridge[compare]"')
