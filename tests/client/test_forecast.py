"""A forecast in hand: its quantiles, its median, its probability of an up-move."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from bridge import Forecast


@pytest.fixture
def forecast() -> Forecast:
    """Two bars ahead, three levels."""
    return Forecast(
        model="m@1",
        symbol="EURUSD",
        time=1_700_000_000,
        tf=3600,
        horizon=2,
        levels=(0.1, 0.5, 0.9),
        quantiles=np.array([[1.0, 2.0, 4.0], [1.0, 3.0, 9.0]]),
        up=np.array([0.25, 0.75]),
        cached=False,
        infer_us=1,
        server_us=2,
    )


@pytest.mark.parametrize(
    ("h", "level", "price"), [(1, 0.1, 1.0), (1, 0.5, 2.0), (1, 0.9, 4.0), (2, 0.9, 9.0)]
)
def test_a_quantile_at_a_level_of_the_model_is_the_models(
    forecast: Forecast, h: int, level: float, price: float
) -> None:
    assert forecast.quantile(h, level) == price


def test_a_quantile_between_two_levels_is_on_the_line_between_them(forecast: Forecast) -> None:
    assert forecast.quantile(1, 0.7) == pytest.approx(3.0)


@pytest.mark.parametrize("level", [0.0, 0.09, 0.91, 1.0, -1.0, float("nan")])
def test_a_level_outside_the_models_is_a_value_error_with_those_there_are(
    forecast: Forecast, level: float
) -> None:
    with pytest.raises(ValueError, match=rf"level {level} is outside the model's 0\.1 to 0\.9"):
        forecast.quantile(1, level)


@pytest.mark.parametrize("h", [-1, 0, 3])
def test_bars_ahead_that_are_not_forecast_are_a_value_error_with_those_that_are(
    forecast: Forecast, h: int
) -> None:
    for ask in (forecast.median, forecast.prob_up, lambda h: forecast.quantile(h, 0.5)):
        with pytest.raises(ValueError, match=f"h is {h}: this model forecasts 1 to 2 bars ahead"):
            ask(h)


def test_the_median_is_the_quantile_at_one_half(forecast: Forecast) -> None:
    assert [forecast.median(1), forecast.median(2)] == [2.0, 3.0]


def test_prob_up_counts_bars_from_one(forecast: Forecast) -> None:
    assert [forecast.prob_up(1), forecast.prob_up(2)] == [0.25, 0.75]


def test_answers_are_plain_floats(forecast: Forecast) -> None:
    answers = (forecast.quantile(1, 0.3), forecast.median(1), forecast.prob_up(1))
    assert [type(answer) for answer in answers] == [float] * 3


def test_a_forecast_cannot_be_changed(forecast: Forecast) -> None:
    with pytest.raises(FrozenInstanceError):
        forecast.time = 0  # type: ignore[misc]
