"""The forecaster: raw prices in, quantiles of future prices out, as one network.

Read it top to bottom, in the order data flows: prices become scaled features, features become
patches, patches run through GPT-2's blocks, and a head turns the last patch's state into a
variance for each coming bar and from it into quantiles. Everything a caller could get wrong
(logs, scaling, calendars) is inside, so that the exported graph needs nothing but bars.

`B` windows, `T` bars of context, `H` bars of horizon, `Q` quantile levels, `D` width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2Config, GPT2Model

from bridge.bundles.manifest import HEADS

HOURS_PER_WEEK = 168
SECONDS_PER_HOUR = 3600.0
EPOCH_WEEKDAY_HOURS = 72.0  # 1970-01-01 was a Thursday: three days after Monday 00:00
LEVEL_LIMIT = 1.5  # how far from the usual volatility one can be told, in powers of e
LEAST_LEVEL = 0.01  # no probability is said to be smaller, or larger than 1 less it

Inputs = Literal["close", "ohlc"]
ACTIVATIONS = ("gelu_pytorch_tanh", "gelu_new", "gelu", "relu", "silu", "tanh")


@dataclass(frozen=True)
class ForecasterConfig:
    """What defines a forecaster's shape. Saved in the bundle, enough to build it again.

    `open_hours` are the hours of the week (0 is Monday 00:00, server clock) in which this
    market has bars. A bar's future is counted in them, so that Friday 23:00 is followed by
    Monday 00:00 where a market closes at the weekend. `usual_volatility` is the size of a usual
    bar's log-return, around which a window's own is told to the network.

    `inner`, `activation` and `epsilon` are those of GPT-2's blocks: the MLP's width (0 is four
    times `width`), its non-linearity, and what keeps a layer norm's division finite. `head`
    is `quantile` (this module) or `text` (`bridge.forecaster.text`).
    """

    inputs: Inputs = "ohlc"
    context: int = 128
    horizon: int = 16
    levels: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    tf: int = 3600
    open_hours: tuple[int, ...] = tuple(range(120))
    usual_volatility: float = 1e-3
    patch: int = 8
    layers: int = 2
    heads: int = 4
    width: int = 64
    dropout: float = 0.0
    inner: int = 0
    activation: str = "gelu_pytorch_tanh"  # gelu_new, in one kernel
    epsilon: float = 1e-5
    head: str = "quantile"

    def __post_init__(self) -> None:
        if self.context % self.patch:
            raise ValueError(
                f"context {self.context} is not a multiple of patch {self.patch}: "
                f"choose a context such as {self.context // self.patch * self.patch + self.patch}"
            )
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if any(not 0 < level < 1 for level in self.levels) or any(
            low >= high for low, high in zip(self.levels, self.levels[1:], strict=False)
        ):
            raise ValueError(f"levels must ascend between 0 and 1, not {list(self.levels)}")
        if 0.5 not in self.levels:
            raise ValueError("levels must contain 0.5: the quantiles are built outward from it")
        if len(self.levels) < 2:
            raise ValueError(
                "levels must contain at least one more than 0.5: the probability of a rise is read "
                "off between two"
            )
        if self.inner < 0:
            raise ValueError(f"inner {self.inner} is negative: a width, or 0 for four times width")
        if self.epsilon <= 0:
            raise ValueError(f"epsilon {self.epsilon} is not positive: GPT-2's is 1e-5")
        for name, value, known in (
            ("activation", self.activation, ACTIVATIONS),
            ("head", self.head, HEADS),
        ):
            if value not in known:
                raise ValueError(f"{name} '{value}' is unknown: choose from {', '.join(known)}")

    @classmethod
    def from_record(cls, network: Mapping[str, Any]) -> ForecasterConfig:
        """The configuration that a manifest's `network` records; keys it lacks are defaults.

        Raises:
            ValueError: the record is no forecaster's, or says a shape that cannot be.
        """
        record = dict(network)
        try:
            for key in ("levels", "open_hours"):
                record[key] = tuple(record[key])
            return cls(**record)
        except KeyError as error:
            raise ValueError(f"its network says no {error}") from error
        except TypeError as error:
            raise ValueError(f"its network cannot be built by this eabridge ({error})") from error


def gpt2_blocks(config: ForecasterConfig, positions: int, attention: str = "eager") -> GPT2Model:
    """GPT-2 of this shape, newly initialised, for sequences of at most `positions` tokens.

    It is fed embeddings (`inputs_embeds`) and a mask; its table of words is never looked up.
    `attention` names transformers' implementation: `eager` exports to plain operators.
    """
    shape: dict[str, Any] = {
        "vocab_size": 1,
        "n_positions": positions,
        "n_embd": config.width,
        "n_layer": config.layers,
        "n_head": config.heads,
        "n_inner": config.inner or None,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "activation_function": config.activation,
        "layer_norm_epsilon": config.epsilon,
        "attn_implementation": attention,
        "use_cache": False,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    blocks = GPT2Model(GPT2Config(**shape))
    blocks.wte.weight.requires_grad_(False)
    return blocks


class Forecaster(nn.Module):
    """GPT-2 over patches of bars, with a head whose quantiles cannot cross.

    The form follows PatchTST (Nie et al. 2023) and GPT4TS (Zhou et al. 2023) for the patches and
    Chronos-Bolt (Ansari et al. 2024) for the direct quantile head; the head's sum of variances
    over the coming bars' hours is the seasonal random walk of the volatility literature, with
    a network in the place of its constants.
    """

    causal_mask: Tensor
    tails: Tensor
    level_steps: Tensor

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.config = config
        self.features = Features(config)
        self.clock = TradingClock(config)
        slots = len(config.open_hours)
        self.patch_embedding = nn.Linear(config.patch * self.features.channels, config.width)
        self.patch_hour = nn.Embedding(slots, config.width)
        self.level = nn.Linear(2, config.width)
        tokens = config.context // config.patch
        self.gpt2 = gpt2_blocks(config, tokens)
        # GPT-2's own mask, as a constant: the library would build it anew in every graph.
        mask = torch.full((1, 1, tokens, tokens), torch.finfo(torch.float32).min).triu(1)
        self.register_buffer("causal_mask", mask, persistent=False)
        self.head = QuantileHead(config)
        tails, level_steps = _level_lines(config.levels)
        self.register_buffer("tails", tails, persistent=False)
        self.register_buffer("level_steps", level_steps, persistent=False)
        nn.init.normal_(self.patch_embedding.weight, std=0.02)
        nn.init.normal_(self.patch_hour.weight, std=0.02)
        nn.init.normal_(self.level.weight, std=0.02)

    def scaled_quantiles(self, bars: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Quantiles of the coming log-returns, in units of the window's own volatility.

        Args:
            bars: [B, T] closes or [B, T, 4] open, high, low, close; float64 prices, oldest first.
            time: [B] open time of the last bar, seconds of the server's clock, float64.

        Returns:
            [B, H, Q] float32 quantiles of log(close h bars ahead / last close) / scale, and the
            scale [B], float64: the root mean square of the window's log-returns.
        """
        features, scale = self.features(bars)  # [B, T, C], [B]
        batch = features.shape[0]
        patches = features.reshape(batch, -1, self.config.patch * self.features.channels)
        past, future = self.clock(time)  # [B, P], [B, H] slots of the trading week
        tokens = (  # [B, P, D]
            self.patch_embedding(patches)
            + self.patch_hour(past)
            + self.level(volatility_level(scale / self.config.usual_volatility))[:, None, :]
        )
        states = self.gpt2(
            inputs_embeds=tokens, attention_mask=self.causal_mask
        ).last_hidden_state  # [B, P, D]
        return self.head(states, future), scale

    def forward(self, bars: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Forecast prices.

        Args:
            bars: [B, T] or [B, T, 4] float64 prices, as in `scaled_quantiles`.
            time: [B] float64.

        Returns:
            `quantiles` [B, H, Q] float64 prices, each row ascending, and `up` [B, H] float64:
            the probability that the close h bars ahead is above the last close.
        """
        scaled, scale = self.scaled_quantiles(bars, time)
        last = bars[:, -1] if self.config.inputs == "close" else bars[:, -1, 3]
        moves = scaled.double() * scale[:, None, None]  # [B, H, Q] log-returns
        return last[:, None, None] * torch.exp(moves), self.up(scaled)

    def up(self, scaled: Tensor) -> Tensor:
        """[B, H] probability of a positive return: the level at which the quantiles cross zero.

        Linear between levels and beyond them along the outermost pair, within 0.01 and 0.99.
        """
        points = scaled @ self.tails  # [B, H, Q+2] with one more at either end
        low, high = points[..., :-1], points[..., 1:]  # [B, H, Q+1] ends of each segment
        below = (-low / (high - low).clamp(min=1e-9)).clamp(0.0, 1.0)  # share of it below zero
        return (1.0 - LEAST_LEVEL - below @ self.level_steps).squeeze(-1).double()


class Features(nn.Module):
    """Raw prices to what the network sees: each bar in units of its window's volatility.

    Float64 until scaled: a float32 price of 100 has lost moves of a hundredth of a pip.
    """

    LIMIT = 12.0  # beyond this many window deviations a bar says no more
    FLOOR = 0.05  # keeps the logarithm of a bar that did not move finite
    MIN_SCALE = 1e-7  # a window without any move: the forecast is then almost a point

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.inputs = config.inputs
        self.channels = 2 if config.inputs == "close" else 5

    def forward(self, bars: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T] or [B, T, 4] float64 prices to [B, T, C] float32 features and the scale [B]."""
        logs = torch.log(bars)
        close = logs if self.inputs == "close" else logs[..., 3]  # [B, T]
        # The oldest bar has no predecessor: its return is from its own open, or nothing.
        before = close[:, :1] if self.inputs == "close" else logs[:, :1, 0]
        moves = close - torch.cat([before, close[:, :-1]], dim=1)  # [B, T] log-returns
        steps = moves[:, 1:]
        # Summed in order: a reduction may group its terms by the size of the batch.
        squares = torch.cumsum(steps * steps, dim=1)[:, -1]
        scale = torch.sqrt(squares / steps.shape[1]).clamp(min=self.MIN_SCALE)  # [B]
        columns = moves[..., None]
        if self.inputs == "ohlc":
            reach = (logs[..., 1:3] - close[..., None]).abs()  # above the close, below it
            columns = torch.cat([columns, reach], dim=-1)  # [B, T, 3]
        units = (columns / scale[:, None, None]).clamp(-self.LIMIT, self.LIMIT).float()
        move, wicks = units[..., :1], units[..., 1:]
        features = [move, torch.log(move.abs() + self.FLOOR)]
        if self.inputs == "ohlc":
            spans = wicks[..., :1] + wicks[..., 1:]  # from low to high
            features += [wicks, torch.log(spans + self.FLOOR)]
        return torch.cat(features, dim=-1), scale


def volatility_level(ratio: Tensor) -> Tensor:
    """[B] volatility over the usual one to [B, 2] float32: how far apart they are.

    Scaling hides it from the network, and it says where volatility will return to. Bounded, so
    that a market calmer or wilder than any in training reads as the calmest or wildest.
    """
    level = torch.log(ratio).clamp(-LEVEL_LIMIT, LEVEL_LIMIT).float()
    return torch.stack([level, level * level], dim=-1)


class TradingClock(nn.Module):
    """Time of the last bar to slots of the trading week, for past patches and coming bars.

    On hourly FX the hour of the week carries most of what can be forecast. Slots count only the
    hours in which the market has bars, so stepping over a weekend is plain addition.
    """

    slot_of_hour: Tensor
    offsets: Tensor

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.slots = len(config.open_hours)
        self.patches = config.context // config.patch
        # A closed hour, should a bar bear it after all, counts as the next open one.
        slot_of_hour = [
            sum(open_hour < hour for open_hour in config.open_hours) % self.slots
            for hour in range(HOURS_PER_WEEK)
        ]
        # Slots per bar. Longer bars than an hour stand in fewer hours: a bar is then a slot.
        step = min(1.0, config.tf / SECONDS_PER_HOUR)
        ages = [(index + 1 - self.patches) * config.patch * step for index in range(self.patches)]
        ahead = [(h + 1) * step for h in range(config.horizon)]
        # Whole weeks are added, so that no slot is negative: a remainder then is a slot.
        weeks = math.ceil(-ages[0] / self.slots) * self.slots
        offsets = [weeks + offset for offset in (*ages, *ahead)]
        self.register_buffer(
            "slot_of_hour", torch.tensor(slot_of_hour, dtype=torch.float64), persistent=False
        )
        self.register_buffer(
            "offsets", torch.tensor(offsets, dtype=torch.float64), persistent=False
        )

    def forward(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """[B] float64 seconds to int64 slots: [B, P] of each patch's last bar, [B, H] ahead."""
        hours = torch.fmod(time / SECONDS_PER_HOUR + EPOCH_WEEKDAY_HOURS, HOURS_PER_WEEK)  # [B]
        whole = hours.long()
        now = self.slot_of_hour[whole] + (hours - whole)  # [B]
        slots = torch.fmod(now[:, None] + self.offsets, self.slots).long()  # [B, P+H]
        return slots[:, : self.patches], slots[:, self.patches :]


class QuantileHead(nn.Module):
    """The last patch's state and the coming hours to quantiles that ascend by construction.

    Each coming bar gets a variance from the state and its own hour; variances add up along the
    horizon as in a random walk; the quantiles stand outward from the median at distances that
    begin as the normal distribution's and are learned from there.
    """

    HIDDEN = 64

    outward: Tensor

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        normal = NormalDist()
        gaps = torch.tensor(
            [
                normal.inv_cdf(high) - normal.inv_cdf(low)
                for low, high in zip(config.levels, config.levels[1:], strict=False)
            ]
        )
        middle = config.levels.index(0.5)
        # From gaps to distances from the median: a level stands as far out as the sum of the
        # gaps between them, so levels cannot cross.
        outward = [
            [
                float(middle <= gap < level) - float(level <= gap < middle)
                for level in range(len(gaps) + 1)
            ]
            for gap in range(len(gaps))
        ]
        self.register_buffer("outward", torch.tensor(outward), persistent=False)
        self.state = nn.Linear(config.width, self.HIDDEN)
        self.hour = nn.Embedding(len(config.open_hours), self.HIDDEN)
        self.ahead = nn.Parameter(torch.zeros(config.horizon, self.HIDDEN))
        self.mix = nn.Linear(self.HIDDEN, self.HIDDEN)
        self.variance = nn.Linear(self.HIDDEN, 1)
        self.median = nn.Linear(self.HIDDEN, 1)
        self.gaps = nn.Linear(self.HIDDEN, len(gaps))
        nn.init.normal_(self.hour.weight, std=0.02)
        for layer in (self.variance, self.median, self.gaps):
            nn.init.normal_(layer.weight, std=0.002)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():  # start as the Gaussian random walk
            self.gaps.bias.copy_(torch.log(torch.expm1(gaps)))

    def forward(self, states: Tensor, future: Tensor) -> Tensor:
        """[B, P, D] states and [B, H] slots to [B, H, Q] quantiles in window deviations."""
        # Projected for all patches, then cut to the last: a batch of one then takes the same
        # kernel as a batch of many, and gives the same bits.
        now = self.state(states)[:, -1:, :]  # [B, 1, 64]
        mixed = F.gelu(now + self.hour(future) + self.ahead, approximate="tanh")  # [B, H, 64]
        mixed = mixed + F.gelu(self.mix(mixed), approximate="tanh")
        steps = torch.exp(self.variance(mixed).clamp(-8.0, 8.0))  # [B, H, 1] one bar's variance
        deviation = torch.sqrt(torch.cumsum(steps, dim=1))  # [B, H, 1]
        gaps = F.softplus(self.gaps(mixed))  # [B, H, Q-1]
        median = self.median(mixed)  # [B, H, 1]
        quantiles: Tensor = (median + gaps @ self.outward) * deviation
        return quantiles


def _level_lines(levels: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """What `up` interpolates with: [Q, Q+2] quantiles to themselves and, at either end, one more
    on the outermost pair's line, at the least and greatest level; and [Q+1, 1] steps of level."""
    count = len(levels)
    tails = torch.zeros(count, count + 2)
    tails[:, 1:-1] = torch.eye(count)
    first = (levels[0] - LEAST_LEVEL) / (levels[1] - levels[0])
    last = (1.0 - LEAST_LEVEL - levels[-1]) / (levels[-1] - levels[-2])
    tails[0, 0], tails[1, 0] = 1.0 + first, -first
    tails[-1, -1], tails[-2, -1] = 1.0 + last, -last
    ends = torch.tensor([LEAST_LEVEL, *levels, 1.0 - LEAST_LEVEL])
    return tails, (ends[1:] - ends[:-1])[:, None]


def pinball_loss(quantiles: Tensor, target: Tensor, levels: Tensor) -> Tensor:
    """Pinball (quantile) loss, elementwise (Koenker and Bassett 1978).

    Args:
        quantiles: [B, H, Q]. target: [B, H]. levels: [Q].

    Returns:
        [B, H, Q], not negative; its mean over levels approximates half the CRPS.
    """
    error = target[..., None] - quantiles
    return torch.maximum(levels * error, (levels - 1.0) * error)
