"""Point scores: by hand, as the article series computes them, and how sure they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.tuning.scoring.points import (
    mean_errors,
    point_errors,
    point_forecast,
    point_scores,
    score_errors,
)

HOUR = 3600


def scores(forecast: Any, moves: Any, **options: Any) -> dict[str, Any]:
    """Of windows an hour apart, from prices as shares of the last close."""
    forecast, moves = np.log(np.array(forecast)), np.log(np.array(moves))
    time = np.arange(len(moves), dtype=np.int64) * HOUR
    return point_scores(time, moves, {"model": forecast}, **options)["model"]


def many(seed: int, size: float = 1.0) -> dict[str, Any]:
    """A year's windows with a forecast that follows the truth in part."""
    draw = np.random.default_rng(seed)
    moves = np.cumsum(draw.normal(0, 1e-3, (1200, 10)), axis=1)
    forecast = 0.5 * size * moves
    time = np.arange(1200, dtype=np.int64) * 7 * HOUR
    return point_scores(time, moves, {"model": forecast, "walk": 0 * moves})


def test_mean_square_and_root_are_of_prices_as_shares_of_the_last_close() -> None:
    found = scores([[1.00, 1.02]], [[1.01, 0.99]])

    assert found["mse"] == pytest.approx((0.01**2 + 0.03**2) / 2)
    assert found["rmse"] == pytest.approx(np.sqrt((0.01**2 + 0.03**2) / 2))


def test_over_one_window_nrmse_is_the_articles() -> None:
    last, true, generated = 0.6116, np.array([0.6120, 0.6125]), np.array([0.6110, 0.6118])
    article = np.sqrt(np.mean((true - generated) ** 2)) / (np.max(true) - np.min(generated))

    assert scores([generated / last], [true / last])["nrmse"] == pytest.approx(article, abs=1e-5)


def test_the_range_of_true_prices_is_moved_by_no_forecast() -> None:
    true = [[1.00, 1.04]]

    timid, daring = scores([[1.02, 1.02]], true), scores([[0.98, 1.06]], true)

    assert timid["nrmse_range"] == pytest.approx(0.02 / 0.04)
    assert daring["nrmse_range"] == pytest.approx(0.02 / 0.04)
    assert daring["nrmse"] < timid["nrmse"]


def test_an_articles_nrmse_below_zero_is_none() -> None:
    found = scores([[1.05, 1.06]], [[1.00, 1.01]])

    assert found["nrmse"] is None
    assert found["nrmse_range"] == pytest.approx(5.0, abs=1e-4)


def test_that_the_price_stays_scores_one_against_itself() -> None:
    found = many(0)["walk"]

    assert found["rmse_ratio"] == 1.0
    assert found["rmse_ratio_ci"] == [1.0, 1.0]


def test_a_forecast_that_goes_half_the_way_errs_half_as_much() -> None:
    found = many(0)["model"]

    assert found["rmse_ratio"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["mse", "rmse", "nrmse", "nrmse_range"])
def test_intervals_hold_the_score(name: str) -> None:
    found = many(1)["model"]

    low, high = found[f"{name}_ci"]
    assert low < found[name] < high
    assert high < 1.3 * low


def test_small_errors_are_not_rounded_away() -> None:
    found = scores([[1.0 + 1e-5, 1.0]], [[1.0, 1.0]])

    assert found["mse"] == pytest.approx(5e-11, rel=1e-2)


def test_too_few_weeks_give_scores_without_intervals() -> None:
    assert scores([[1.0, 1.0]], [[1.01, 0.99]])["rmse_ci"] is None


def test_windows_of_several_files_in_the_same_weeks_are_drawn_together() -> None:
    draw = np.random.default_rng(0)
    moves = draw.normal(0, 1e-3, (1200, 4)) * (1 + np.arange(1200) // 300)[:, None]
    time = np.arange(1200, dtype=np.int64) * 7 * HOUR
    once = point_scores(time, moves, {"model": 0 * moves})["model"]

    twice = point_scores(
        np.concatenate([time, time]), np.concatenate([moves, moves]),
        {"model": np.zeros((2400, 4))},
    )["model"]  # fmt: skip

    assert twice["rmse_ci"] == pytest.approx(once["rmse_ci"])


def test_seeds_are_averaged_window_by_window() -> None:
    moves = np.log([[1.01, 1.02], [0.99, 0.98]])
    good, bad = point_errors(moves, moves), point_errors(0 * moves, moves)

    both = mean_errors([good, bad])

    assert both.square == pytest.approx((good.square + bad.square) / 2)
    assert both.span == pytest.approx(good.span)
    time = np.array([0, HOUR])
    assert score_errors(time, both)["rmse_ratio"] == pytest.approx(np.sqrt(0.5), abs=1e-5)


def test_the_point_forecast_is_the_median() -> None:
    quantiles = np.array([[[-1.0, 0.25, 3.0]]])

    assert point_forecast(quantiles, (0.1, 0.5, 0.9)).item() == 0.25


def test_a_median_between_levels_is_interpolated() -> None:
    quantiles = np.array([[[1.0, 2.0, 4.0]]])

    assert point_forecast(quantiles, (0.1, 0.4, 0.8)).item() == pytest.approx(2.5)


def test_levels_on_one_side_tell_no_median() -> None:
    with pytest.raises(ValueError, match=r"0\.5 lies outside"):
        point_forecast(np.zeros((1, 1, 2)), (0.8, 0.9))
