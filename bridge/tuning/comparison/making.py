"""How a comparison was made: budgets, windows and days, machine and command."""

from __future__ import annotations

from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.page import Cell, Paragraph, Part, Row, Table, day
from bridge.tuning.comparison.phrases import counted
from bridge.tuning.comparison.plan import OWN
from bridge.tuning.comparison.results import Comparison
from bridge.tuning.comparison.style import label, listed, task_name, task_title


def making(comparison: Comparison) -> list[Part]:
    """The report's last section."""
    return [
        Paragraph(" ".join([_budget(comparison), _hygiene(comparison), *_left_out(comparison)])),
        _windows(comparison),
        Paragraph(_measured(comparison), note=True),
        *([Paragraph(comparison.command, kind="code")] if comparison.command else []),
    ]


def _budget(comparison: Comparison) -> str:
    """Steps and windows a step: the same for every method, not for every task."""
    budgets: dict[str, list[str]] = {}
    for task, facts in comparison.facts.items():
        steps = sorted({run.steps for run in comparison.runs if run.key.task == task})
        if steps:
            budget = f"{steps[-1]:,} steps of {facts.batch} windows"
            budgets.setdefault(budget, []).append(task_name(task))
    told = "; ".join(f"{budget} ({'; '.join(names)})" for budget, names in budgets.items())
    return (
        f"Every method trained for the same budget, on the same windows, drawn in the same order "
        f"for the same seed: {told}. {counted(len(comparison.runs), 'run')} in all. Settings are "
        "the methods' defaults; the test chose nothing."
    )


def _hygiene(comparison: Comparison) -> str:
    if not any(each.name == BASE for each in comparison.untrained):
        seen = "The base learned from words, and saw no bars."
    elif comparison.seen_known:
        seen = (
            "The tests' bars were held against the fingerprints of all that the base saw: none is "
            "among them."
        )
    else:
        seen = "What bars the base saw is known by its dates alone."
    kept = (
        f" The base's own data are {listed(list(dict.fromkeys(comparison.kept_symbols)))}."
        if comparison.kept_symbols
        else ""
    )
    return (
        "Between training, validation and test lie as many bars as a window has with its targets, "
        f"so that no window of one shares a bar with another's. {seen}{kept}"
    )


def _left_out(comparison: Comparison) -> list[str]:
    """Forecasters that should stand beside, and why they do not."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in comparison.left_out:
        reasons.setdefault((each.name, each.reason), []).append(task_name(each.task))
    return [
        f"{label(name)} is left out ({'; '.join(dict.fromkeys(tasks))}): {reason}."
        for (name, reason), tasks in reasons.items()
    ]


def _windows(comparison: Comparison) -> Table:
    several = len(comparison.facts[OWN].folds) > 1
    rows = tuple(
        Row(
            (
                Cell(task_title(facts)),
                *([Cell(f"{number}")] if several else []),
                Cell(f"{fold.train_windows:,}"),
                Cell(f"{day(fold.train_first)} to {day(fold.train_last)}"),
                Cell(f"{fold.validation_windows:,}"),
                Cell(f"to {day(fold.validation_last)}"),
                Cell(f"{fold.test_windows:,}"),
                Cell(f"{facts.stride}"),
                Cell(f"{day(fold.first)} to {day(fold.last)}"),
            )
        )
        for facts in comparison.facts.values()
        for number, fold in enumerate(facts.folds, 1)
    )
    return Table(
        caption="Windows",
        columns=(
            *("task", *(["fold"] if several else [])),
            *("training", "on bars", "validation", "on bars", "test", "bars apart"),
            "test windows end",
        ),
        rows=rows,
        note=f"Over {counted(len(comparison.symbols), 'file')}.",
    )


def _measured(comparison: Comparison) -> str:
    machines = list(dict.fromkeys(run.machine for run in comparison.runs if run.machine))
    elsewhere = {*machines, comparison.machine} != {comparison.machine}
    trained = (
        f" Runs were trained on other machines too ({'; '.join(machines)}): seconds of two do not "
        "compare."
        if elsewhere
        else ""
    )
    libraries = ", ".join(f"{name} {found}" for name, found in comparison.libraries.items())
    return (
        f"Measured on {comparison.machine}; {libraries}.{trained} Times were taken while training, "
        "latency in turns at the end, memory in a process of its own for each method and task."
    )
