"""From files and a base to results, in one go or several."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from bridge.tuning.comparison.comparing import Listener, choose_subject, compare, make_base
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT, Plan
from bridge.tuning.comparison.results import Comparison
from bridge.tuning.comparison.runs import Runs
from bridge.tuning.comparison.storage import load_run
from bridge.tuning.comparison.tasks import ComparisonError, Source
from bridge.tuning.methods.bases import open_base
from bridge.tuning.recipes.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe
from bridge.tuning.scoring.leakage import LeakageError
from tests.tuning.comparison.conftest import NO_EFFORT, PLAN, Made, base_bundle, source


def test_every_run_of_the_plan_has_a_result(made: Made) -> None:
    assert [run.key for run in made.comparison.runs] == PLAN.runs()


def test_the_tasks_have_the_windows_they_are_named_after(made: Made) -> None:
    facts = made.comparison.facts

    assert (facts[OWN].context, facts[OWN].horizon) == (32, 4)
    for task in (QUANTILE, TEXT):
        assert (facts[task].context, facts[task].horizon) == (20, 40)


def test_nothing_is_tested_that_the_base_was_chosen_on(made: Made) -> None:
    facts = made.comparison.facts[OWN]

    assert facts.train_last < facts.validation_last < facts.first


def test_all_forecasters_are_scored_on_the_same_windows(made: Made) -> None:
    for task in made.comparison.facts:
        times = [run.test.time for run in made.comparison.runs if run.key.task == task]
        times += [each.test.time for each in made.comparison.untrained if each.task == task]
        assert all(np.array_equal(times[0], other) for other in times)


def test_the_two_heads_are_scored_on_the_same_windows(made: Made) -> None:
    (quantile, *_), (text, *_) = (made.comparison.of(task, "full") for task in (QUANTILE, TEXT))

    assert np.array_equal(quantile.test.time, text.test.time)


def test_walks_classical_methods_and_the_base_stand_beside_the_methods(made: Made) -> None:
    names = {each.name for each in made.comparison.untrained if each.task == OWN}

    assert {"random_walk", "hour_of_week_bounded", "theta", "garch", "base"} <= names


def test_an_adapter_trains_and_stores_less_than_full(made: Made) -> None:
    full, bottleneck = (made.comparison.of(OWN, method)[0] for method in PLAN.methods)

    assert bottleneck.trainable < 0.25 * full.trainable
    assert bottleneck.stored_bytes < full.stored_bytes


def test_what_was_forgotten_is_measured_on_the_bases_own_data(made: Made) -> None:
    rows = made.tables.forgetting()

    assert [row.method for row in rows] == list(PLAN.methods)
    assert len({row.before for row in rows}) == 1


def test_every_method_forecasts_the_same_example(made: Made) -> None:
    example = made.comparison.examples[OWN]
    drawn = [run.example for run in made.comparison.of(OWN, "bottleneck")]

    assert (len(example.actual), example.symbol) == (4, "TUNED")
    assert drawn[0] is not None
    assert drawn[0].shape == (4, 9)
    assert drawn[1] is None  # the first seed's is enough


def test_latency_is_measured_for_every_runtime_there_is(made: Made) -> None:
    found = {(each.task, each.runtime) for each in made.comparison.measures.timings}

    assert {(OWN, "PyTorch"), (OWN, "ONNX"), (QUANTILE, "PyTorch"), (TEXT, "PyTorch")} <= found


def test_a_finished_comparison_is_not_trained_again(
    made: Made, again: Callable[[Plan], Comparison]
) -> None:
    same = again(PLAN)

    assert [run.seconds for run in same.runs] == [run.seconds for run in made.comparison.runs]
    assert same.measures == made.comparison.measures


def test_a_killed_comparison_trains_what_is_missing_to_the_same_result(
    made: Made, again: Callable[[Plan], Comparison]
) -> None:
    lost = next(run for run in made.comparison.runs if run.key.name == "own-bottleneck-fold0-seed1")
    (made.folder / "runs" / f"{lost.key.name}.json").unlink()

    found = next(run for run in again(PLAN).runs if run.key == lost.key)

    assert found.seconds != lost.seconds
    assert found.validation == lost.validation
    assert np.allclose(found.test.pinball, lost.test.pinball, rtol=1e-6)


def test_a_run_of_another_plan_is_trained_anew(made: Made, tmp_path: Path) -> None:
    key = PLAN.runs()[0]
    kept = load_run(key, made.folder / "runs")
    other = Runs(made.folder, replace(PLAN, steps=5), made.base, _tasks(made))

    assert kept is not None
    assert other.finished(key) is None


def test_checkpoints_are_kept_of_the_runs_that_are_measured_alone(made: Made) -> None:
    kept = {path.name for path in (made.folder / "work").iterdir() if path.is_dir()}

    assert "own-bottleneck-fold0-seed0" in kept
    assert "own-bottleneck-fold0-seed1" not in kept


def test_finished_runs_are_json(made: Made) -> None:
    content = json.loads(
        (made.folder / "runs" / "own-full-fold0-seed0.json").read_text(encoding="utf-8")
    )

    assert content["steps"] == 4
    assert content["curve"][-1]["step"] == 4


def test_a_base_is_pre_trained_on_files_of_its_own_and_kept(tmp_path: Path) -> None:
    subject = choose_subject([source("TUNED", 3)], [source_on_disk(tmp_path, "KEPT", 4)], 1, None)
    recipe = Recipe(
        model=ModelRecipe(context=32, horizon=4, layers=1, heads=2, width=16),
        training=TrainingRecipe(steps=4, batch=16, warmup_steps=1, validate_every=2),
    )
    stages: list[str] = []
    listener = Listener(stage=stages.append)

    base = make_base(subject, recipe, tmp_path, listener)
    same = make_base(subject, recipe, tmp_path, listener)

    assert base.bundle is not None
    assert base.bundle.manifest.data["validate_until"] == str(subject.days[0].validate_until)
    assert same.name == base.name
    assert stages == ["pre-training the base on KEPT"]


def test_the_days_of_the_bases_recipe_cut_the_comparison() -> None:
    tuned = source("TUNED", 3)
    train_until, validate_until = day_of(tuned, 4000), day_of(tuned, 5000)
    recipe = Recipe(data=DataRecipe(train_until=train_until, validate_until=validate_until))

    [days] = choose_subject([tuned], [], 1, None, recipe).days

    assert (days.train_until, days.validate_until) == (train_until, validate_until)
    assert days.test_until == day_of(tuned, -1)


def test_a_recipe_that_leaves_nothing_to_test_on_is_refused() -> None:
    tuned = source("TUNED", 3)
    data = DataRecipe(train_until=day_of(tuned, 4000), validate_until=day_of(tuned, -1))

    with pytest.raises(ComparisonError, match=r"recipe validates up to .* move train_until"):
        choose_subject([tuned], [], 1, None, Recipe(data=data))


def test_folds_walk_forward_and_are_scored_together(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    base = open_base(str(base_bundle(tmp_path / "store", tuned.bars).path), [])
    subject = choose_subject([tuned], [], 2, base.bundle)
    plan = Plan(methods=("lora",), heads=("quantile",), seeds=1, steps=2, folds=2, ablation=False)

    comparison = compare(subject, base, plan, tmp_path / "out", effort=NO_EFFORT)

    first, second = comparison.of(OWN, "lora")
    assert first.test.time[-1] < second.test.time[0]
    assert (
        comparison.facts[OWN].test_windows == first.test.windows.sum() + second.test.windows.sum()
    )


def test_bars_that_end_before_the_bases_last_day_are_refused(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    bundle = base_bundle(tmp_path / "store", tuned.bars)
    early = replace(tuned, bars=tuned.bars[:5000])

    with pytest.raises(ComparisonError, match=r"was chosen on bars up to .* and these end on"):
        choose_subject([early], [], 1, bundle)


def test_files_of_two_timeframes_are_refused() -> None:
    one, other = source("ONE", 3), source("OTHER", 4)
    slow = replace(other, bars=replace(other.bars, tf=7200))

    with pytest.raises(ComparisonError, match="compare on one timeframe"):
        choose_subject([one, slow], [], 1, None)


def test_the_same_bars_under_two_names_are_refused() -> None:
    one = source("ONE", 3)
    other = replace(one, path=Path("OTHER_H1.csv"), bars=replace(one.bars, symbol="OTHER"))

    with pytest.raises(LeakageError, match="OTHER_H1"):
        choose_subject([one, other], [], 1, None)


def test_bars_that_all_came_after_the_base_are_cut_by_themselves(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    bundle = base_bundle(tmp_path / "store", tuned.bars)
    late = replace(tuned, bars=tuned.bars[int(0.7 * len(tuned.bars)) :])

    [days] = choose_subject([late], [], 1, bundle).days

    assert day_of(late, 0) < days.train_until < days.validate_until < days.test_until


def test_bars_that_leave_no_test_the_base_was_not_chosen_on_are_refused(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    count = len(tuned.bars)
    bundle = base_bundle(tmp_path / "store", tuned.bars)
    amid = replace(tuned, bars=tuned.bars[int(0.53 * count) : int(0.605 * count)])

    with pytest.raises(ComparisonError, match="give bars that begin before the former, or after"):
        choose_subject([amid], [], 1, bundle)


def test_too_few_bars_are_refused_with_how_many_are_needed(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    base = open_base(str(base_bundle(tmp_path / "store", tuned.bars).path), [])
    late = replace(tuned, bars=tuned.bars[4000:])
    subject = choose_subject([late], [], 1, base.bundle)

    with pytest.raises(
        ComparisonError, match=r"bars to train on up to .* at least 1,035 are needed"
    ):
        compare(subject, base, PLAN, tmp_path / "out", effort=NO_EFFORT)


def day_of(tuned: Source, bar: int) -> date:
    """The day of a bar."""
    return datetime.fromtimestamp(int(tuned.bars.time[bar]), timezone.utc).date()


def source_on_disk(folder: Path, symbol: str, seed: int):  # type: ignore[no-untyped-def]
    """A source whose file is there, as building a base hashes it."""
    made = source(symbol, seed)
    path = folder / made.path
    path.write_text(symbol, encoding="utf-8")
    return replace(made, path=path)


def _tasks(made: Made):  # type: ignore[no-untyped-def]
    from bridge.tuning.comparison.tasks import lay_out

    return {
        (name, 0): lay_out(
            name, 0, made.subject.days[0], made.subject.sources, made.subject.kept, made.base, PLAN
        )
        for name in PLAN.tasks
    }
