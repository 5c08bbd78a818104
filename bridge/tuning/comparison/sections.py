"""What stands on the report's page: sections of sentences, tables and charts, in reading order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.bars import timeframe_name
from bridge.tuning.comparison.cost_tables import (
    cost_tables,
    latency_tables,
    memory_tables,
    target_table,
)
from bridge.tuning.comparison.findings import Findings
from bridge.tuning.comparison.page import (
    Cell,
    Chart,
    Paragraph,
    Part,
    Row,
    Section,
    Sentences,
    Table,
    day,
)
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import Comparison
from bridge.tuning.comparison.score_tables import (
    ablation_table,
    forgetting_table,
    headline,
    point_tables,
    quality_table,
)
from bridge.tuning.comparison.style import label, listed, task_title
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.targets import Target
from bridge.tuning.recipes.defaults import training_for


def sections(
    tables: Tables, judged: Sequence[Target], found: Findings, charts: Mapping[str, Chart]
) -> list[Section]:
    """All sections that have something to show."""

    def picture(*names: str) -> list[Part]:
        return [charts[name] for name in names if name in charts]

    measures = tables.comparison.measures
    all_sections: list[tuple[str, str, list[Part]]] = [
        ("short", "In short", [headline(tables), *_said(found.wins), *picture("quality.png")]),
        ("cannot", "What no method can forecast", _said(found.cannot)),
        ("targets", "Targets", [*_said(found.targets[:1]), *target_table(judged)]),
        (
            "quality",
            "Quality at the base's own window",
            [quality_table(tables), *picture("horizons.png", "significance-own.png")],
        ),
        (
            "points",
            "20 values in, 40 out: quantile and text",
            [*point_tables(tables), *picture("points.png", "significance-points.png")],
        ),
        (
            "cost",
            "What training costs",
            [*cost_tables(tables), *picture("cost.png", "curves.png")],
        ),
        (
            "latency",
            "Latency and int8",
            [*latency_tables(tables), *picture("latency.png")] if measures.timings else [],
        ),
        ("memory", "Memory: a larger network, and many adapters", memory_tables(tables)),
        ("forgetting", "Forgetting", forgetting_table(tables)),
        (
            "bottleneck",
            "Why down and up again?",
            [*_why(found), *ablation_table(tables), *picture("ablation.png")]
            if tables.ablation()
            else [],
        ),
        (
            "forecasts",
            "Predicted against actual",
            picture(*(f"forecasts-{task}.png" for task in (OWN, QUANTILE, TEXT))),
        ),
        ("made", "How this was made", _made(tables.comparison)),
    ]
    return [Section(name, title, tuple(parts)) for name, title, parts in all_sections if parts]


def scope(comparison: Comparison) -> str:
    """What was compared, on what, in one sentence or two."""
    facts = comparison.facts[OWN]
    seeds, folds = int(comparison.plan["seeds"]), int(comparison.plan["folds"])
    walk = f", {folds} walk-forward folds" if folds > 1 else ""
    return (
        f"{listed([label(each) for each in comparison.methods])} on base {comparison.base} "
        f"({comparison.base_parameters:,} parameters), tuned to {timeframe_name(facts.tf)} bars "
        f"of {listed(comparison.symbols)}: {seeds} seed{'s' if seeds > 1 else ''} of each{walk}. "
        f"Tested on {facts.test_windows:,} windows that end {day(facts.first)} to "
        f"{day(facts.last)}; training saw {day(facts.train_first)} to {day(facts.train_last)}, "
        f"and validation the time to {day(facts.validation_last)}."
    )


def _why(found: Findings) -> list[Part]:
    return [
        Paragraph(
            "The adapter's output is added to a stream as wide as the network, so whatever goes "
            "down has to come up again: down alone would have no place to go. Nor is a linear map "
            "in the full width a way out, for without a non-linearity and without narrowing it is "
            "one more matrix, of which the network has one already on either side. The narrow "
            "middle is what makes it small, the non-linearity what makes it more than a matrix of "
            "low rank. What that is worth is measured here:"
        ),
        *_said(found.bottleneck),
    ]


def _made(comparison: Comparison) -> list[Part]:
    plan = comparison.plan
    steps = sorted({run.steps for run in comparison.runs})
    budget = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    kept = (
        f" The base's own data are {listed(comparison.kept_symbols)}."
        if comparison.kept_symbols
        else ""
    )
    text = (
        f" A step of text takes {training_for('full', head='text').batch} windows, each many times "
        "as long."
        if TEXT in comparison.facts
        else ""
    )
    seen = (
        "The tests' bars were held against the fingerprints of all that the base saw: none is "
        "among them."
        if comparison.seen_known
        else "What bars the base saw is known by its dates alone."
    )
    rows = tuple(
        Row(
            (
                Cell(task_title(facts)),
                Cell(f"{facts.train_windows:,}"),
                Cell(f"{facts.validation_windows:,}"),
                Cell(f"{facts.test_windows:,}"),
                Cell(f"{facts.stride}"),
                Cell(f"{day(facts.first)} to {day(facts.last)}"),
            )
        )
        for facts in comparison.facts.values()
    )
    return [
        Paragraph(
            f"Every method trained for {budget} steps on the same windows, drawn in the same order "
            f"for the same seed; {len(comparison.runs)} runs in all.{text}{kept} Settings are the "
            "methods' defaults; the test chose nothing. Between training, validation and test lie "
            "as many bars as a window has with its targets, so that no window of one shares a bar "
            f"with another's. {seen}"
        ),
        Table(
            caption="Windows",
            columns=("task", "training", "validation", "test", "bars apart", "test windows end"),
            rows=rows,
            note=f"Training counts the first fold's windows; {plan['folds']} fold(s) tested.",
        ),
        Paragraph(
            f"Measured on {comparison.machine}; "
            + ", ".join(f"{name} {found}" for name, found in comparison.libraries.items())
            + ". Times were taken while training, latency in turns at the end, memory in a process "
            "of its own for each method and task.",
            note=True,
        ),
        *([Paragraph(comparison.command, kind="code")] if comparison.command else []),
    ]


def _said(sentences: Sequence[str]) -> list[Part]:
    return [Sentences(tuple(sentences))] if sentences else []
