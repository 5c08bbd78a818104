"""The network: prices in, prices out, and what must hold whatever the weights."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from bridge.forecaster.model import Forecaster, ForecasterConfig, pinball_loss
from bridge.synthetic import random_walk_bars

CONFIG = ForecasterConfig(layers=1, width=32, heads=2, dropout=0.0)
MONDAY_10 = 1_577_959_200.0 + 3 * 86_400 + 9 * 3600


def untrained(config: ForecasterConfig = CONFIG, *, noise: float = 0.1) -> Forecaster:
    """A network with weights far from any special value."""
    torch.manual_seed(7)
    model = Forecaster(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return model.eval()


def windows(count: int = 8, context: int = 128) -> torch.Tensor:
    return torch.from_numpy(
        np.stack([random_walk_bars(context, 3600, seed).ohlc for seed in range(count)])
    )


def times(count: int = 8) -> torch.Tensor:
    return MONDAY_10 + 3600.0 * torch.arange(count, dtype=torch.float64)


@torch.no_grad()
def test_forecasts_are_float64_prices_for_each_bar_and_level() -> None:
    quantiles, up = untrained()(windows(), times())

    assert quantiles.shape == (8, 16, 9)
    assert up.shape == (8, 16)
    assert quantiles.dtype == up.dtype == torch.float64


@torch.no_grad()
@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0])
def test_quantiles_never_cross_whatever_the_weights(noise: float) -> None:
    quantiles, _ = untrained(noise=noise)(windows(), times())

    assert torch.isfinite(quantiles).all()
    assert (quantiles.diff(dim=-1) >= 0).all()


@torch.no_grad()
def test_a_new_network_is_a_gaussian_random_walk() -> None:
    torch.manual_seed(0)
    scaled, _ = Forecaster(CONFIG).eval().scaled_quantiles(windows(), times())

    one_bar, last_bar = scaled[:, 0], scaled[:, 15]
    assert torch.allclose(one_bar[:, 0], torch.tensor(-1.28), atol=0.1)
    assert torch.allclose(one_bar[:, 8], torch.tensor(1.28), atol=0.1)
    assert torch.allclose(last_bar[:, 8], torch.tensor(1.28 * 4), atol=0.4)


@torch.no_grad()
def test_the_unit_of_prices_does_not_matter() -> None:
    model = untrained()

    quantiles, up = model(windows(), times())
    in_yen, up_in_yen = model(windows() * 1000.0, times())

    assert torch.allclose(in_yen / 1000.0, quantiles, rtol=1e-9)
    assert torch.allclose(up_in_yen, up, atol=1e-5)


@torch.no_grad()
def test_the_hour_of_the_last_bar_matters() -> None:
    model = untrained()

    morning, _ = model(windows(1), times(1))
    night, _ = model(windows(1), times(1) + 12 * 3600)

    assert not torch.equal(morning, night)


@torch.no_grad()
def test_the_same_hour_a_year_of_weeks_later_is_the_same() -> None:
    model = untrained()

    now, _ = model(windows(1), times(1))
    later, _ = model(windows(1), times(1) + 52 * 7 * 86_400)

    assert torch.equal(now, later)


@torch.no_grad()
def test_a_market_that_does_not_move_gets_a_finite_forecast_around_its_price() -> None:
    flat = torch.full((1, 128, 4), 1.25, dtype=torch.float64)

    quantiles, up = untrained()(flat, times(1))

    assert torch.isfinite(quantiles).all()
    assert torch.isfinite(up).all()
    assert torch.allclose(quantiles, torch.tensor(1.25, dtype=torch.float64), rtol=1e-3)


@torch.no_grad()
def test_a_move_of_a_hundredth_of_a_pip_in_a_large_price_is_not_lost() -> None:
    bars = windows(1) * 100.0
    nudged = bars.clone()
    nudged[0, 64, 3] += 1e-6  # below what a float32 of 100 can hold

    plain, _ = untrained().scaled_quantiles(bars, times(1))
    moved, _ = untrained().scaled_quantiles(nudged, times(1))

    assert not torch.equal(plain, moved)


@torch.no_grad()
def test_up_is_the_level_at_which_the_quantiles_cross_the_last_close() -> None:
    model = untrained()
    scaled = torch.tensor([[[-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0]]])

    assert model.up(scaled).item() == pytest.approx(1 - 0.45)


@torch.no_grad()
@pytest.mark.parametrize(
    ("shift", "expected"),
    [(0.0, 0.5), (10.0, 0.99), (-10.0, 0.01), (-4.5, 0.05), (4.5, 0.95)],
)
def test_up_goes_on_beyond_the_outer_levels_and_is_never_certain(
    shift: float, expected: float
) -> None:
    scaled = torch.arange(-4.0, 5.0)[None, None] + shift

    assert untrained().up(scaled).item() == pytest.approx(expected, abs=1e-6)


@torch.no_grad()
def test_a_close_model_reads_closes_alone() -> None:
    model = untrained(replace(CONFIG, inputs="close"))

    quantiles, _ = model(windows()[..., 3], times())

    assert quantiles.shape == (8, 16, 9)


@torch.no_grad()
def test_other_windows_of_a_batch_leave_a_window_alone() -> None:
    model = untrained()

    together, _ = model(windows(8), times(8))
    alone, _ = model(windows(8)[3:4], times(8)[3:4])

    assert torch.allclose(together[3], alone[0], rtol=1e-7)


def test_friday_night_is_followed_by_monday_where_the_market_closes_at_weekends() -> None:
    clock = Forecaster(CONFIG).clock
    friday_23 = torch.tensor([1_577_836_800.0 + 2 * 86_400 + 23 * 3600], dtype=torch.float64)

    past, ahead = clock(friday_23)

    assert past[0, -1].item() == 119
    assert ahead[0, :3].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("tf", "hours"), [(14_400, 4), (86_400, 24)])
def test_bars_longer_than_an_hour_step_from_one_of_theirs_to_the_next(tf: int, hours: int) -> None:
    open_hours = tuple(range(0, 120, hours))
    clock = Forecaster(replace(CONFIG, tf=tf, open_hours=open_hours)).clock
    thursday = torch.tensor([1_577_836_800.0 + 86_400], dtype=torch.float64)

    past, ahead = clock(thursday)

    slots = len(open_hours)
    now = 72 // hours
    assert past[0, -1].item() == now
    assert ahead[0, :5].tolist() == [(now + h) % slots for h in range(1, 6)]


def test_half_hour_bars_share_the_slot_of_their_hour() -> None:
    clock = Forecaster(replace(CONFIG, tf=1800)).clock

    _, ahead = clock(torch.tensor([MONDAY_10], dtype=torch.float64))

    first = ahead[0, 0].item()
    assert ahead[0, :5].tolist() == [first, first + 1, first + 1, first + 2, first + 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": 100}, "multiple of patch"),
        ({"heads": 3}, "multiple of heads"),
        ({"levels": (0.1, 0.9)}, "0.5"),
        ({"levels": (0.5,)}, "at least one more"),
        ({"levels": (0.9, 0.5, 0.1)}, "ascend"),
        ({"levels": (0.0, 0.5, 1.0)}, "between 0 and 1"),
        ({"inner": -1}, "inner -1 is negative"),
        ({"epsilon": 0.0}, "epsilon 0.0 is not positive"),
        ({"activation": "mish"}, "activation 'mish' is unknown: choose from gelu_pytorch_tanh"),
        ({"head": "point"}, "head 'point' is unknown: choose from quantile, text"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_what_would_be_right(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_the_blocks_are_as_wide_as_the_configuration_says() -> None:
    usual = Forecaster(CONFIG).gpt2.h[0]
    other = Forecaster(replace(CONFIG, inner=40, activation="relu", epsilon=1e-6)).gpt2.h[0]

    assert usual.mlp.c_fc.weight.shape == (32, 128)
    assert other.mlp.c_fc.weight.shape == (32, 40)
    assert isinstance(other.mlp.act, torch.nn.ReLU)
    assert (usual.ln_1.eps, other.ln_1.eps) == (1e-5, 1e-6)


def test_a_configuration_comes_back_from_its_record() -> None:
    record = json.loads(json.dumps(asdict(CONFIG)))

    assert ForecasterConfig.from_record(record) == CONFIG


def test_a_record_of_before_there_were_other_blocks_and_heads_means_todays_defaults() -> None:
    record = asdict(CONFIG)
    for newer in ("inner", "activation", "epsilon", "head"):
        del record[newer]

    assert ForecasterConfig.from_record(record) == CONFIG


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "its network says no 'levels'"),
        ({**asdict(CONFIG), "depth": 3}, "cannot be built by this eabridge .*depth"),
        ({**asdict(CONFIG), "heads": 3}, "multiple of heads"),
        ({**asdict(CONFIG), "levels": 3}, "cannot be built by this eabridge"),
    ],
)
def test_a_record_that_is_no_forecasters_is_refused(
    record: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ForecasterConfig.from_record(record)


def test_pinball_loss_of_the_median_is_half_the_absolute_error() -> None:
    quantiles = torch.tensor([[[1.0]]])

    assert pinball_loss(quantiles, torch.tensor([[4.0]]), torch.tensor([0.5])).item() == 1.5


def test_pinball_loss_is_least_at_the_quantile() -> None:
    outcomes = torch.arange(1.0, 101.0)[:, None]
    candidates = torch.arange(1.0, 101.0)

    losses = [
        pinball_loss(torch.full((100, 1, 1), float(value)), outcomes, torch.tensor([0.8])).mean()
        for value in candidates
    ]

    assert candidates[int(torch.stack(losses).argmin())].item() in (80.0, 81.0)
