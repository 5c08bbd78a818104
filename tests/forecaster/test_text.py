"""Prices as digits: how they are written, continued and read back, whatever the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge.forecaster.model import ForecasterConfig
from bridge.forecaster.text import (
    DIGITS,
    GPT2_DIGITS,
    TextForecaster,
    digits_of,
    path_quantiles,
    values_of,
)
from bridge.synthetic import random_walk_bars

CONFIG = ForecasterConfig(
    context=20, horizon=40, patch=4, layers=1, width=16, heads=2, head="text", inputs="close"
)
SHORT = replace(CONFIG, context=8, horizon=3)
MONDAY_10 = 1_577_959_200.0 + 3 * 86_400 + 9 * 3600


def untrained(config: ForecasterConfig = SHORT, *, noise: float = 0.3) -> TextForecaster:
    """A network with weights far from any special value."""
    torch.manual_seed(7)
    model = TextForecaster(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return model.eval()


def windows(count: int = 4, context: int = SHORT.context) -> Tensor:
    return torch.from_numpy(
        np.stack([random_walk_bars(context, 3600, seed).ohlc[:, 3] for seed in range(count)])
    )


def times(count: int = 4) -> Tensor:
    return MONDAY_10 + 3600.0 * torch.arange(count, dtype=torch.float64)


def test_the_last_close_is_written_550() -> None:
    assert digits_of(torch.tensor([0.0])).tolist() == [[5, 5, 0]]


def test_the_last_digit_is_a_tenth_of_the_windows_volatility() -> None:
    assert digits_of(torch.tensor([0.1, -0.1, 12.34])).tolist() == [[5, 5, 1], [5, 4, 9], [6, 7, 3]]


def test_what_is_written_is_read_back_to_within_half_of_the_last_digit() -> None:
    units = torch.linspace(-50.0, 44.0, 1001, dtype=torch.float64)

    assert (values_of(digits_of(units)) - units).abs().max() <= 0.05 + 1e-9


def test_a_move_too_large_for_three_digits_is_the_largest_they_say() -> None:
    units = torch.tensor([-1e9, 1e9, -60.0, 60.0])

    assert digits_of(units).tolist() == [[0, 0, 0], [9, 9, 9], [0, 0, 0], [9, 9, 9]]


def test_a_small_move_in_a_large_price_is_not_lost_before_it_is_rounded() -> None:
    closes = 20_000.0 + 1e-3 * torch.tensor([[0, 9, 3, 8, 2, 7, 1, 5]], dtype=torch.float64)
    as_float32 = closes.float().double()
    model = untrained()

    exact = model.digit_loss(closes, times(1), torch.zeros(1, 3, dtype=torch.float64))
    narrow = model.digit_loss(as_float32, times(1), torch.zeros(1, 3, dtype=torch.float64))

    assert not torch.equal(exact, narrow)


def test_forecasts_are_float64_prices_for_each_bar_and_level() -> None:
    quantiles, up = untrained()(windows(), times())

    assert quantiles.shape == (4, 3, 9)
    assert up.shape == (4, 3)
    assert quantiles.dtype == up.dtype == torch.float64


def test_twenty_closes_in_give_forty_out() -> None:
    quantiles, up = untrained(CONFIG)(windows(2, 20), times(2))

    assert quantiles.shape == (2, 40, 9)
    assert torch.isfinite(quantiles).all()
    assert torch.isfinite(up).all()


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0])
def test_quantiles_never_cross_whatever_the_weights(noise: float) -> None:
    quantiles, up = untrained(noise=noise)(windows(), times())

    assert (quantiles.diff(dim=-1) >= 0).all()
    assert ((up >= 0.01) & (up <= 0.99)).all()


def test_quantiles_are_those_of_the_sampled_paths() -> None:
    model = untrained()
    closes = windows()

    quantiles, up = model(closes, times())
    moves = model.sample(closes, times())

    assert moves.shape == (4, 20, 3)
    ours = closes[:, -1:, None] * torch.exp(path_quantiles(moves, SHORT.levels))
    assert torch.equal(quantiles, ours)
    risen = (moves > 0).double().mean(1) + (moves == 0).double().mean(1) / 2
    assert torch.equal(up, risen.clamp(0.01, 0.99))


def test_nine_paths_are_the_nine_deciles() -> None:
    moves = torch.tensor([5.0, 1, 9, 3, 7, 2, 8, 4, 6])[None, :, None]

    assert path_quantiles(moves, SHORT.levels)[0, 0].tolist() == pytest.approx(range(1, 10))


def test_the_quantiles_of_one_path_are_that_path() -> None:
    assert path_quantiles(torch.tensor([[[3.0]]]), (0.1, 0.5, 0.9)).tolist() == [[[3.0] * 3]]


def test_twenty_paths_eighty_percent_interval_covers_eighty_percent() -> None:
    torch.manual_seed(0)
    moves, outcome = torch.randn(20_000, 20, 1), torch.randn(20_000, 1)

    low, high = path_quantiles(moves, (0.1, 0.9)).unbind(dim=-1)

    assert ((outcome > low) & (outcome < high)).float().mean().item() == pytest.approx(
        0.8, abs=0.01
    )


def test_more_paths_can_be_asked_for() -> None:
    model = untrained()
    model.paths = 7

    assert model.sample(windows(), times()).shape == (4, 7, 3)


def test_the_same_window_is_continued_alike_whenever_it_is_asked_for() -> None:
    model = untrained()

    first = model(windows(), times())
    torch.manual_seed(99)
    again = model(windows(), times())

    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_other_windows_of_a_batch_leave_a_window_alone() -> None:
    model = untrained()

    together = model.sample(windows(), times())
    alone = model.sample(windows()[2:3], times()[2:3])

    assert torch.allclose(together[2], alone[0])


def test_windows_beyond_what_memory_holds_at_once_are_answered_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = untrained()
    together = model.sample(windows(), times())

    monkeypatch.setattr("bridge.forecaster.text.CACHE_BYTES", 1)

    assert torch.allclose(model.sample(windows(), times()), together)


def test_another_window_is_continued_by_other_random_numbers() -> None:
    model = untrained(noise=0.0)

    moves = model.sample(windows(2), times(1).expand(2)) / windows(2).log().diff(dim=1).std()

    assert not torch.allclose(moves[0], moves[1])


def test_digits_are_drawn_from_the_probabilities_that_the_whole_text_gives_them() -> None:
    """Token by token with the cache, or all at once without: the same probabilities."""
    require_drawn_as_written(untrained(), windows(), times())


def require_drawn_as_written(model: TextForecaster, closes: Tensor, time: Tensor) -> None:
    """Each digit of a sampled path is where its random number falls among the probabilities that
    a pass over the whole text, without a cache, gives the ten digits."""
    moves = model.sample(closes, time)[:, 0]  # [B, H] one path of each
    scale = closes.log().diff(dim=1).square().mean(dim=1).sqrt()
    written = digits_of(moves / scale[:, None]).flatten(1)
    probabilities = torch.exp(-model.digit_loss(closes, time, moves)).flatten(1)
    drawn = model.draws(closes, time)[:, 0]
    for digit in range(written.shape[1]):
        below = below_of(model, closes, time, written, digit)
        assert (drawn[:, digit] >= below - 1e-5).all()
        assert (drawn[:, digit] <= below + probabilities[:, digit] + 1e-5).all()


@torch.no_grad()
def below_of(
    model: TextForecaster, closes: Tensor, time: Tensor, written: Tensor, digit: int
) -> Tensor:
    """[B] probability of all digits smaller than the one written at this place."""
    scale = closes.log().diff(dim=1).square().mean(dim=1).sqrt()
    below = torch.zeros(len(closes))
    for smaller in range(10):
        other = written.clone()
        other[:, digit] = smaller
        moves = values_of(other.view(len(closes), -1, DIGITS)) * scale[:, None]
        chance = torch.exp(-model.digit_loss(closes, time, moves)).flatten(1)[:, digit]
        below += torch.where(smaller < written[:, digit], chance, 0.0)
    return below


def test_a_digit_depends_on_what_was_written_before_it_and_on_nothing_after() -> None:
    model = untrained()
    moves = torch.full((1, 3), 1e-4, dtype=torch.float64)
    later = moves.clone()
    later[:, 2] = 1e-2

    plain = model.digit_loss(windows(1), times(1), moves)
    changed = model.digit_loss(windows(1), times(1), later)

    assert torch.equal(plain[:, :2], changed[:, :2])
    assert not torch.equal(plain[:, 2], changed[:, 2])


def test_the_loss_of_an_untrained_network_is_that_of_ten_equal_digits() -> None:
    torch.manual_seed(0)
    loss = TextForecaster(SHORT).digit_loss(
        windows(), times(), torch.zeros(4, 3, dtype=torch.float64)
    )

    assert loss.shape == (4, 3, 3)
    assert loss.mean().item() == pytest.approx(np.log(10), abs=0.1)


def test_the_unit_of_prices_does_not_matter_to_the_loss() -> None:
    model = untrained()
    moves = torch.zeros(4, 3, dtype=torch.float64)

    plain = model.digit_loss(windows(), times(), moves)
    in_yen = model.digit_loss(windows() * 128.0, times(), moves)

    assert torch.allclose(plain, in_yen, atol=1e-5)


def test_the_hour_of_the_last_bar_matters() -> None:
    model = untrained()
    moves = torch.zeros(4, 3, dtype=torch.float64)

    morning = model.digit_loss(windows(), times(), moves)
    night = model.digit_loss(windows(), times() + 12 * 3600, moves)

    assert not torch.equal(morning, night)


def test_closes_alone_are_read_from_bars_that_have_more() -> None:
    model = untrained(replace(SHORT, inputs="ohlc"))
    bars = windows()[..., None].expand(-1, -1, 4).clone()
    bars[..., 1] *= 1.5

    assert torch.equal(model(bars, times())[0], model(windows(), times())[0])


def test_a_market_that_does_not_move_gets_a_finite_forecast_around_its_price() -> None:
    flat = torch.full((1, 8), 1.25, dtype=torch.float64)

    quantiles, up = untrained()(flat, times(1))

    assert torch.allclose(quantiles, torch.tensor(1.25, dtype=torch.float64), rtol=1e-3)
    assert torch.isfinite(up).all()


def test_digits_can_begin_as_those_of_gpt2s_own_vocabulary() -> None:
    model = untrained()
    words = torch.randn(50, SHORT.width)

    model.start_digits(words)

    assert torch.equal(model.digits.weight[:10], words[GPT2_DIGITS])
