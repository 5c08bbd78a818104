"""Nothing sees the future: whatever comes after a bar, all that is known up to it stays the same.

Every test takes a history, puts another future in its place from some bar on, and asks again for
what was known before: windows, features, scales, statistics of training, baselines, forecasts,
scores, and a trained network's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.backends import Backend, open_backend
from bridge.bars import (
    Bars,
    Part,
    Splits,
    open_hours,
    split_by_time,
    walk_forward,
    window_ends,
    windows,
)
from bridge.bars.fingerprints import fingerprints
from bridge.bundles import Bundle, open_bundle, shipped_store
from bridge.forecaster.model import Features, Forecaster, ForecasterConfig
from bridge.synthetic import random_walk_bars
from bridge.tuning.build import Listener, train_run
from bridge.tuning.material import Material, TrainingFile, configure, material_for
from bridge.tuning.recipes.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe
from bridge.tuning.scoring import baselines
from bridge.tuning.scoring.evaluation import score_windows
from bridge.tuning.scoring.leakage import WINDOWS_FILE
from bridge.tuning.training.samples import Samples

CONTEXT, HORIZON, COUNT = 32, 4, 2000
TRAINED, VALIDATED = date(2020, 3, 1), date(2020, 3, 15)
HISTORY = random_walk_bars(COUNT, 3600, seed=4)
CONFIG = ForecasterConfig(context=CONTEXT, horizon=HORIZON, layers=1, heads=2, width=16)
RECIPE = Recipe(
    name="small",
    data=DataRecipe(train_until=TRAINED, validate_until=VALIDATED),
    model=ModelRecipe(
        context=CONTEXT, horizon=HORIZON, layers=1, heads=2, width=16, usual_volatility=0.0
    ),
    training=TrainingRecipe(steps=6, batch=16, warmup_steps=2, validate_every=3),
)

Future = Callable[[Bars], Bars]


def wild(after: Bars) -> Bars:
    """Moves of five percent an hour."""
    moves = np.random.default_rng(11).normal(0, 0.05, (len(after), 1))
    return replace(after, ohlc=after.ohlc * np.exp(np.cumsum(moves, axis=0)))


def still(after: Bars) -> Bars:
    """Not one move."""
    return replace(after, ohlc=np.full_like(after.ohlc, 7.0))


def shifted(after: Bars) -> Bars:
    """The future comes a bar early: each bar's prices are those of the next one."""
    return replace(after, ohlc=np.concatenate([after.ohlc[1:], after.ohlc[:1]]))


def late(after: Bars) -> Bars:
    """It comes on other days and at other hours."""
    return replace(after, time=after.time + 3 * 86_400 + 5 * 3600)


def another_unit(after: Bars) -> Bars:
    """Its prices count in another unit."""
    return replace(after, ohlc=after.ohlc * 1000)


FUTURES: dict[str, Future] = {
    each.__name__: each for each in (wild, still, shifted, late, another_unit)
}
PRICES = [name for name in FUTURES if name != "late"]


def with_future(bars: Bars, end: int, name: str) -> Bars:
    """The same bars up to and including `end`, and another future."""
    after = FUTURES[name](bars[end + 1 :])
    return Bars(
        bars.symbol,
        bars.tf,
        np.concatenate([bars.time[: end + 1], after.time]),
        np.concatenate([bars.ohlc[: end + 1], after.ohlc]),
        np.concatenate([bars.volume[: end + 1], after.volume]),
    )


@cache
def network() -> Forecaster:
    torch.manual_seed(0)
    return Forecaster(CONFIG).eval()


@cache
def shipped() -> tuple[Bundle, Backend]:
    bundle = open_bundle(shipped_store() / "fx-h1")
    return bundle, open_backend(bundle)


def ends_up_to(end: int) -> NDArray[np.int64]:
    """The last few windows whose context ends by `end`, and one far before it."""
    return np.array([CONTEXT + 200, end - 7, end - 1, end])


futures = st.sampled_from(sorted(FUTURES))
ends = st.integers(400, COUNT - 100)


@given(ends, futures)
def test_a_window_is_what_it_was(end: int, future: str) -> None:
    before, after = (
        Samples([bars], [Part(0, COUNT)], context=CONTEXT, horizon=HORIZON).batch(
            ends_up_to(end) - CONTEXT + 1
        )
        for bars in (HISTORY, with_future(HISTORY, end, future))
    )

    assert torch.equal(before.bars, after.bars)
    assert torch.equal(before.time, after.time)
    assert torch.equal(before.moves[:1], after.moves[:1])  # it came before the future began


@given(ends, futures, st.sampled_from(["close", "ohlc"]))
def test_features_and_scale_are_what_they_were(end: int, future: str, inputs: str) -> None:
    features = Features(replace(CONFIG, inputs=inputs))  # type: ignore[arg-type]
    changed = with_future(HISTORY, end, future)

    def of(bars: Bars) -> tuple[torch.Tensor, torch.Tensor]:
        values = bars.ohlc if inputs == "ohlc" else bars.close
        return features(torch.from_numpy(windows(values, ends_up_to(end), CONTEXT)))

    assert all(torch.equal(one, other) for one, other in zip(of(HISTORY), of(changed), strict=True))


