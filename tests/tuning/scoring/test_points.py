"""Point errors: by hand, and as the article series computes them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.tuning.scoring.points import PointErrors, point_errors, point_forecast


def errors(forecast: object, came: object) -> PointErrors:
    """Of prices as shares of the last close."""
    return point_errors(np.log(np.array(forecast)), np.log(np.array(came)))


def test_squares_are_of_prices_as_shares_of_the_last_close() -> None:
    found = errors([[1.00, 1.02]], [[1.01, 0.99]])

    assert found.square == pytest.approx([(0.01**2 + 0.03**2) / 2])


def test_over_one_window_the_root_over_the_reach_is_the_articles_nrmse() -> None:
    last, true, generated = 0.6116, np.array([0.6120, 0.6125]), np.array([0.6110, 0.6118])
    article = np.sqrt(np.mean((true - generated) ** 2)) / (np.max(true) - np.min(generated))

    found = errors([generated / last], [true / last])

    assert np.sqrt(found.square) / found.reach == pytest.approx([article])


def test_a_daring_forecast_widens_the_reach_and_not_the_span() -> None:
    true = [[1.00, 1.04]]

    timid, daring = errors([[1.02, 1.02]], true), errors([[0.98, 1.06]], true)

    assert timid.square == pytest.approx(daring.square)
    assert [timid.span, daring.span] == [pytest.approx([0.04])] * 2
    assert daring.reach > timid.reach


def test_a_forecast_above_all_that_came_reaches_below_zero() -> None:
    assert errors([[1.05, 1.06]], [[1.00, 1.01]]).reach == pytest.approx([-0.04])


def test_the_point_forecast_is_the_median() -> None:
    quantiles = np.array([[[-1.0, 0.25, 3.0]]])

    assert point_forecast(quantiles, (0.1, 0.5, 0.9)).item() == 0.25


def test_a_median_between_levels_is_interpolated() -> None:
    quantiles = np.array([[[1.0, 2.0, 4.0]]])

    assert point_forecast(quantiles, (0.1, 0.4, 0.8)).item() == pytest.approx(2.5)


def test_levels_on_one_side_tell_no_median() -> None:
    with pytest.raises(ValueError, match=r"0\.5 lies outside"):
        point_forecast(np.zeros((1, 1, 2)), (0.8, 0.9))
