"""Diebold-Mariano: the numbers of the books, and how often it is right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.tuning.scoring.significance import (
    SignificanceError,
    compare_all,
    daily_losses,
    diebold_mariano,
    usual_lags,
)

stats = pytest.importorskip("scipy.stats")
pytest.importorskip("statsmodels")
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
DAY = 86_400


def clustered(draw: np.random.Generator, count: int, share: float) -> NDArray[np.float64]:
    """Losses that each keep a share of the one before, around zero."""
    values = draw.standard_normal(count + 50)
    for index in range(1, len(values)):
        values[index] += share * values[index - 1]
    return values[50:]


def test_without_lags_it_is_the_paired_t_test() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.gamma(2.0, size=60), draw.gamma(2.1, size=60)

    ours = diebold_mariano(first, second, lags=0)

    theirs = stats.ttest_rel(first, second)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_a_case_computed_by_hand() -> None:
    first = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    second = np.array([2.0, 2.0, 2.0, 1.0, 6.0, 6.0, 1.0, 4.0])
    # Differences 1 -1 2 0 -1 3 1 2: mean 7/8, deviations in eighths 1 -15 9 -7 -15 17 1 9.
    around = np.array([1, -15, 9, -7, -15, 17, 1, 9]) / 8
    variance = np.sum(around**2) / 8
    neighbours = (-15 - 135 - 63 + 105 - 255 + 17 + 9) / 64 / 8
    long_run = variance + 2 * 0.5 * neighbours  # Bartlett's weight of one lag of one is a half
    correction = (8 + 1 - 2 * 2 + 2 * 1 / 8) / 8  # two steps ahead

    test = diebold_mariano(first, second, lags=1)

    expected = 7 / 8 / math.sqrt(long_run / 8) * math.sqrt(correction)
    assert test.difference == pytest.approx(7 / 8)
    assert test.statistic == pytest.approx(expected)
    assert test.p_value == pytest.approx(2 * stats.t.sf(expected, 7))
    assert (test.periods, test.lags) == (8, 1)


def test_the_sign_says_who_is_better() -> None:
    draw = np.random.default_rng(0)
    worse = draw.gamma(2.0, size=100)

    test = diebold_mariano(worse - 0.5 + draw.normal(0, 0.1, 100), worse, lags=1)

    assert test.difference < 0
    assert test.statistic < -2


def test_turning_the_pair_turns_the_sign_alone() -> None:
    draw = np.random.default_rng(1)
    first, second = draw.random(50), draw.random(50)

    one, other = (diebold_mariano(*pair, lags=2) for pair in ((first, second), (second, first)))

    assert one.statistic == pytest.approx(-other.statistic)
    assert one.p_value == pytest.approx(other.p_value)


def test_equal_forecasters_are_told_apart_as_rarely_as_promised() -> None:
    draw = np.random.default_rng(2)

    found = [
        diebold_mariano(draw.gamma(2.0, size=200), draw.gamma(2.0, size=200), lags=1).p_value < 0.05
        for _ in range(400)
    ]

    assert 0.02 < np.mean(found) < 0.09


def test_losses_that_come_in_clusters_are_no_independent_witnesses() -> None:
    draw = np.random.default_rng(3)
    series = [clustered(draw, 250, 0.4) for _ in range(400)]
    nothing = np.zeros(250)

    naive, allowed = (
        np.mean([diebold_mariano(each, nothing, lags=lags).p_value < 0.05 for each in series])
        for lags in (0, usual_lags(250, 16, 3600))
    )

    assert naive > 0.13
    assert allowed < 0.11


def test_a_real_difference_is_found() -> None:
    draw = np.random.default_rng(4)
    found = []
    for _ in range(100):
        shared = draw.gamma(2.0, size=250)
        first = shared + draw.normal(0, 0.3, 250)
        found.append(diebold_mariano(first, shared + 0.08, lags=2).p_value < 0.05)

    assert np.mean(found) > 0.9


def test_the_same_forecaster_twice_is_no_difference() -> None:
    losses = np.random.default_rng(0).random(40)

    test = diebold_mariano(losses, losses.copy(), lags=1)

    assert (test.difference, test.statistic, test.p_value) == (0.0, 0.0, 1.0)


def test_losses_of_other_windows_are_refused() -> None:
    with pytest.raises(SignificanceError, match="lora has 40 losses and full 41"):
        diebold_mariano(np.ones(40), np.ones(41), lags=1, names=("lora", "full"))


def test_too_few_periods_are_refused() -> None:
    with pytest.raises(SignificanceError, match=r"9 periods are too few.*takes 10"):
        diebold_mariano(np.ones(9), np.zeros(9), lags=4)


def test_every_pair_is_tested_once_and_adjusted_for_all() -> None:
    draw = np.random.default_rng(5)
    shared = draw.gamma(2.0, size=100)
    losses = {name: shared + draw.normal(0, 0.2, 100) for name in ("full", "lora", "ia3")}
    losses["bad"] = shared + 1.0

    tests = compare_all(losses, horizon=16, tf=3600)

    pairs = [(test.first, test.second) for test in tests]
    assert pairs[:3] == [("full", "lora"), ("full", "ia3"), ("full", "bad")]
    assert len(tests) == 6
    smallest = min(tests, key=lambda test: test.p_value)
    assert smallest.p_holm == pytest.approx(min(1.0, 6 * smallest.p_value))
    assert all(test.p_holm >= test.p_value for test in tests)


def test_one_forecaster_alone_has_nothing_to_be_tested_against() -> None:
    assert compare_all({"full": np.ones(50)}, horizon=16, tf=3600) == []


def test_days_whose_windows_forecast_the_same_bars_are_allowed_for() -> None:
    assert usual_lags(10, 16, 3600) == 2
    assert usual_lags(10, 40, 14_400) == 7
    assert usual_lags(250, 16, 3600) == 4  # the rule for so many days asks for more


def test_windows_of_a_day_become_one_loss_whatever_their_symbol() -> None:
    monday = 4 * DAY
    time = np.array([monday, monday + 3600, monday + DAY, monday + 3600, monday + 3 * DAY])
    losses = np.array([1.0, 2.0, 5.0, 6.0, 7.0])

    found = daily_losses(time, losses)

    usual = 5 / 3  # windows a day
    assert found.tolist() == pytest.approx([9.0 / usual, 5.0 / usual, 7.0 / usual])
    assert found.mean() == pytest.approx(losses.mean())


def test_sums_over_windows_count_as_so_many_windows() -> None:
    monday = 4 * DAY
    time, windows = np.array([monday, monday + DAY]), np.array([3.0, 1.0])

    found = daily_losses(time, np.array([6.0, 5.0]), windows=windows)

    assert found.tolist() == [3.0, 2.5]
    assert found.mean() == pytest.approx(11.0 / 4)
