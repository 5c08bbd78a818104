"""Targets held to their limits, and the sentences that follow from the results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.tuning.comparison.findings import findings
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import (
    Comparison,
    Measures,
    Memory,
    Point,
    Quantised,
    Sharing,
    Timing,
)
from bridge.tuning.comparison.tables import SAME_LOSS, Tables
from bridge.tuning.comparison.targets import Target, targets
from tests.tuning.comparison.conftest import Made


def with_curve(comparison: Comparison, method: str, *points: tuple[float, float]) -> Comparison:
    """The comparison where a method's own-window runs validated so: (seconds, score), ..."""
    curve = tuple(Point(n + 1, s, 1.0, score) for n, (s, score) in enumerate(points))
    best = min(score for _, score in points)
    runs = tuple(
        replace(run, curve=curve, validation=best, seconds=points[-1][0])
        if run.key.task == OWN and run.key.method == method
        else run
        for run in comparison.runs
    )
    return replace(comparison, runs=runs)


def judged(comparison: Comparison, word: str) -> Target:
    """The one target whose subject or measure has this word in it."""
    found = [each for each in targets(Tables(comparison)) if word in each.what or word in each.who]
    assert len(found) == 1, [each.what for each in found]
    return found[0]


def measured(made: Made, **measures: Any) -> Comparison:
    return replace(made.comparison, measures=Measures(**measures))


def peaks(full: int, bottleneck: int) -> tuple[Memory, ...]:
    return (
        Memory("base", OWN, "full", full, 1.0),
        Memory("base", OWN, "bottleneck", bottleneck, 1.0),
    )


def test_a_method_that_is_faster_to_fulls_score_meets_its_target(made: Made) -> None:
    comparison = measured(made, memory=peaks(100, 90))
    comparison = with_curve(comparison, "full", (10.0, 0.98), (20.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (5.0, 0.97 + 0.5 * SAME_LOSS), (20.0, 0.98))

    target = judged(comparison, "time to full's")

    assert target.met
    assert "4.00x as fast; 0.90 of the memory" in target.measured
    assert target.margin == "by speed"


def test_half_the_memory_is_enough_for_a_slow_method(made: Made) -> None:
    comparison = measured(made, memory=peaks(100, 50))
    comparison = with_curve(comparison, "full", (10.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (20.0, 0.97))

    target = judged(comparison, "time to full's")

    assert target.met
    assert target.margin == "by memory"


def test_a_method_that_never_reaches_fulls_score_is_said_to(made: Made) -> None:
    comparison = measured(made, memory=peaks(100, 80))
    comparison = with_curve(comparison, "full", (10.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (20.0, 0.9800))

    target = judged(comparison, "time to full's")

    assert target.met is False
    assert "was reached by 0 of 2 runs" in target.measured
    assert "+0.0100 from full's" in target.measured
    assert target.margin == "0.30 too much memory"


def test_the_time_to_the_first_useful_model_is_when_the_base_is_beaten(made: Made) -> None:
    base = Tables(made.comparison).validation(OWN, "base")
    assert base is not None
    comparison = with_curve(
        made.comparison, "bottleneck", (1.0, base), (2.0, base - 0.001), (3.0, base - 0.01)
    )

    cost = Tables(comparison).cost(OWN, "bottleneck")

    assert cost is not None
    assert cost.beats_base is not None
    assert cost.beats_base.value == 2.0  # as good as the base is not better than it


def test_a_method_that_never_beats_the_base_has_no_such_time(made: Made) -> None:
    comparison = with_curve(made.comparison, "bottleneck", (1.0, 9.0))

    cost = Tables(comparison).cost(OWN, "bottleneck")

    assert cost is not None
    assert cost.beats_base is None
    assert cost.reached == (0, 0, 0)


@pytest.mark.parametrize(("slow", "met"), [(60_000.0, True), (40_000.0, False)])
def test_quantile_is_to_be_fifty_times_faster_than_text(made: Made, slow: float, met: bool) -> None:
    timings = [
        Timing(task, method, "PyTorch", p50, 2 * p50, (p50, p50))
        for method in made.comparison.methods
        for task, p50 in ((QUANTILE, 1000.0), (TEXT, slow))
    ]

    target = judged(measured(made, timings=tuple(timings)), "one by text")

    assert target.met is met
    assert target.limit == "at least 50x"


def test_int8_is_to_be_faster_and_as_good(made: Made) -> None:
    timings = (
        Timing(OWN, "full", "ONNX", 150.0, 200.0, (150.0, 150.0)),
        Timing(OWN, "full", "int8", 120.0, 200.0, (120.0, 120.0)),
    )
    quantised = (Quantised(OWN, "full", 0.97, 0.9731, (0.0031, 0.003, 0.0032)),)
    comparison = measured(made, timings=timings, quantised=quantised)

    speed, score = judged(comparison, "ONNX Runtime"), judged(comparison, "less float32's")

    assert (speed.met, speed.margin) == (False, "0.25x short")
    assert (score.met, score.margin) == (False, "0.0011 too much")


def test_many_adapters_are_held_to_the_memory_of_one(made: Made) -> None:
    sharing = (Sharing("base", "lora", 20, 10, 50, 100, 130),)

    target = judged(measured(made, sharing=sharing), "20 LoRA adapters")

    assert (target.met, target.measured, target.margin) == (False, "1.30", "0.10 too much")


def test_every_missed_target_is_said_in_words(made: Made) -> None:
    sharing = (Sharing("base", "lora", 20, 10, 50, 100, 130),)
    tables = Tables(measured(made, sharing=sharing))
    found = targets(tables)

    said = findings(tables, found).targets

    short = sum(each.met is False for each in found)
    assert short
    assert said[0] == f"{len(found) - short} of {len(found)} targets that were measured are met."
    assert sum(sentence.startswith("Missed: ") for sentence in said) == short


def test_the_method_of_the_lowest_ratio_is_named_first(made: Made) -> None:
    best = min(
        (row for row in made.tables.scores[OWN] if made.tables.is_trained(row.name)),
        key=lambda row: row.pinball.value,
    )

    first = findings(made.tables, []).wins[0]

    assert f"{best.name} has the lowest pinball ratio, {best.pinball.value:.4f}" in first


def test_what_no_method_can_forecast_is_said(made: Made) -> None:
    said = " ".join(findings(made.tables, []).cannot)

    assert "Which way the next bar goes" in said
    assert "“the price stays”" in said
    assert "How far the price may move" in said


def test_without_targets_that_could_be_measured_the_report_says_so(made: Made) -> None:
    assert findings(made.tables, []).targets == (
        "No target could be measured with this choice of methods and heads.",
    )
