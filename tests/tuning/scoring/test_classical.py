"""Theta and GARCH: they find what is in a series, answer as published, and see no future."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.bars import Bars, Part
from bridge.synthetic import random_walk_bars
from bridge.tuning.scoring.classical import (
    CLASSICAL,
    ClassicalError,
    Garch,
    Theta,
    classical_quantiles,
    fit_garch,
    fit_theta,
    garch_quantiles,
    theta_quantiles,
)

pytest.importorskip("arch")
LEVELS = (0.1, 0.5, 0.9)
OMEGA, ALPHA, BETA, FREEDOM = 1e-8, 0.08, 0.90, 6.0


def with_closes(logs: NDArray[np.float64]) -> Bars:
    """Hourly bars whose closes have these logarithms."""
    times = random_walk_bars(len(logs), 3600, seed=0).time
    ohlc = np.repeat(np.exp(logs)[:, None], 4, axis=1)
    return Bars("MADE", 3600, times, ohlc, np.zeros(len(logs)))


def garch_returns(count: int, seed: int = 0) -> NDArray[np.float64]:
    """A series made by GARCH(1,1) with Student's t, of the parameters above."""
    draw = np.random.default_rng(seed)
    shocks = draw.standard_t(FREEDOM, count) * np.sqrt((FREEDOM - 2) / FREEDOM)
    variance = OMEGA / (1 - ALPHA - BETA)
    returns = np.empty(count)
    for index in range(count):
        returns[index] = np.sqrt(variance) * shocks[index]
        variance = OMEGA + ALPHA * returns[index] ** 2 + BETA * variance
    return returns


@pytest.fixture(scope="module")
def made() -> Bars:
    """20,000 hours of that series."""
    return with_closes(np.concatenate([[0.0], np.cumsum(garch_returns(20_000))]))


@pytest.fixture(scope="module")
def fitted(made: Bars) -> Garch:
    return fit_garch(made, Part(0, len(made)))


def arch_of(garch: Garch, bars: Bars) -> Any:
    """The same model in arch's own hands; its returns are in thousandths."""
    from arch import arch_model

    returns = np.diff(np.log(bars.close)) * 1000
    model = arch_model(returns, mean="Zero", p=1, q=1, dist="t", rescale=False)
    return model.fix([garch.omega * 1e6, garch.alpha, garch.beta, garch.freedom])


def changed_after(bars: Bars, end: int) -> Bars:
    """The same bars up to `end`, and wild ones from there."""
    ohlc = bars.ohlc.copy()
    draw = np.random.default_rng(11)
    ohlc[end + 1 :] *= np.exp(draw.normal(0, 0.05, (len(bars) - end - 1, 1)))
    return Bars(bars.symbol, bars.tf, bars.time, ohlc, bars.volume)


def test_garch_finds_the_parameters_a_series_was_made_with(fitted: Garch) -> None:
    assert fitted.alpha == pytest.approx(ALPHA, abs=0.02)
    assert fitted.beta == pytest.approx(BETA, abs=0.03)
    assert fitted.omega == pytest.approx(OMEGA, rel=0.5)
    assert fitted.freedom == pytest.approx(FREEDOM, abs=0.8)


def test_garch_expects_the_variance_that_arch_expects(made: Bars, fitted: Garch) -> None:
    from arch.univariate import StudentsT

    end = 15_000
    theirs = np.sqrt(arch_of(fitted, made[: end + 1]).forecast(horizon=1).variance.iloc[-1, 0])

    ours = garch_quantiles(fitted, made, np.array([end]), 1, LEVELS)[0, 0]

    upper = theirs / 1000 * StudentsT().ppf(np.array([0.9]), np.array([fitted.freedom]))[0]
    assert ours == pytest.approx([-upper, 0.0, upper], rel=0.01)


