"""Targets held to their limits, and the sentences that follow from the results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.tuning.comparison.findings import findings
from bridge.tuning.comparison.plan import LARGE, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import (
    Comparison,
    Measures,
    Memory,
    Point,
    Quantised,
    Sharing,
    Timing,
)
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import Target
from bridge.tuning.comparison.targets import WITHIN_FULL, targets
from bridge.tuning.comparison.training_costs import SAME_LOSS
from tests.tuning.comparison.conftest import Made

MEGA = 1_000_000


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


def without(comparison: Comparison, method: str) -> Comparison:
    """The comparison as if this method had not been asked for."""
    methods = [each for each in comparison.methods if each != method]
    return replace(
        comparison,
        plan={**comparison.plan, "methods": methods},
        runs=tuple(run for run in comparison.runs if run.key.method != method),
    )


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

    target = judged(comparison, "time to within")

    assert target.met
    assert target.measured == "4.00x [4.00x, 4.00x] as fast; 0.90 of the memory"
    assert target.margin == "by speed"


def test_a_method_that_is_faster_meets_its_target_though_no_memory_was_measured(
    made: Made,
) -> None:
    comparison = with_curve(measured(made), "full", (10.0, 0.98), (20.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (5.0, 0.97), (20.0, 0.98))

    target = judged(comparison, "time to within")

    assert target.met
    assert target.measured.endswith("memory was not measured")


def test_a_slow_method_whose_memory_was_not_measured_is_neither_met_nor_missed(
    made: Made,
) -> None:
    comparison = with_curve(measured(made), "full", (10.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (20.0, 0.97))

    assert judged(comparison, "time to within").met is None


def test_a_score_that_the_base_has_already_leaves_no_time_to_compare(made: Made) -> None:
    base = made.tables.validation(OWN, "base")
    assert base is not None
    comparison = with_curve(measured(made, memory=peaks(100, 40)), "full", (10.0, base + 0.01))
    comparison = with_curve(comparison, "bottleneck", (10.0, base))

    target = judged(comparison, "time to within")

    assert "the base as it was is there already" in target.measured
    assert target.margin == "by memory"


def test_half_the_memory_is_enough_for_a_slow_method(made: Made) -> None:
    comparison = measured(made, memory=peaks(100, 50))
    comparison = with_curve(comparison, "full", (10.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (20.0, 0.97))

    target = judged(comparison, "time to within")

    assert target.met
    assert target.margin == "by memory"


def test_a_method_that_never_reaches_fulls_score_is_said_to(made: Made) -> None:
    comparison = measured(made, memory=peaks(100, 80))
    comparison = with_curve(comparison, "full", (10.0, 0.97))
    comparison = with_curve(comparison, "bottleneck", (20.0, 0.9800))

    target = judged(comparison, "time to within")

    assert target.met is False
    assert "reached by 0 of 2 runs" in target.measured
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

    speed, score = judged(comparison, "Runtime, own"), judged(comparison, "less float32's")

    assert (speed.met, speed.margin) == (False, "0.25x short")
    assert (score.met, score.margin) == (False, "0.0011 too much")


def test_a_method_that_int8_is_refused_for_keeps_the_others_from_meeting_the_target(
    made: Made,
) -> None:
    unknown = float("nan")
    timings = (
        Timing(OWN, "full", "ONNX", 150.0, 200.0, (150.0, 150.0)),
        Timing(OWN, "full", "int8", 50.0, 200.0, (50.0, 50.0)),
    )
    quantised = (
        Quantised(OWN, "full", 0.97, 0.97, (0.0, 0.0, 0.0)),
        Quantised(OWN, "bottleneck", unknown, unknown, (unknown, None, None), "no such matrix"),
    )
    comparison = measured(made, timings=timings, quantised=quantised)

    for word in ("Runtime, own", "less float32's"):
        target = judged(comparison, word)
        assert (target.met, target.measured) == (False, "there is no int8 of bottleneck")


def test_int8_at_a_larger_size_is_judged_whatever_methods_are_compared(made: Made) -> None:
    timings = (
        Timing(LARGE, "full", "ONNX", 3000.0, 4000.0, (2900.0, 3100.0)),
        Timing(LARGE, "full", "int8", 1000.0, 2000.0, (950.0, 1050.0)),
    )
    comparison = without(measured(made, timings=timings), "full")

    target = judged(comparison, "Runtime, at GPT-2")

    assert target.met
    assert target.measured == "3.00x [2.76x, 3.26x]"


def test_what_was_not_measured_is_said_not_to_be(made: Made) -> None:
    found = targets(Tables(measured(made)))

    unknown = {(each.what, each.measured) for each in found if each.met is None}

    assert ("memory over that with one adapter", "memory was not measured") in unknown
    assert ("speed in ONNX Runtime, own window", "latency was not measured") in unknown
    assert any("no memory at that size was measured" in measured for _, measured in unknown)
    said = findings(Tables(measured(made)), found).targets
    assert f"{len(unknown)} could not be measured." in said[0]


def test_without_full_no_method_is_held_to_it(made: Made) -> None:
    found = targets(Tables(without(measured(made), "full")))

    to_full = [each for each in found if "full" in each.what]

    assert len(to_full) == 3
    assert all(each.met is None for each in to_full)
    assert all(each.measured == "full was not compared" for each in to_full)


def test_a_limit_within_the_interval_is_said_to_be(made: Made) -> None:
    row = made.tables.row(OWN, "bottleneck")
    assert row is not None
    assert row.to_full is not None
    assert row.to_full.low is not None
    assert row.to_full.high is not None

    target = judged(made.comparison, "less that of full")

    inside = row.to_full.low <= WITHIN_FULL <= row.to_full.high
    assert target.margin.endswith(", but its interval holds the limit") is inside


def test_many_adapters_are_held_to_the_memory_of_one_with_libraries_and_without(
    made: Made,
) -> None:
    sharing = (Sharing("base", "lora", 20, *(m * MEGA for m in (10, 50, 100, 130))),)

    comparison = measured(made, sharing=sharing)

    whole, bare = (judged(comparison, word) for word in ("whole process", "without libraries"))

    assert whole.who == bare.who == "20 LoRA adapters, this base"
    assert (whole.met, whole.margin) == (False, "0.10 too much")
    assert whole.measured == "1.30: 130.0 over 100.0 MB"
    assert (bare.met, bare.measured) == (False, "5.00: 50.0 over 10.0 MB")


def test_every_missed_target_is_said_in_words(made: Made) -> None:
    sharing = (Sharing("base", "lora", 20, 10, 50, 100, 130),)
    tables = Tables(measured(made, sharing=sharing))
    found = targets(tables)

    said = findings(tables, found).targets

    short = sum(each.met is False for each in found)
    assert short
    known = [each for each in found if each.met is not None]
    assert said[0].startswith(f"Of {len(known)} targets that were measured, {len(known) - short} ")
    assert sum(sentence.startswith("Missed: ") for sentence in said) == short


def test_without_targets_that_could_be_measured_the_report_says_so(made: Made) -> None:
    assert findings(made.tables, []).targets == (
        "No target could be measured with this choice of methods and heads.",
    )
