"""Charts of costs: against quality, over training time, and in latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.phrases import bars_note, has_seeds, named
from bridge.tuning.comparison.plan import OWN
from bridge.tuning.comparison.results import INT8, ONNX, PINBALL_RATIO, PYTORCH, RunResult
from bridge.tuning.comparison.score_charts import thousandths
from bridge.tuning.comparison.style import (
    BLUE,
    COLOURS,
    GREY,
    LINES,
    SKY,
    VERMILION,
    WIDTH,
    colour,
    label,
    marker,
    task_name,
    task_title,
)
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.training_costs import Cost
from bridge.tuning.scoring.baselines import STRONGEST_WALK

_RUNTIME_RISE = {PYTORCH: 0.25, ONNX: 0.0, INT8: -0.25}
_RUNTIMES = {PYTORCH: (VERMILION, "o"), ONNX: (BLUE, "s"), INT8: (SKY, "D")}
_COUNTED = {3: "three", 4: "four"}
# QLoRA's base is rounded to four bits, and prefix begins with random tokens.
_BEGIN_AT_BASE = ("full", "lora", "bottleneck", "ia3")


def cost(tables: Tables) -> tuple[Figure, str] | None:
    """What each method's gain over the base costs."""
    costs = tables.costs.get(OWN, [])
    if not costs:
        return None
    columns: list[tuple[str, Callable[[Cost], float | None], str]] = [
        ("trained parameters, % of all (log)", lambda c: 100 * c.trainable / c.parameters, "log"),
        ("training time, s", lambda c: c.seconds.value, "linear"),
        (
            "peak memory of training, MB",
            lambda c: c.memory_bytes / 1e6 if c.memory_bytes else None,
            "linear",
        ),
        ("to store, kB (log)", lambda c: c.stored_bytes / 1e3, "log"),
    ]
    columns = [each for each in columns if any(each[1](one) is not None for one in costs)]
    to_base = tables.row(OWN, BASE) is not None
    figure = Figure(figsize=(WIDTH, 6.6), layout="constrained")
    axes = figure.subplots(2, 2, sharey=True)
    for place, (title, value, scale) in zip(axes.flat, columns, strict=False):
        _against(place, tables, costs, value, to_base=to_base)
        place.set_xscale(scale)
        place.set_xlabel(title)
        if scale == "log":
            place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            place.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        else:
            place.set_xlim(0, 1.08 * place.get_xlim()[1])
        if to_base:
            place.axhline(0.0, color=GREY, linewidth=1)
    for place in axes.flat[len(columns) :]:
        place.set_visible(False)
    for place in axes[:, 0]:
        place.set_ylabel(
            "pinball ratio less the base's,\nthousandths (lower is better)"
            if to_base
            else "pinball ratio (lower is better)"
        )
    axes[0, 0].set_title("Cost against quality")
    _method_legend(figure, [each.method for each in costs])
    what = " The grey line is the base before tuning, to which differences are paired."
    caption = f"Every method's quality against {_COUNTED[len(columns)]} costs."
    return figure, caption + (what if to_base else "") + bars_note(tables)


def _against(
    place: Axes,
    tables: Tables,
    costs: Sequence[Cost],
    value: Callable[[Cost], float | None],
    *,
    to_base: bool,
) -> None:
    """Each method's quality over what `value` says it costs."""
    for each in costs:
        row, x = tables.row(OWN, each.method), value(each)
        if row is None or x is None:
            continue
        shown = thousandths(row.to_base) if to_base else row.pinball
        if shown is not None:
            _point(place, each.method, x, shown)


def curves(tables: Tables) -> tuple[Figure, str] | None:
    """Validation score over training time, of the first fold."""
    tasks = [task for task in tables.comparison.tasks if tables.costs.get(task)]
    if not tasks:
        return None
    figure = Figure(figsize=(WIDTH, 3.6 * len(tasks) + 0.4), layout="constrained")
    places = figure.subplots(len(tasks), 1, squeeze=False)[:, 0]
    for place, task in zip(places, tasks, strict=True):
        score = tables.costs[task][0].score
        for method in tables.comparison.methods:
            runs = [run for run in tables.comparison.of(task, method) if run.key.fold == 0]
            if runs:
                _curve(place, method, runs, _start(tables, task, method))
        if score == PINBALL_RATIO:
            _references(place, tables, task)
        place.set_xlim(left=0)
        place.set_title(task_title(tables.comparison.facts[task]))
        place.set_ylabel(f"validation {score}\n(lower is better)")
    places[-1].set_xlabel("seconds of training, validation excluded")
    _method_legend(figure, list(tables.comparison.methods))
    return figure, _curves_caption(tables)


def _start(tables: Tables, task: str, method: str) -> float | None:
    """Where a method's curve begins, if that is where the base stands."""
    return tables.validation(task, BASE, 0) if method in _BEGIN_AT_BASE else None