def test_garch_over_several_bars_is_spread_as_archs_own_simulation(
    made: Bars, fitted: Garch
) -> None:
    end = 15_000
    theirs = arch_of(fitted, made[: end + 1]).forecast(
        horizon=8,
        method="simulation",
        simulations=40_000,
        random_state=np.random.RandomState(0),
    )
    sizes = np.abs(theirs.simulations.values[-1].sum(axis=1)) / 1000

    ours = garch_quantiles(fitted, made, np.array([end]), 8, (0.6, 0.75, 0.9))[0, 7]

    assert ours == pytest.approx(np.quantile(sizes, (0.2, 0.5, 0.8)), rel=0.03)


def test_garch_covers_what_it_promises_of_its_own_series(made: Bars, fitted: Garch) -> None:
    ends = np.arange(1000, len(made) - 8, 20)
    logs = np.log(made.close)

    quantiles = garch_quantiles(fitted, made, ends, 8, LEVELS)

    for step in (1, 8):
        moves = logs[ends + step] - logs[ends]
        within = (moves >= quantiles[:, step - 1, 0]) & (moves <= quantiles[:, step - 1, 2])
        assert within.mean() == pytest.approx(0.8, abs=0.03)


def test_garch_by_hour_knows_the_busy_hours(hourly: Bars) -> None:
    garch = fit_garch(hourly, Part(0, len(hourly)), by_hour=True)
    clock = hourly.time // 3600 % 24
    busy = np.flatnonzero((clock[1000:2900] >= 12) & (clock[1000:2900] < 17)) + 999
    quiet = np.flatnonzero(clock[1000:2900] < 11) + 999

    quantiles = garch_quantiles(garch, hourly, np.concatenate([busy, quiet]), 1, LEVELS)

    width = quantiles[:, 0, 2] - quantiles[:, 0, 0]
    assert width[: len(busy)].mean() == pytest.approx(3 * width[len(busy) :].mean(), rel=0.2)


def test_garch_without_hours_tells_none_apart(fitted: Garch) -> None:
    assert (fitted.size == 1.0).all()


def test_theta_is_the_published_formula() -> None:
    bars = with_closes(np.array([0.0, 1.0, 2.0]))

    quantiles = theta_quantiles(Theta(0.5), bars, np.array([2]), 3, 2, (0.5,))

    # Levels 0, 0.5, 1.25; slope 1, half of it counts: 1.25 + 0.5 * (h - 1 + (1 - 0.5**3) / 0.5).
    assert quantiles[0, :, 0] + 2.0 == pytest.approx([2.125, 2.625])


def test_theta_answers_as_statsmodels_does() -> None:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    draw = np.random.default_rng(4)
    logs = 0.01 * np.arange(60) + draw.normal(0, 0.05, 60)
    theirs = ThetaModel(logs, deseasonalize=False).fit()

    alpha = float(theirs.params["alpha"])
    ours = theta_quantiles(Theta(alpha), with_closes(logs), np.array([59]), 60, 5, (0.5,))

    assert 0.01 < alpha < 0.99
    assert ours[0, :, 0] + logs[-1] == pytest.approx(theirs.forecast(5).to_numpy(), abs=1e-9)


def test_theta_spreads_by_the_errors_of_its_own_smoothing() -> None:
    logs = np.array([0.0, 0.3, -0.1, 0.2])
    level, squares = 0.0, []
    for value in logs[1:]:
        squares.append((value - level) ** 2)
        level += 0.25 * (value - level)

    quantiles = theta_quantiles(Theta(0.25), with_closes(logs), np.array([3]), 4, 3, LEVELS)

    deviation = np.sqrt(np.mean(squares) * (1 + np.arange(3) * 0.25**2))
    upper = NormalDist().inv_cdf(0.9)
    assert quantiles[0, :, 2] - quantiles[0, :, 1] == pytest.approx(upper * deviation)


def test_theta_trusts_the_last_price_of_a_random_walk() -> None:
    bars = random_walk_bars(4000, 3600, seed=2)

    assert fit_theta(bars, Part(0, 4000)).alpha > 0.9


