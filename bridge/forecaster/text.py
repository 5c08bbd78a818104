"""The text-digit counterpart of the forecaster: prices written out, and continued as text.

This is the way of the article series that this project follows ("Integrate Your Own LLM into
EA" on mql5.com: 20 values in, 40 out) and of LLMTime (Gruver et al. 2023): values become digits,
GPT-2 writes the next ones, one token after the other, and quantiles are those of sampled
continuations. It is here to be compared with `bridge.forecaster.model`, which answers in one pass.

Each value is four tokens, a separator and three digits: how far the close is from the last one,
in tenths of the window's own volatility. The last close itself is written 550. No tokenizer's
files are needed.

`B` windows, `T` bars of context, `H` bars of horizon, `Q` quantile levels, `D` width, `S` sampled
paths a window.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache

from bridge.forecaster.model import (
    LEAST_LEVEL,
    Features,
    ForecasterConfig,
    TradingClock,
    gpt2_blocks,
    volatility_level,
)

DIGITS = 3
PER_UNIT = 10  # steps of the last digit in one window volatility
LAST_CLOSE = 550  # so written that a small move changes neither the first digit nor all of them
SEPARATOR, START = 10, 11  # after the ten digits
VOCABULARY = 12
TOKENS_PER_VALUE = 1 + DIGITS
PATHS = 20
EMBEDDING_DEVIATION = 0.5
"""Of new embeddings. With GPT-2's 0.02 a small network takes several times as many steps to find
that a value stands near the one before it."""
CACHE_BYTES = 1 << 26  # of keys and values at once
GPT2_DIGITS = slice(15, 25)  # "0" to "9" in the vocabulary of OpenAI's GPT-2


class TextForecaster(nn.Module):
    """GPT-2 over the digits of closes; takes and gives what `Forecaster` does.

    Attributes:
        paths: continuations sampled for each window; their quantiles are the forecast.
    """

    causal_mask: Tensor
    tokens_before: Tensor

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        self.config = config
        self.paths = PATHS
        self.features = Features(replace(config, inputs="close"))
        self.clock = TradingClock(replace(config, patch=1))  # each close has its own hour
        self.digits = nn.Embedding(VOCABULARY, config.width)
        self.place = nn.Embedding(TOKENS_PER_VALUE, config.width)
        self.patch_hour = nn.Embedding(len(config.open_hours), config.width)
        self.level = nn.Linear(2, config.width)
        positions = 1 + TOKENS_PER_VALUE * (config.context + config.horizon)
        # In one kernel: half the time of a training step. Nothing here is exported.
        self.gpt2 = gpt2_blocks(config, positions, attention="sdpa")
        mask = torch.full((1, 1, positions, positions), torch.finfo(torch.float32).min).triu(1)
        self.register_buffer("causal_mask", mask, persistent=False)
        self.digit_head = nn.Linear(config.width, 10)
        # The tokens after which a digit of a coming value is read off the network.
        first = 1 + TOKENS_PER_VALUE * config.context
        before = first + torch.arange(TOKENS_PER_VALUE * config.horizon)
        before = before.view(config.horizon, TOKENS_PER_VALUE)[:, :DIGITS].reshape(-1)
        self.register_buffer("tokens_before", before, persistent=False)
        for table in (self.digits, self.place, self.patch_hour):
            nn.init.normal_(table.weight, std=EMBEDDING_DEVIATION)
        for layer in (self.level, self.digit_head):
            nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(self.digit_head.bias)
        with torch.no_grad():
            self.gpt2.wpe.weight.copy_(
                EMBEDDING_DEVIATION * math.sqrt(2) * _waves(positions, config.width)
            )

    def start_digits(self, words: Tensor) -> None:
        """Begin the digits' embedding with those of GPT-2's own vocabulary, words [V, D]."""
        with torch.no_grad():
            self.digits.weight[:10].copy_(words[GPT2_DIGITS])

    def digit_loss(self, bars: Tensor, time: Tensor, moves: Tensor) -> Tensor:
        """Cross-entropy of each digit of the coming closes, given all tokens before it.

        Args:
            bars: [B, T] closes or [B, T, 4] open, high, low, close; float64 prices.
            time: [B] open time of the last bar, seconds of the server's clock, float64.
            moves: [B, H] float64 log-returns of the coming closes from the last one.

        Returns:
            [B, H, 3] float32, in nats.
        """
        closes = self._closes(bars)
        past, scale = self._past(closes)
        written = digits_of(torch.cat([past, moves / scale[:, None]], dim=1))  # [B, T+H, 3]
        hours, level = self._hours(time), self._level(scale)
        tokens = self._tokens(written)[:, :-1]  # [B, N]: nothing follows the last digit
        embedded = self._embed(tokens, hours, level)
        states = self.gpt2(
            inputs_embeds=embedded,
            attention_mask=self.causal_mask[..., : tokens.shape[1], : tokens.shape[1]],
            position_ids=torch.arange(tokens.shape[1], device=tokens.device)[None],
        ).last_hidden_state  # [B, N, D]
        logits = self.digit_head(states[:, self.tokens_before])  # [B, 3H, 10]
        coming = written[:, self.config.context :].reshape(len(bars), -1)  # [B, 3H]
        losses = F.cross_entropy(logits.float().transpose(1, 2), coming, reduction="none")
        return losses.view(len(bars), self.config.horizon, DIGITS)

    @torch.no_grad()
    def forward(self, bars: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Forecast prices.

        Args:
            bars: [B, T] or [B, T, 4] float64 prices, as in `digit_loss`.
            time: [B] float64.

        Returns:
            `quantiles` [B, H, Q] float64 prices, each row ascending, and `up` [B, H] float64:
            the share of paths above the last close, within 0.01 and 0.99.
        """
        moves = self.sample(bars, time)  # [B, S, H]
        quantiles = path_quantiles(moves, self.config.levels)  # [B, H, Q]
        up = (moves > 0).double().mean(dim=1) + 0.5 * (moves == 0).double().mean(dim=1)
        last = self._closes(bars)[:, -1]
        return last[:, None, None] * torch.exp(quantiles), up.clamp(LEAST_LEVEL, 1 - LEAST_LEVEL)

    @torch.no_grad()
    def sample(self, bars: Tensor, time: Tensor) -> Tensor:
        """[B, S, H] float64 log-returns from the last close: `paths` sampled for each window.

        A window's random numbers come from its own closes and time: it is continued alike
        whenever it is asked for, and beside whichever others.
        """
        closes = self._closes(bars)
        past, scale = self._past(closes)
        written = digits_of(past)  # [B, T, 3]
        hours, level = self._hours(time), self._level(scale)
        draws = self.draws(closes, time)  # [B, S, 3H]
        at_once = self._windows_at_once()
        parts = []
        for start in range(0, len(closes), at_once):
            rows = slice(start, start + at_once)
            parts.append(self._continue(written[rows], hours[rows], level[rows], draws[rows]))
        units = values_of(torch.cat(parts))  # [B, S, H]
        return units * scale[:, None, None]

    def _continue(self, written: Tensor, hours: Tensor, level: Tensor, draws: Tensor) -> Tensor:
        """[B, T, 3] digits, [B, T+H, D] hours, [B, 1, D] level, [B, S, 3H] uniform numbers to
        [B, S, H, 3] sampled digits.

        The context runs through the network once for each window; its keys and values are then
        repeated for the paths, which go on together, one or two tokens a pass.
        """
        batch, paths = len(written), draws.shape[1]
        horizon, context = self.config.horizon, self.config.context
        tokens = self._tokens(written)  # [B, N] up to the last close's digits
        tokens = F.pad(tokens, (0, 1), value=SEPARATOR)  # and the first coming value's separator
        cache = DynamicCache()
        logits = self._advance(self._embed(tokens, hours, level), 0, cache)  # [B, 10]
        cache.batch_repeat_interleave(paths)
        logits = logits.repeat_interleave(paths, dim=0)  # [R, 10] with R = B*S
        draws = draws.reshape(batch * paths, -1)
        ahead = hours[:, context:] + level  # [B, H, D]
        ahead = ahead.repeat_interleave(paths, dim=0)  # [R, H, D]
        position = tokens.shape[1]
        sampled: list[Tensor] = []
        for value in range(horizon):
            for digit in range(DIGITS):
                chosen = _choose(logits, draws[:, len(sampled)])  # [R]
                sampled.append(chosen)
                embedded = self.digits(chosen) + self.place.weight[1 + digit] + ahead[:, value]
                following = embedded[:, None]  # [R, 1, D]
                if digit == DIGITS - 1:
                    if value == horizon - 1:
                        break
                    # The separator is no choice: it goes along with the digit before it.
                    separator = self.digits.weight[SEPARATOR] + self.place.weight[0]
                    following = torch.stack([embedded, separator + ahead[:, value + 1]], dim=1)
                logits = self._advance(following, position, cache)
                position += following.shape[1]
        return torch.stack(sampled, dim=1).view(batch, paths, horizon, DIGITS)

    def _advance(self, embedded: Tensor, position: int, cache: DynamicCache) -> Tensor:
        """[R, n, D] tokens at `position` to the [R, 10] logits of what follows the last one."""
        end = position + embedded.shape[1]
        states = self.gpt2(
            inputs_embeds=embedded,
            attention_mask=self.causal_mask[..., position:end, :end],
            position_ids=torch.arange(position, end, device=embedded.device)[None],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        logits: Tensor = self.digit_head(states[:, -1])
        return logits

    def _closes(self, bars: Tensor) -> Tensor:
        """[B, T] closes of bars that may have other columns: this head reads none of them."""
        return bars if bars.dim() == 2 else bars[..., 3].contiguous()

    def _past(self, closes: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T] closes to their distance from the last one, in window volatilities, and the
        volatility [B]; float64."""
        _, scale = self.features(closes)
        logs = torch.log(closes)
        return (logs - logs[:, -1:]) / scale[:, None], scale

    def _hours(self, time: Tensor) -> Tensor:
        """[B] times of the last bars to the embedded hours [B, T+H, D] of all values."""
        hours: Tensor = self.patch_hour(torch.cat(self.clock(time), dim=1))
        return hours

    def _level(self, scale: Tensor) -> Tensor:
        """[B] volatilities to [B, 1, D]: how far from the usual one, as every token is told."""
        level: Tensor = self.level(volatility_level(scale / self.config.usual_volatility))
        return level[:, None]

    def _tokens(self, written: Tensor) -> Tensor:
        """[B, V, 3] digits to the text [B, 1 + 4V]: start, then a separator before each value."""
        return F.pad(F.pad(written, (1, 0), value=SEPARATOR).flatten(1), (1, 0), value=START)

    def _embed(self, tokens: Tensor, hours: Tensor, level: Tensor) -> Tensor:
        """[B, N] tokens from the text's start to [B, N, D]: what each is, its place in its value,
        the hour of that value, and the window's volatility."""
        index = torch.arange(tokens.shape[1] - 1, device=tokens.device)
        value, place = index // TOKENS_PER_VALUE, index % TOKENS_PER_VALUE
        beside = F.pad(hours[:, value] + self.place(place), (0, 0, 1, 0))  # none for the start
        embedded: Tensor = self.digits(tokens) + beside + level
        return embedded

    def draws(self, closes: Tensor, time: Tensor) -> Tensor:
        """[B, S, 3H] uniform random numbers, each window's by its own closes and time."""
        shape = (self.paths, DIGITS * self.config.horizon)
        rows = torch.cat([closes, time[:, None]], dim=1).cpu().numpy().astype("<f8")
        draws = np.empty((len(rows), *shape), dtype=np.float32)
        for index, row in enumerate(rows):
            digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
            # The raw stream of a bit generator is the one that numpy promises never to change.
            raw = np.random.Philox(key=int.from_bytes(digest, "little")).random_raw(shape)
            draws[index] = (raw >> np.uint64(40)) * 2.0**-24
        return torch.from_numpy(draws).to(closes.device)

    def _windows_at_once(self) -> int:
        """How many windows' keys and values are held together: they are most of the memory."""
        tokens = self.causal_mask.shape[-1]
        each = 2 * 4 * self.config.layers * self.config.width * tokens * self.paths
        return max(1, CACHE_BYTES // each)


def _waves(positions: int, width: int) -> Tensor:
    """[N, D] sines and cosines of periods from 2.5 tokens to twice the text (Vaswani et al. 2017):
    where a token stands, and how far from another, can be read off at once."""
    count = (width + 1) // 2
    spread = torch.linspace(0.0, 1.0, count)
    periods = 2.5 * (2 * positions / 2.5) ** spread
    angles = 2 * math.pi * torch.arange(positions)[:, None] / periods
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)[:, :width]


def digits_of(units: Tensor) -> Tensor:
    """Distances from the last close in window volatilities to [..., 3] digits; rounded in
    float64, and bounded to what three digits can say."""
    number = torch.round(units * PER_UNIT).long() + LAST_CLOSE
    number = number.clamp(0, 10**DIGITS - 1)
    powers = 10 ** torch.arange(DIGITS - 1, -1, -1, device=units.device)
    return number[..., None] // powers % 10


def values_of(digits: Tensor) -> Tensor:
    """The inverse of `digits_of`, float64."""
    powers = 10 ** torch.arange(DIGITS - 1, -1, -1, device=digits.device)
    return ((digits * powers).sum(dim=-1) - LAST_CLOSE).double() / PER_UNIT


def path_quantiles(moves: Tensor, levels: tuple[float, ...]) -> Tensor:
    """[B, S, H] values of S paths to their quantiles [B, H, Q].

    The k-th smallest of S stands at level k / (S + 1) (Hyndman and Fan 1996, definition 6): an
    interval then covers what it says. The usual definition takes the outermost of few paths for
    the ends of the distribution, and twenty paths' 80% for 72%.
    """
    ordered = moves.sort(dim=1).values.transpose(1, 2)  # [B, H, S]
    count = ordered.shape[-1]
    rank = torch.tensor(levels, dtype=moves.dtype, device=moves.device) * (count + 1) - 1
    rank = rank.clamp(0, count - 1)  # [Q]
    low = rank.long()
    high = (low + 1).clamp(max=count - 1)
    return ordered[..., low].lerp(ordered[..., high], rank - low)


def _choose(logits: Tensor, draws: Tensor) -> Tensor:
    """[R, 10] logits and [R] uniform numbers to [R] digits: the inverse of the distribution."""
    cumulative = torch.softmax(logits.float(), dim=-1).cumsum(dim=-1)
    return (cumulative < draws[:, None]).sum(dim=-1).clamp(max=9)
