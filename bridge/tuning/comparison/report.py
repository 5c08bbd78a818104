"""The report's files: one page that stands alone, its pictures, and the numbers as CSV and JSON."""

from __future__ import annotations

import base64
import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from bridge.tuning.comparison.charts import draw_all
from bridge.tuning.comparison.estimates import Estimate, Scorer
from bridge.tuning.comparison.findings import Findings, findings
from bridge.tuning.comparison.page import Chart, Table
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import Comparison
from bridge.tuning.comparison.score_tables import headline
from bridge.tuning.comparison.sections import scope, sections
from bridge.tuning.comparison.storage import write_json
from bridge.tuning.comparison.style import label
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import Target
from bridge.tuning.comparison.targets import targets
from bridge.tuning.scoring.scores import RANDOM_WALK

REPORT_FILE = "report.html"
JSON_FILE = "report.json"
CSV_FILE = "runs.csv"
HEADLINE_FILE = "headline.md"
CHARTS_FOLDER = "charts"


@dataclass(frozen=True)
class Report:
    """What was written, and what it says in short."""

    page: Path
    judged: tuple[Target, ...]
    said: Findings


def write_report(comparison: Comparison, folder: Path) -> Report:
    """Write page, pictures, CSV, JSON and the headline table in Markdown into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = Tables(comparison)
    judged = targets(tables)
    said = findings(tables, judged)
    captions = draw_all(tables, folder / CHARTS_FOLDER)
    charts = {
        name: Chart(name, caption, _encoded(folder / CHARTS_FOLDER / name))
        for name, caption in captions.items()
    }
    page = folder / REPORT_FILE
    page.write_text(
        _render(
            title=_title(comparison),
            scope=scope(comparison),
            sections=sections(tables, judged, said, charts),
        ),
        encoding="utf-8",
        newline="\n",
    )
    _write_csv(comparison, folder / CSV_FILE)
    write_json(folder / JSON_FILE, _content(tables, judged, said, captions))
    (folder / HEADLINE_FILE).write_text(_markdown(headline(tables)), encoding="utf-8", newline="\n")
    return Report(page, tuple(judged), said)


def _render(**content: Any) -> str:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = files("bridge.tuning.comparison").joinpath("template.html")
    return environment.from_string(template.read_text(encoding="utf-8")).render(**content)


def _title(comparison: Comparison) -> str:
    """How many methods there are, or which one, and the heads they were given."""
    heads = [task for task in (QUANTILE, TEXT) if task in comparison.facts]
    methods = comparison.methods
    what = (
        f"Adapters compared: {len(methods)} ways to tune GPT-2"
        if len(methods) > 1
        else f"One way to tune GPT-2: {label(methods[0])}"
    )
    return f"{what}, {' and '.join(heads)} head{'s' if len(heads) > 1 else ''}"


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _markdown(table: Table) -> str:
    """A table for a README; intervals stand behind their numbers."""

    def cell(text: str, interval: str, classes: str) -> str:
        shown = f"**{text}**" if classes == "best" else text
        return f"{shown} {interval}".strip()

    lines = [
        "| " + " | ".join(table.columns) + " |",
        "| " + " | ".join(["---", *["---:"] * (len(table.columns) - 1)]) + " |",
    ]
    lines += [
        "| " + " | ".join(cell(each.text, each.interval, each.classes) for each in row.cells) + " |"
        for row in table.rows
    ]
    return "\n".join(lines) + "\n\n" + table.note + "\n"


def _write_csv(comparison: Comparison, path: Path) -> None:
    """One row a run, its own scores on its own fold's test."""
    walks = {
        (each.task, each.fold): each.test
        for each in comparison.untrained
        if each.name == RANDOM_WALK
    }
    rows = []
    for run in comparison.runs:
        key, facts = run.key, comparison.facts[run.key.task]
        scorer = Scorer(walks[key.task, key.fold], facts.block_seconds)
        losses = [run.test]
        rows.append(
            {
                "task": key.task,
                "method": key.method,
                "variant": key.variant.name if key.variant else "",
                "fold": key.fold,
                "seed": key.seed,
                "trained_parameters": run.trainable,
                "parameters": run.parameters,
                "stored_bytes": run.stored_bytes,
                "training_seconds": round(run.seconds, 3),
                "steps": run.steps,
                "best_step": run.best_step,
                "validation_score": run.score,
                "validation": round(run.validation, 6),
                "windows": int(run.test.windows.sum()),
                "pinball_ratio": round(scorer.pinball_ratio(losses).value, 6),
                "coverage_80": _known(scorer.coverage(losses), 5),
                "mse": float(f"{scorer.mse(losses).value:.6g}"),
                "rmse": float(f"{scorer.rmse(losses).value:.6g}"),
                "nrmse": round(scorer.nrmse(losses).value, 6),
                "nrmse_article": _known(scorer.nrmse_article(losses), 6),
                "direction_1": _known(scorer.direction(losses), 5),
            }
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _known(found: Estimate | None, digits: int) -> float | str:
    """A cell of the CSV; empty where there is no such score."""
    return "" if found is None else round(found.value, digits)


def _content(
    tables: Tables, judged: list[Target], said: Findings, captions: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the page says, for programs."""
    comparison = tables.comparison
    points = [task for task in (QUANTILE, TEXT) if task in comparison.facts]
    content = {
        "plan": comparison.plan,
        "command": comparison.command,
        "base": comparison.base,
        "base_parameters": comparison.base_parameters,
        "symbols": comparison.symbols,
        "base_symbols": comparison.base_symbols,
        "kept_symbols": comparison.kept_symbols,
        "left_out": comparison.left_out,
        "machine": comparison.machine,
        "libraries": comparison.libraries,
        "tasks": comparison.facts,
        "scores": tables.scores,
        "costs": tables.costs,
        "forgetting": tables.forgetting(),
        "ablation": [
            {"variant": variant, "cost": cost, "scores": scores}
            for variant, cost, scores in tables.ablation()
        ],
        "significance": {
            name: tables.significance(tasks)
            for name, tasks in ((OWN, [OWN]), ("points", points))
            if tasks
        },
        "measures": comparison.measures,
        "targets": judged,
        "findings": said,
        "examples": comparison.examples,
        "runs": [
            {
                "task": run.key.task,
                "method": run.key.method,
                "variant": run.key.variant,
                "fold": run.key.fold,
                "seed": run.key.seed,
                "validation": run.validation,
                "seconds": run.seconds,
                "curve": [[p.step, p.seconds, p.loss, p.validation] for p in run.curve],
                "example": run.example,
            }
            for run in comparison.runs
        ],
        "charts": captions,
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _plain(value: Any) -> Any:
    """Values of JSON; what is not a number is null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain({each: getattr(value, each) for each in value.__dataclass_fields__})
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value