def _curves_caption(tables: Tables) -> str:
    seeds = (
        " Lines: mean over seeds; bands: from the best to the worst seed."
        if has_seeds(tables)
        else ""
    )
    apart = [each for each in tables.comparison.methods if each not in _BEGIN_AT_BASE]
    start = (
        f" {named(apart)} {'does' if len(apart) == 1 else 'do'} not begin where the base stands, "
        "and the first validation is their first point."
        if apart and tables.validation(OWN, BASE, 0) is not None
        else ""
    )
    folds = len(tables.comparison.facts[OWN].folds)
    fold = f" Of {folds} folds the first is shown." if folds > 1 else ""
    return f"Validation score of the averaged weights over training time.{seeds}{start}{fold}"


def latency(tables: Tables) -> tuple[Figure, str] | None:
    """Time of one forecast, by runtime."""
    timings = tables.comparison.measures.timings
    rows = list(dict.fromkeys((each.task, each.method) for each in timings))
    tasks = list(dict.fromkeys(task for task, _ in rows))
    if not rows:
        return None
    height = 1.4 + 0.36 * len(rows) + 0.3 * len(tasks)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    heights = {row: -(index + 0.8 * tasks.index(row[0])) for index, row in enumerate(rows)}
    for timing in timings:
        shade, mark = _RUNTIMES[timing.runtime]
        height = heights[timing.task, timing.method] + _RUNTIME_RISE[timing.runtime]
        axes.plot([timing.p50_us / 1e3, timing.p99_us / 1e3], [height, height], color=shade, lw=2)
        axes.plot(timing.p50_us / 1e3, height, color=shade, marker=mark, markersize=6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(
        [heights[row] for row in rows],
        [f"{label(method)}, {task_name(task)}" for task, method in rows],
    )
    axes.set_xlabel(
        "milliseconds for one window (log); marker: median, line: to the 99th percentile"
    )
    axes.set_title("Latency of one forecast")
    handles = [
        Line2D([], [], color=shade, marker=mark, label=name)
        for name, (shade, mark) in _RUNTIMES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    caption = (
        "One window at a time on one thread, all ways asked in turns in one run, so that ratios "
        "mean more than milliseconds."
    )
    return figure, caption


def _point(axes: Axes, method: str, x: float, shown: Estimate) -> None:
    if shown.low is not None and shown.high is not None:
        axes.plot([x, x], [shown.low, shown.high], color=colour(method), linewidth=1.5, alpha=0.7)
    axes.plot(x, shown.value, color=colour(method), marker=marker(method), markersize=9)


def _curve(axes: Axes, method: str, runs: Sequence[RunResult], begin: float | None) -> None:
    seeds = [
        [(each.seconds, each.validation) for each in run.curve if each.validation is not None]
        for run in runs
    ]
    count = min(map(len, seeds))
    values = np.array([seed[:count] for seed in seeds], dtype=np.float64)  # [S, N, 2]
    seconds, scores = values[..., 0].mean(axis=0), values[..., 1]
    if begin is not None:
        seconds = np.concatenate([[0.0], seconds])
        scores = np.concatenate([np.full((len(scores), 1), begin), scores], axis=1)
    shade = colour(method)
    axes.plot(seconds, scores.mean(axis=0), color=shade, linestyle=LINES[method], linewidth=1.4)
    axes.plot(
        seconds, scores.mean(axis=0), color=shade, linestyle="", marker=marker(method), markersize=5
    )
    if len(seeds) > 1:
        axes.fill_between(
            seconds, scores.min(axis=0), scores.max(axis=0), color=shade, alpha=0.12, linewidth=0
        )


def _references(axes: Axes, tables: Tables, task: str) -> None:
    """Lines at untrained forecasters' scores; words where one lies far from the curves."""
    low, high = axes.get_ylim()
    outside = []
    for name, style in ((BASE, "--"), (STRONGEST_WALK, ":")):
        value = tables.validation(task, name, 0)
        if value is None:
            continue
        if not low - (high - low) / 2 <= value <= high + (high - low) / 2:
            side = "above" if value > high else "below"
            outside.append(f"{label(name)}: {value:.4f}, {side} this panel")
            continue
        axes.axhline(value, color=GREY, linestyle=style, linewidth=1.2)
        axes.annotate(
            label(name),
            (0.995, value),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            color=GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
    if outside:
        axes.set_title(
            "\n".join(outside), loc="right", fontsize=10, fontweight="normal", color=GREY
        )


def _method_legend(figure: Figure, methods: Sequence[str]) -> None:
    handles = [
        Line2D([], [], color=COLOURS[m], marker=marker(m), linestyle=LINES[m], label=label(m))
        for m in methods
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
