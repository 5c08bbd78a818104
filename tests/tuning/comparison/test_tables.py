"""What the tables conclude, from losses that are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.losses import WindowsError
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, RunKey, Variant
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.scoring.scores import RANDOM_WALK
from tests.tuning.comparison.conftest import Made
from tests.tuning.comparison.invented import (
    comparison,
    losses,
    of_ratios,
    run,
    untrained,
    walk_losses,
)

SMALL, LINEAR = Variant(64), Variant(DEFAULT_VARIANT.reduction, activation="identity")


def test_a_tests_difference_is_that_of_the_tables() -> None:
    tables = Tables(of_ratios({"full": [0.96, 0.97], "lora": [0.98, 0.97]}))

    for test in tables.significance([OWN]):
        expected = tables.pinball_difference(OWN, test.first, test.second).value
        assert test.difference == pytest.approx(expected, rel=1e-9)


def test_a_tests_difference_is_that_of_the_tables_in_a_trained_comparison(made: Made) -> None:
    for task in made.comparison.tasks:
        for test in made.tables.significance([task]):
            expected = made.tables.pinball_difference(task, test.first, test.second).value
            assert test.difference == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_a_clear_gain_is_better_and_not_the_other_way_round() -> None:
    tables = Tables(of_ratios({"full": [0.95, 0.951, 0.949], "lora": [0.98, 0.981, 0.979]}))

    assert tables.better(OWN, "full", "lora")
    assert not tables.better(OWN, "lora", "full")


def test_a_gain_that_other_seeds_might_not_give_is_not_called_better() -> None:
    tables = Tables(of_ratios({"full": [0.93, 0.96, 0.99], "lora": [0.98, 0.981, 0.979]}))

    [test] = [each for each in tables.significance([OWN]) if each.second == "lora"]

    assert (test.first, test.p_holm < 0.001, test.difference < 0) == ("full", True, True)
    assert not tables.better(OWN, "full", "lora")


def test_of_a_short_test_nothing_is_better() -> None:
    tables = Tables(of_ratios({"full": [0.9], "lora": [1.0]}, days=6))

    assert tables.significance([OWN]) == []
    assert not tables.better(OWN, "full", "lora")


def test_the_default_bottleneck_has_one_interval_in_the_whole_report() -> None:
    ratios = {"full": [0.96, 0.97], "bottleneck": [0.97, 0.99]}
    tables = Tables(of_ratios(ratios, variants={SMALL: [0.98, 0.97]}))

    rows = {variant: scores for variant, _, scores in tables.ablation()}

    row = tables.row(OWN, "bottleneck")
    assert row is not None
    assert rows[DEFAULT_VARIANT] == replace(row, name=DEFAULT_VARIANT.name)


def test_bottlenecks_are_told_apart_with_an_interval() -> None:
    variants = {SMALL: [0.98, 0.981], LINEAR: [0.97, 0.971]}
    tables = Tables(of_ratios({"bottleneck": [0.97, 0.971]}, variants=variants))

    smaller = tables.ablation_difference(SMALL, DEFAULT_VARIANT)
    linear = tables.ablation_difference(LINEAR, DEFAULT_VARIANT)

    assert smaller.value == pytest.approx(0.01, abs=0.003)
    assert linear.low is not None
    assert linear.high is not None
    assert linear.low < 0.0 < linear.high


def test_forecasters_of_different_windows_are_not_put_beside_each_other() -> None:
    found = of_ratios({"full": [0.96]})
    short = replace(found.runs[0], test=losses(walk_losses(399), 0.96))

    with pytest.raises(WindowsError, match=r"full \(own, run 0\).* delete .* `runs`"):
        Tables(replace(found, runs=(short,)))


def test_a_forecaster_that_one_fold_had_to_leave_out_is_in_no_table() -> None:
    walks = [walk_losses(200), walk_losses(200, first_day=300)]
    runs = [
        run(RunKey(OWN, "full", 0, fold), losses(walk, 0.96)) for fold, walk in enumerate(walks)
    ]
    others = [untrained(RANDOM_WALK, walk, fold=fold) for fold, walk in enumerate(walks)]
    others += [untrained("garch", losses(walks[0], 0.98))]

    tables = Tables(comparison(runs, others))

    assert tables.untrained(OWN) == [RANDOM_WALK]
    assert [row.name for row in tables.scores[OWN]] == ["full", RANDOM_WALK]


def test_a_validation_score_is_of_one_fold_or_of_all() -> None:
    walks = [walk_losses(200), walk_losses(200, first_day=300)]
    others = [untrained(RANDOM_WALK, walk, fold=fold) for fold, walk in enumerate(walks)]
    others += [
        untrained(BASE, losses(walk, 0.97), fold=fold, validation=score)
        for (fold, walk), score in zip(enumerate(walks), (0.96, 0.98), strict=True)
    ]
    tables = Tables(comparison([], others))

    assert [tables.validation(OWN, BASE, fold) for fold in (0, 1)] == [0.96, 0.98]
    assert tables.validation(OWN, BASE) == pytest.approx(0.97)


def test_every_bar_ahead_has_its_interval() -> None:
    row = Tables(of_ratios({"full": [0.96, 0.97]})).row(OWN, "full")

    assert row is not None
    assert len(row.ratio_h) == 3
    for each in row.ratio_h:
        assert each.low is not None
        assert each.high is not None
        assert each.low < each.value < each.high


def test_an_article_nrmse_below_nothing_is_none_and_wins_nothing() -> None:
    walk = walk_losses()
    wild = replace(losses(walk, 1.2), reach=-walk.reach)
    runs = [
        run(RunKey(task, "full", 0), each)
        for task, each in ((OWN, losses(walk, 0.96)), (QUANTILE, wild))
    ]
    others = [untrained(RANDOM_WALK, walk, task=task) for task in (OWN, QUANTILE)]

    tables = Tables(comparison(runs, others, (OWN, QUANTILE)))

    row = tables.row(QUANTILE, "full")
    assert row is not None
    assert row.nrmse_article is None
    pair = ((QUANTILE, "full"), (OWN, "full"))
    assert tables.nrmse_difference(*pair, article=True) is None
    assert tables.nrmse_difference(*pair) is not None


def test_seeds_are_the_sample_of_a_difference() -> None:
    ratios = [0.93, 0.96, 0.99]
    tables = Tables(of_ratios({"full": ratios, "lora": [0.96] * 3}, noise=0.0))

    found = tables.pinball_difference(OWN, "full", "lora")

    assert found.high is not None
    assert found.high == pytest.approx(4.303 * np.std(ratios, ddof=1) / np.sqrt(3), rel=1e-3)
