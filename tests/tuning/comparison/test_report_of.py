"""The report of comparisons that are not the usual one: each thing that it says is so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bridge.tuning.comparison.comparing import compare
from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT, Plan
from bridge.tuning.comparison.report import write_report
from bridge.tuning.comparison.results import Comparison, Measures, RunResult
from bridge.tuning.comparison.subject import choose_subject
from bridge.tuning.methods.bases import open_base
from tests.tuning.comparison.conftest import NO_EFFORT, Made
from tests.tuning.folders import save_gpt2

Shown = Callable[[Comparison], str]
NONSENSE = (
    *(r"\bnan\b", r"\bNone\b", r"\b1 (ways|seeds|folds|targets|methods|runs|windows|files)\b"),
    r"All 1 ",
)


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """Writes a comparison's report and gives its page, which no nonsense stands in."""

    def show(comparison: Comparison) -> str:
        page = write_report(comparison, tmp_path / "report").page.read_text(encoding="utf-8")
        words = re.sub(r'src="data:[^"]*"|<style>.*?</style>', "", page, flags=re.DOTALL)
        for each in NONSENSE:
            assert not re.search(each, words), re.search(f".{{60}}{each}.{{20}}", words)
        return words

    return show


def of_runs(comparison: Comparison, chosen: Callable[[RunResult], bool]) -> Comparison:
    """The comparison as if only these runs had been asked for."""
    runs = tuple(run for run in comparison.runs if chosen(run))
    methods = [each for each in comparison.methods if each in {run.key.method for run in runs}]
    tasks = [task for task in comparison.tasks if task in {run.key.task for run in runs}]
    seeds = len({run.key.seed for run in runs})
    measures = comparison.measures
    return replace(
        comparison,
        plan={**comparison.plan, "methods": methods, "seeds": seeds},
        facts={task: comparison.facts[task] for task in tasks},
        runs=runs,
        untrained=tuple(each for each in comparison.untrained if each.task in tasks),
        measures=Measures(
            timings=tuple(t for t in measures.timings if t.task in tasks and t.method in methods),
            quantised=tuple(each for each in measures.quantised if each.method in methods),
        ),
    )


def short(losses: Losses | None) -> Losses | None:
    """The first windows of a test alone."""
    if losses is None:
        return None
    return Losses(**{each.name: getattr(losses, each.name)[:12] for each in fields(Losses)})


def test_one_method_with_one_head(made: Made, shown: Shown, tmp_path: Path) -> None:
    page = shown(
        of_runs(
            made.comparison,
            lambda run: run.key.method == "bottleneck" and run.key.task != TEXT,
        )
    )

    assert "One way to tune GPT-2: bottleneck, quantile head" in page
    assert "no other was compared" in page
    assert "20 values in, 40 out: quantile</h2>" in page
    assert "NRMSE 20/40, text" not in page
    assert "less full's" not in page
    assert "by the quantile head;" in page
    assert "lowest is bold" not in page
    assert "sampled paths" not in page


def test_text_alone(made: Made, shown: Shown) -> None:
    page = shown(of_runs(made.comparison, lambda run: run.key.task != QUANTILE))

    assert "2 ways to tune GPT-2, text head" in page
    assert "20 values in, 40 out: text</h2>" in page
    assert "quantile against text" not in page


def test_full_alone(made: Made, shown: Shown) -> None:
    page = shown(of_runs(made.comparison, lambda run: run.key.method == "full"))

    assert "One way to tune GPT-2: full" in page
    assert "No adapter" not in page
    assert "less full's" not in page
    assert "adapters whose" not in page


def test_one_seed(made: Made, shown: Shown) -> None:
    page = shown(of_runs(made.comparison, lambda run: run.key.seed == 0))

    assert "1 seed of each" in page
    assert "Intervals are 95%, over weeks; with one seed, none tells of others." in page
    assert "weeks and seeds" not in page
    assert "mean over seeds" not in page
    assert "of one seed: no intervals" in page


def test_a_test_too_short_for_intervals(made: Made, shown: Shown) -> None:
    whole = made.comparison
    page = shown(
        replace(
            whole,
            runs=tuple(
                replace(run, test=short(run.test), kept=short(run.kept)) for run in whole.runs
            ),
            untrained=tuple(
                replace(each, test=short(each.test), kept=short(each.kept))
                for each in whole.untrained
            ),
            measures=Measures(),
        )
    )

    assert "The test is too short for intervals." in page
    assert "Bars: 95%" not in page
    assert "interval lies" not in page
    assert "a Diebold-Mariano test of these runs" not in page
    assert "can be told" not in page.partition("Targets")[0]


def test_a_base_of_words(made: Made, shown: Shown, tmp_path: Path) -> None:
    save_gpt2(tmp_path / "words", n_embd=16, n_layer=1)
    base = open_base(str(tmp_path / "words"), [])
    plan = Plan(methods=("lora", "bottleneck"), heads=(QUANTILE,), seeds=1, steps=2, stride=48)
    subject = choose_subject(made.subject.sources, made.subject.kept, 1, None)

    comparison = compare(subject, base, plan, tmp_path / "out", effort=NO_EFFORT)
    page = shown(comparison)

    assert comparison.base == "words"
    assert str(tmp_path) not in page
    assert "The base learned from words, and saw no bars." in page
    assert "Forgetting on KEPT is not measured" in page
    assert "less the base's" not in page
    assert "no adapter" not in page
    assert "base, not tuned" not in page
    assert "1 of 16" in page  # the narrowest bottleneck of the ablation
    assert "Its blocks are stored with each adapter." in page
    assert (tmp_path / "report" / "charts" / "ablation.png").is_file()


def test_runs_of_another_machine(made: Made, shown: Shown) -> None:
    first, *rest = made.comparison.runs
    elsewhere = (replace(first, machine="96 cores of another kind"), *rest)

    page = shown(replace(made.comparison, runs=elsewhere))

    assert "Runs were trained on other machines too" in page
    assert "96 cores of another kind" in page


def test_what_was_left_out_is_in_the_json_too(made: Made, shown: Shown, tmp_path: Path) -> None:
    shown(made.comparison)

    content = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))

    assert content["left_out"] == []
    assert content["tasks"][OWN]["width"] == made.base.width
    assert len(content["tasks"][OWN]["folds"]) == 1
