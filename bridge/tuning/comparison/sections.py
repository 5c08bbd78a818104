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
from bridge.tuning.comparison.making import making
from bridge.tuning.comparison.page import Chart, Paragraph, Part, Section, Sentences, day
from bridge.tuning.comparison.phrases import counted
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import Comparison, TaskFacts
from bridge.tuning.comparison.score_tables import (
    ablation_table,
    forgetting_table,
    headline,
    point_tables,
    quality_table,
)
from bridge.tuning.comparison.style import label, listed
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import Target


def sections(
    tables: Tables, judged: Sequence[Target], found: Findings, charts: Mapping[str, Chart]
) -> list[Section]:
    """All sections that have something to show."""

    def picture(*names: str) -> list[Part]:
        return [charts[name] for name in names if name in charts]

    measures = tables.comparison.measures
    heads = [task for task in (QUANTILE, TEXT) if task in tables.comparison.facts]
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
            f"20 values in, 40 out: {listed(heads)}",
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
        ("made", "How this was made", making(tables.comparison)),
    ]
    return [Section(name, title, tuple(parts)) for name, title, parts in all_sections if parts]


def scope(comparison: Comparison) -> str:
    """What was compared, on what, in one sentence or two."""
    facts, plan = comparison.facts[OWN], comparison.plan
    folds = len(facts.folds)
    walk = f", {folds} walk-forward folds" if folds > 1 else ""
    return (
        f"{listed([label(each) for each in comparison.methods])} on base {comparison.base} "
        f"({comparison.base_parameters:,} parameters), tuned to {timeframe_name(facts.tf)} bars "
        f"of {listed(list(dict.fromkeys(comparison.symbols)))}: "
        f"{counted(int(plan['seeds']), 'seed')} of each{walk}. "
        f"Tested on {counted(facts.test_windows, 'window')} that end {day(facts.first)} to "
        f"{day(facts.last)}; {_learned(facts)}."
    )


def _learned(facts: TaskFacts) -> str:
    """The days of training and validation: of the one fold, or how they move on."""
    first, last = facts.folds[0], facts.folds[-1]
    began = day(min(fold.train_first for fold in facts.folds))
    if len(facts.folds) == 1:
        return (
            f"training saw {began} to {day(first.train_last)}, and validation the time to "
            f"{day(first.validation_last)}"
        )
    return (
        f"training saw {began} to {day(first.train_last)} in the first fold and to "
        f"{day(last.train_last)} in the last, and validation in each the time up to its test"
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


def _said(sentences: Sequence[str]) -> list[Part]:
    return [Sentences(tuple(sentences))] if sentences else []
