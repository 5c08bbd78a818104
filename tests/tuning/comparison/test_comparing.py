"""From files and a base to results, in one go or several."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.bars import Bars, Part
from bridge.bundles import write_bundle
from bridge.tuning.comparison import forecasters, runs
from bridge.tuning.comparison.comparing import compare
from bridge.tuning.comparison.listener import Listener
from bridge.tuning.comparison.page import day
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT, Plan
from bridge.tuning.comparison.report import write_report
from bridge.tuning.comparison.results import Comparison, Untrained
from bridge.tuning.comparison.runs import Runs
from bridge.tuning.comparison.storage import load_run
from bridge.tuning.comparison.subject import choose_subject
from bridge.tuning.comparison.tasks import ComparisonError
from bridge.tuning.methods.bases import open_base
from bridge.tuning.scoring.classical import ClassicalError, classical_quantiles
from bridge.tuning.scoring.leakage import WINDOWS_FILE, LeakageError, write_windows
from bridge.tuning.training.trainer import DivergedError
from tests.tuning.comparison.conftest import NO_EFFORT, PLAN, Made, base_bundle, source


def test_every_run_of_the_plan_has_a_result(made: Made) -> None:
    assert [run.key for run in made.comparison.runs] == PLAN.runs(made.base.width)


def test_the_tasks_have_the_windows_they_are_named_after(made: Made) -> None:
    facts = made.comparison.facts

    assert (facts[OWN].context, facts[OWN].horizon) == (32, 4)
    for task in (QUANTILE, TEXT):
        assert (facts[task].context, facts[task].horizon) == (20, 40)


def test_nothing_is_tested_that_the_base_was_chosen_on(made: Made) -> None:
    [fold] = made.comparison.facts[OWN].folds

    assert fold.train_last < fold.validation_last < fold.first


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
    key = PLAN.runs(made.base.width)[0]
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


def test_folds_walk_forward_and_are_scored_together(tmp_path: Path) -> None:
    tuned = source("TUNED", 3)
    base = open_base(str(base_bundle(tmp_path / "store", tuned.bars).path), [])
    subject = choose_subject([tuned], [], 2, base.bundle)
    plan = Plan(methods=("lora",), heads=("quantile",), seeds=1, steps=2, folds=2, ablation=False)

    comparison = compare(subject, base, plan, tmp_path / "out", effort=NO_EFFORT)

    first, second = comparison.of(OWN, "lora")
    assert first.test.time[-1] < second.test.time[0]
    facts = comparison.facts[OWN]
    assert facts.test_windows == first.test.windows.sum() + second.test.windows.sum()
    assert [fold.test_windows for fold in facts.folds] == [
        first.test.windows.sum(),
        second.test.windows.sum(),
    ]
    page = write_report(comparison, tmp_path / "report").page.read_text(encoding="utf-8")
    days = [
        f"{day(fold.train_last)} in the {name}"
        for name, fold in zip(("first fold", "last"), facts.folds, strict=True)
    ]
    assert all(each in page for each in days)
    assert "2 walk-forward folds" in page
    assert "Of 2 folds the first is shown." in page


def test_the_baselines_of_text_are_those_of_quantile_on_the_same_windows(made: Made) -> None:
    def of(task: str) -> dict[str, Untrained]:
        return {each.name: each for each in made.comparison.untrained if each.task == task}

    quantile, text = of(QUANTILE), of(TEXT)

    assert quantile.keys() == text.keys()
    assert all(
        np.array_equal(text[name].test.pinball, quantile[name].test.pinball) for name in text
    )
    assert all(each.validation is None for each in text.values())
    assert not list((made.folder / "runs").glob("untrained-text-*"))


def test_a_forecaster_that_is_left_out_of_one_fold_is_left_out_and_said(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str, bars: Bars, *rest: Any, **options: Any) -> Any:
        if name == "garch":
            raise ClassicalError(f"{bars.symbol}: GARCH did not converge")
        return classical_quantiles(name, bars, *rest, **options)

    monkeypatch.setattr(forecasters, "classical_quantiles", fail)
    stages: list[str] = []
    plan = Plan(methods=("lora",), seeds=1, steps=2, ablation=False, stride=48)

    comparison = compare(
        made.subject,
        made.base,
        plan,
        tmp_path,
        effort=NO_EFFORT,
        listener=Listener(stage=stages.append),
    )

    names = {each.name for each in comparison.untrained}
    assert "garch" not in names
    assert {"theta", "garch_hour_of_week"} <= names
    assert {each.task for each in comparison.left_out} == {OWN, QUANTILE, TEXT}
    assert "left out: garch, TUNED: GARCH did not converge" in stages
    page = write_report(comparison, tmp_path / "report").page.read_text(encoding="utf-8")
    windows = "own window; 20 in, 40 out, quantile; 20 in, 40 out, text"
    assert f"GARCH(1,1)-t is left out ({windows}): TUNED: GARCH did not converge." in page


def test_a_run_that_diverges_says_what_can_be_done_here(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*arguments: Any, **options: Any) -> Any:
        raise DivergedError("the loss is nan at step 2; nothing was saved", "give --restart")

    monkeypatch.setattr(runs, "train", diverge)

    with pytest.raises(ComparisonError, match=r"own-full-fold0-seed0: .* full out of --methods"):
        compare(made.subject, made.base, PLAN, tmp_path, effort=NO_EFFORT)


def test_scored_bars_of_the_bases_own_files_were_not_in_its_training(
    made: Made, tmp_path: Path
) -> None:
    assert made.base.bundle is not None
    [kept] = made.subject.kept
    store = tmp_path / "store" / "base"
    shutil.copytree(made.base.bundle.path, store)
    write_windows(store / WINDOWS_FILE, [kept], [Part(0, len(kept.bars))])
    files = {path.name: path for path in store.iterdir() if path.name != "bundle.json"}
    bundle = write_bundle(tmp_path / "base", made.base.bundle.manifest, files)

    with pytest.raises(LeakageError, match=r"KEPT_H1.csv: bars between"):
        compare(
            made.subject, open_base(str(bundle.path), []), PLAN, tmp_path / "out", effort=NO_EFFORT
        )


def _tasks(made: Made):  # type: ignore[no-untyped-def]
    from bridge.tuning.comparison.tasks import lay_out

    return {
        (name, 0): lay_out(
            name, 0, made.subject.days[0], made.subject.sources, made.subject.kept, made.base, PLAN
        )
        for name in PLAN.tasks
    }
