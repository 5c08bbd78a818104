"""Forecasters without training: what is left out, and when they are scored again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.tuning.comparison.forecasters import untrained, untrained_fingerprint
from bridge.tuning.comparison.plan import OWN, QUANTILE
from bridge.tuning.comparison.tasks import Source, Task, lay_out
from bridge.tuning.scoring import baselines
from bridge.tuning.scoring.classical import CLASSICAL
from tests.tuning.comparison.conftest import PLAN, Made


def task_of(made: Made, name: str = QUANTILE, source: Source | None = None) -> Task:
    subject = made.subject
    sources = subject.sources if source is None else [source]
    return lay_out(name, 0, subject.days[0], sources, subject.kept, made.base, PLAN)


def still_until(source: Source, bar: int) -> Source:
    """The same bars, of which the first all have one price."""
    ohlc = source.bars.ohlc.copy()
    ohlc[:bar] = ohlc[bar, 0]
    return replace(source, bars=replace(source.bars, ohlc=ohlc))


def test_a_classical_method_that_cannot_be_fitted_is_left_out_and_says_why(made: Made) -> None:
    trained = task_of(made).splits[0].train
    flat = task_of(made, source=still_until(made.subject.sources[0], trained.stop))

    found, left_out = untrained(flat, None)

    [scored] = flat.test
    assert {each.name for each in found} == set(baselines.walks(scored.bars, scored.ends, 20, 40))
    assert [each.name for each in left_out] == list(CLASSICAL)
    assert (left_out[0].task, left_out[0].fold) == (QUANTILE, 0)
    assert "TUNED: the price is" in left_out[0].reason


def test_a_finished_task_is_scored_again_only_where_something_changed(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(made, OWN)
    known = untrained_fingerprint(task, made.base)

    assert untrained_fingerprint(task_of(made, OWN), made.base) == known
    weights = {name: value + 1.0 for name, value in made.base.weights.items()}
    assert untrained_fingerprint(task, replace(made.base, weights=weights)) != known
    config = replace(task.config, open_hours=task.config.open_hours[:-1])
    assert untrained_fingerprint(replace(task, config=config), made.base) != known
    assert untrained_fingerprint(replace(task, data_hash="other"), made.base) != known
    monkeypatch.setattr(baselines, "EWMA_DECAY", 0.5)
    assert untrained_fingerprint(task, made.base) != known