@settings(max_examples=25)
@given(ends, futures)
def test_a_networks_forecast_is_what_it_was(end: int, future: str) -> None:
    def of(bars: Bars) -> tuple[torch.Tensor, torch.Tensor]:
        rows = ends_up_to(end)
        with torch.no_grad():
            return network()(
                torch.from_numpy(windows(bars.ohlc, rows, CONTEXT)),
                torch.from_numpy(bars.time[rows].astype(np.float64)),
            )

    changed = with_future(HISTORY, end, future)
    assert all(torch.equal(one, other) for one, other in zip(of(HISTORY), of(changed), strict=True))


@pytest.mark.parametrize("future", FUTURES)
def test_the_shipped_models_forecast_of_real_hours_is_what_it_was(bars: Bars, future: str) -> None:
    bundle, backend = shipped()
    rows = np.arange(3000 - 64, 3000 + 1)

    def of(each: Bars) -> bytes:
        answer = backend.forecast(
            windows(each.ohlc, rows, bundle.manifest.context), each.time[rows].astype(np.float64)
        )
        return answer.quantiles.tobytes() + answer.up.tobytes()

    assert of(with_future(bars, 3000, future)) == of(bars)


@pytest.mark.parametrize("future", PRICES)
@settings(max_examples=5)
@given(end=ends)
def test_every_baseline_is_what_it_was(end: int, future: str) -> None:
    """At the same times: how long a market is closed is known ahead, and one baseline uses it."""
    rows = ends_up_to(end)

    def of(bars: Bars) -> list[NDArray[np.float64]]:
        return [
            baselines.random_walk(bars, rows, CONTEXT, HORIZON),
            baselines.ewma(bars, rows, HORIZON),
            baselines.hour_of_week(bars, rows, HORIZON),
            baselines.hour_of_week(bars, rows, HORIZON, bounded=True),
            baselines.reversal(bars, rows),
        ]

    changed = of(with_future(HISTORY, end, future))
    assert all(np.array_equal(*each) for each in zip(of(HISTORY), changed, strict=True))


@pytest.mark.parametrize("future", FUTURES)
def test_scores_of_windows_whose_outcome_is_known_are_what_they_were(
    bars: Bars, future: str
) -> None:
    bundle, backend = shipped()
    context, horizon = bundle.manifest.context, bundle.manifest.horizon
    rows = window_ends(Part(2000, 3001), context, horizon, stride=11)

    before, after = (
        score_windows(backend, bundle.manifest, each, rows)
        for each in (bars, with_future(bars, 3000, future))
    )

    assert before.by_name.keys() == after.by_name.keys()
    for name, sums in before.by_name.items():
        assert np.array_equal(sums.loss, after.by_name[name].loss), name


@settings(max_examples=20)
@given(st.integers(1700, COUNT - 100), futures)
def test_what_a_network_learns_of_its_market_is_what_it_was(end: int, future: str) -> None:
    """Open hours and usual volatility are told by the training bars alone."""
    configs = [
        asdict(configure(RECIPE, material(bars), None))
        for bars in (HISTORY, with_future(HISTORY, end, future))
    ]

    assert configs[0] == configs[1]
    assert tuple(configs[0]["open_hours"]) == open_hours(HISTORY.time[: cut().train.stop])


@given(st.integers(1700, COUNT - 100), futures)
def test_parts_before_it_are_what_they_were(end: int, future: str) -> None:
    changed = split(with_future(HISTORY, end, future).time)

    assert (changed.train, changed.validate) == (cut().train, cut().validate)


@given(st.integers(1200, COUNT - 200), st.integers(1, 5))
def test_a_fold_that_was_walked_through_is_what_it_was(end: int, folds: int) -> None:
    """More history later adds folds and changes none, where the tested days are named."""
    until = date.fromordinal(date(1970, 1, 1).toordinal() + int(HISTORY.time[end]) // 86_400 - 1)
    days = {"first_test": date(2020, 2, 10), "last_test": until}

    known, later = (
        walk_forward(bars.time, folds=folds, context=CONTEXT, horizon=HORIZON, **days)
        for bars in (HISTORY[: end + 1], HISTORY)
    )

    assert known == later


@given(ends, futures)
def test_fingerprints_of_what_was_seen_are_what_they_were(end: int, future: str) -> None:
    seen = Part(0, end + 1)

    assert np.array_equal(
        fingerprints(HISTORY, seen), fingerprints(with_future(HISTORY, end, future), seen)
    )


def test_a_network_trained_before_it_is_what_it_was(tmp_path: Path) -> None:
    """To the bit: its weights, what it remembers having seen, and its validation."""
    bundles = []
    for name, bars in (
        ("known", HISTORY),
        ("wild", with_future(HISTORY, cut().validate.stop, "wild")),
    ):
        path = tmp_path / "EURUSD_H1.csv"
        path.write_text("the bars stand beside it\n", encoding="utf-8")
        run = tmp_path / name
        file = TrainingFile(path, replace(bars, symbol="EURUSD"))
        sealed, _, _ = train_run([file], RECIPE, "", None, run=run, listener=Listener())
        bundles.append(sealed)

    known, changed = (bundle.manifest for bundle in bundles)
    assert "model.safetensors" in known.files
    assert WINDOWS_FILE in known.files
    assert known.files == changed.files
    assert known.network == changed.network
    assert known.scores == changed.scores


def split(time: NDArray[np.int64]) -> Splits:
    return split_by_time(time, TRAINED, VALIDATED, context=CONTEXT, horizon=HORIZON)


def cut() -> Splits:
    return split(HISTORY.time)


def material(bars: Bars) -> Material:
    return material_for([TrainingFile(Path("X_H1.csv"), bars)], RECIPE, None)