def test_theta_smooths_noise_about_a_level() -> None:
    logs = np.random.default_rng(0).normal(0, 1e-3, 4000)

    assert fit_theta(with_closes(logs), Part(0, 4000)).alpha < 0.1


@pytest.mark.parametrize("name", CLASSICAL)
def test_quantiles_ascend(hourly: Bars, name: str) -> None:
    ends = np.array([2500, 2700])

    quantiles = classical_quantiles(
        name, hourly, Part(0, 2400), ends, context=32, horizon=4, levels=(0.1, 0.3, 0.5, 0.9)
    )

    assert quantiles.shape == (2, 4, 4)
    assert (np.diff(quantiles, axis=2) > 0).all()


def test_an_unknown_forecaster_is_refused_with_those_there_are(hourly: Bars) -> None:
    with pytest.raises(ValueError, match="choose from theta, garch, garch_hour_of_week"):
        classical_quantiles(
            "arima", hourly, Part(0, 2400), np.array([2500]), context=32, horizon=4, levels=LEVELS
        )


@pytest.mark.parametrize("name", CLASSICAL)
def test_no_classical_forecast_sees_the_future(hourly: Bars, name: str) -> None:
    ends = np.array([1400, 1500])

    known, changed = (
        classical_quantiles(name, bars, Part(0, 1300), ends, context=32, horizon=4, levels=LEVELS)
        for bars in (hourly, changed_after(hourly, 1500))
    )

    assert np.array_equal(known, changed)


def test_parameters_come_from_training_bars_alone(hourly: Bars) -> None:
    train = Part(100, 1300)
    ohlc = hourly.ohlc.copy()
    ohlc[:100] *= 2.0
    before = Bars(hourly.symbol, hourly.tf, hourly.time, ohlc, hourly.volume)

    for other in (changed_after(hourly, 1299), before):
        assert fit_theta(other, train) == fit_theta(hourly, train)
        ours, theirs = (fit_garch(bars, train, by_hour=True) for bars in (hourly, other))
        assert (ours.alpha, ours.beta, ours.start) == (theirs.alpha, theirs.beta, theirs.start)


def test_the_same_bars_give_the_same_quantiles(made: Bars, fitted: Garch) -> None:
    ends = np.array([500, 900, 1300])

    together = garch_quantiles(fitted, made, ends, 4, LEVELS)
    alone = garch_quantiles(fitted, made, ends[1:2], 4, LEVELS)

    assert np.array_equal(together[1:2], alone)


def test_too_few_training_bars_are_refused_by_number(hourly: Bars) -> None:
    with pytest.raises(ClassicalError, match=r"BUSY: 400 training bars are too few.*takes 501"):
        fit_garch(hourly, Part(0, 400))


@pytest.mark.parametrize("fit", [fit_theta, fit_garch])
def test_a_price_that_never_moves_is_refused(fit) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ClassicalError, match="the price is 1 in all 1,000 training bars"):
        fit(with_closes(np.zeros(1000)), Part(0, 1000))


@pytest.mark.parametrize(
    ("fit", "library", "what"),
    [(fit_theta, "statsmodels", "Theta"), (fit_garch, "arch", "GARCH")],
)
def test_a_missing_library_is_named_with_what_brings_it(  # type: ignore[no-untyped-def]
    hourly: Bars, monkeypatch: pytest.MonkeyPatch, fit, library: str, what: str
) -> None:
    import sys

    for name in [*sys.modules]:
        if name.split(".")[0] == library:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without(library), *sys.meta_path])

    with pytest.raises(ClassicalError, match=rf"{what} needs {library}.*eabridge\[compare\]"):
        fit(hourly, Part(0, 2000))


class _Without:
    """An import system that lacks one library."""

    def __init__(self, library: str) -> None:
        self._library = library

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] == self._library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=self._library)
