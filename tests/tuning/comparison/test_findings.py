"""Sentences: each true of the results it is said of, whatever these are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.findings import findings
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, Variant
from bridge.tuning.comparison.results import ONNX, Comparison, Measures, Memory, Timing
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.scoring.baselines import STRONGEST_WALK
from tests.tuning.comparison.conftest import Made
from tests.tuning.comparison.invented import losses, of_ratios, untrained, walk_losses

CLEAR = {"full": [0.95, 0.951, 0.949], "lora": [0.98, 0.981, 0.979]}
ALIKE = {"full": [0.97, 0.972, 0.968], "lora": [0.971, 0.969, 0.973]}


def said(comparison: Comparison) -> str:
    """All sentences on quality and cost."""
    return " ".join(findings(Tables(comparison), []).wins)


def unforeseeable(comparison: Comparison) -> str:
    return " ".join(findings(Tables(comparison), []).cannot)


def with_untrained(comparison: Comparison, name: str, ratio: float, days: int = 400) -> Comparison:
    """The comparison beside a forecaster that was not trained."""
    added = untrained(name, losses(walk_losses(days), ratio, noise=0.01, seed=9))
    return replace(comparison, untrained=(*comparison.untrained, added))


def test_the_method_of_the_lowest_ratio_is_named_first() -> None:
    assert said(of_ratios(CLEAR)).startswith(
        "Quality at the base's own window: full has the lowest pinball ratio of these runs, 0.9"
    )


def test_a_clear_gain_is_said_with_what_proves_it() -> None:
    found = said(of_ratios(CLEAR))

    assert "It is better than LoRA, as a Diebold-Mariano test of these runs' averaged" in found
    assert "the 95% interval of the difference over weeks and seeds both say" in found


def test_where_seeds_differ_more_than_methods_no_one_is_better() -> None:
    wide = {"full": [0.93, 0.96, 0.99], "lora": [0.98, 0.981, 0.979]}

    found = said(of_ratios(wide))

    assert "is better than" not in found
    assert "It can be told apart from no other, so that it stands first may be luck" in found


def test_of_one_seed_the_interval_is_said_to_be_over_weeks() -> None:
    found = said(of_ratios({"full": [0.95], "lora": [0.98]}))

    assert "the 95% interval of the difference over weeks both say" in found
    assert "weeks and seeds" not in found


@pytest.mark.parametrize("methods", [CLEAR, ALIKE])
def test_of_a_short_test_nothing_is_said_of_intervals(methods: dict[str, list[float]]) -> None:
    short = with_untrained(of_ratios(methods, days=6), STRONGEST_WALK, 0.98, days=6)

    assert "The test is too short to tell whether that is more than luck." in said(short)
    assert "interval lies" not in unforeseeable(short)
    assert "[" not in said(short).partition("LoRA")[0]


def test_one_method_has_no_lowest_and_no_highest() -> None:
    found = said(of_ratios({"lora": [0.97, 0.971]}))

    assert "LoRA has a pinball ratio of 0.9" in found
    assert "no other was compared" in found
    assert "lowest" not in found
    assert "fewest" not in found


def test_full_alone_is_compared_with_no_adapter() -> None:
    found = said(of_ratios({"full": [0.97, 0.971]}))

    assert "adapter" not in found
    assert "full has a pinball ratio of" in found


def test_an_adapter_far_from_full_is_said_to_be_with_its_distance() -> None:
    found = said(of_ratios(CLEAR))

    assert "No adapter's pinball ratio is at most 0.003 above full fine-tuning's" in found
    assert "the nearest is LoRA, +0.03" in found


def test_without_full_adapters_are_compared_with_each_other() -> None:
    found = said(of_ratios({"lora": [0.97, 0.971], "ia3": [0.972, 0.973]}))

    assert "Of the adapters " in found
    assert "full" not in found


def test_methods_that_cost_the_same_are_named_together() -> None:
    found = said(of_ratios({"lora": [0.97, 0.971], "ia3": [0.972, 0.973]}))

    assert "LoRA and IA3 train the fewest parameters (10)" in found
    assert "no training time can be told from the shortest" in found


def test_one_seeds_time_is_said_to_be_of_one_run() -> None:
    comparison = of_ratios({"lora": [0.97], "ia3": [0.972]})

    assert "took the shortest time in its one run (10.0 s)" in said(comparison)


def test_graphs_that_are_the_same_are_not_told_apart_by_their_latency() -> None:
    timings = tuple(
        Timing(OWN, method, ONNX, p50, 2 * p50, (p50 - 1.0, p50 + 1.0), 500)
        for method, p50 in (("lora", 110.0), ("ia3", 120.0), ("bottleneck", 130.0))
    )
    comparison = of_ratios({"lora": [0.97], "ia3": [0.97], "bottleneck": [0.97]})

    found = said(replace(comparison, measures=Measures(timings=timings)))

    assert "LoRA and IA3 answer fastest (0.110 to 0.120 ms a window, ONNX)" in found


def test_peaks_that_are_near_each_other_are_not_told_apart() -> None:
    memory = tuple(
        Memory("base", OWN, method, peak, 1.0)
        for method, peak in (("lora", 100_000_000), ("ia3", 104_000_000), ("prefix", 150_000_000))
    )
    comparison = of_ratios({"lora": [0.97], "ia3": [0.97], "prefix": [0.97]})

    found = said(replace(comparison, measures=Measures(memory=memory)))

    assert "LoRA and IA3 take the least memory to train (100 to 104 MB) within 5%" in found


def test_a_gain_over_the_base_is_only_told_where_test_and_interval_say_so() -> None:
    tables = with_untrained(of_ratios(CLEAR), BASE, 0.98)

    found = said(tables)

    assert "(full) to " in found
    assert "full can be told to be better than it" in found
    assert "LoRA can" not in found


def test_tuning_that_changes_nothing_is_said_to_be_told_from_nothing() -> None:
    comparison = with_untrained(of_ratios(ALIKE), BASE, 0.97)

    assert "none can be told to be better or worse" in said(comparison)


def test_that_the_hour_helps_is_said_only_where_its_walk_is_better() -> None:
    helped = unforeseeable(with_untrained(of_ratios(CLEAR), STRONGEST_WALK, 0.97))
    not_helped = unforeseeable(with_untrained(of_ratios(CLEAR), STRONGEST_WALK, 1.01))

    assert "this much can be forecast" in helped
    assert "1 method of 2 is below that walk" in helped
    assert "can be forecast" not in not_helped
    assert "that the hour helps is not shown here" in not_helped


def test_methods_behind_the_walk_are_said_to_be() -> None:
    worse = with_untrained(of_ratios({"lora": [1.02, 1.03]}), STRONGEST_WALK, 0.97)

    assert "The one method is not below that walk." in unforeseeable(worse)


def test_what_no_method_can_forecast_is_said(made: Made) -> None:
    found = " ".join(findings(made.tables, []).cannot)

    assert "Which way the next bar goes" in found
    assert "“the price stays”" in found
    assert "How far the price may move" in found


def test_what_was_not_told_is_not_said_to_be_untrue(made: Made) -> None:
    found = " ".join(findings(made.tables, []).cannot)

    assert "no method's median is a better point forecast" not in found


def test_forgetting_that_cannot_be_measured_is_said(made: Made) -> None:
    """A base of words forecasts no bars, whatever was given with --base-data."""
    words = replace(
        made.comparison,
        untrained=tuple(each for each in made.comparison.untrained if each.name != BASE),
    )

    assert "Forgetting on KEPT is not measured: the base has read no bars" in said(words)


def bottlenecks(spread: float) -> Comparison:
    """An ablation whose sizes differ by so much."""
    ratios = {
        Variant(64): [0.97 + 2 * spread, 0.971 + 2 * spread],
        Variant(1): [0.97 + spread, 0.971 + spread],
        Variant(1, activation="identity"): [0.97 + spread, 0.971 + spread],
    }
    return of_ratios({"bottleneck": [0.97, 0.971]}, variants=ratios)


def test_sizes_that_cannot_be_told_apart_are_said_not_to_be() -> None:
    [sizes, square, linear] = findings(Tables(bottlenecks(0.0)), []).bottleneck

    assert "Of bottlenecks from 1 to 64 numbers wide (the network's width is 64)" in sizes
    assert "tells it from none of the 2 others" in sizes
    assert square.endswith("no difference can be told.")
    assert linear.startswith("Without the non-linearity the adapter of 64 is a linear map")


def test_sizes_that_differ_are_told_apart_with_their_interval() -> None:
    [sizes, square, _] = findings(Tables(bottlenecks(0.02)), []).bottleneck

    assert "the one of 8 has the lowest pinball ratio of these runs" in sizes
    assert "tells it from all 2 others" in sizes
    assert "-0.02" in square
    assert square.endswith("better, by its interval.")


def test_the_width_is_the_networks_and_no_guess_from_the_sizes() -> None:
    comparison = bottlenecks(0.0)
    wide = {OWN: replace(comparison.facts[OWN], width=768)}

    [sizes, square, _] = findings(Tables(replace(comparison, facts=wide)), []).bottleneck

    assert "from 12 to 768 numbers wide (the network's width is 768)" in sizes
    assert f"the usual one ({768 // DEFAULT_VARIANT.reduction} wide)" in square


def test_an_estimate_without_an_interval_is_written_alone() -> None:
    from bridge.tuning.comparison.phrases import with_interval

    assert with_interval(Estimate(0.97), ".4f") == "0.9700"
    assert with_interval(Estimate(0.97, 0.96, 0.98), ".4f") == "0.9700 [0.9600, 0.9800]"
