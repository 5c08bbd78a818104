"""Charts of scores: quality, along the horizon, point forecasts, the bottleneck's ablation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.phrases import bars_note, counted, has_intervals, has_seeds
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LINES,
    VERMILION,
    WIDTH,
    colour,
    label,
    listed,
    marker,
)
from bridge.tuning.comparison.tables import Scores, Tables
from bridge.tuning.scoring.baselines import STRONGEST_WALK

_BEYOND = " Numbers with an arrow lie beyond the panel."


def quality(tables: Tables) -> tuple[Figure, str] | None:
    """Pinball ratio of every forecaster, and how far each is from the base."""
    rows = tables.scores.get(OWN, [])
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 1.3 + 0.33 * len(rows)), layout="constrained")
    against = next((each for each in (BASE, "full") if tables.row(OWN, each)), None)
    left, right = (
        figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        if against
        else (figure.add_subplot(), None)
    )
    _dots(left, rows, lambda row: row.pinball)
    left.axvline(1.0, color=GREY, linewidth=1)
    left.set_xlabel("pinball loss over the random walk's (lower is better)")
    left.set_title("Pinball ratio")
    caption = "Pinball loss on the test windows over that of the Gaussian random walk."
    bars = bars_note(tables)
    if right is None:
        return figure, caption + bars
    differences = [
        (row.name, thousandths(row.to_base if against == BASE else row.to_full)) for row in rows
    ]
    right.axvline(0.0, color=GREY, linewidth=1)
    _near_dots(right, differences, {row.name for row in rows if tables.is_trained(row.name)})
    right.set_xlabel("difference in thousandths (left is better)")
    right.set_title(f"Less that of {'the base' if against == BASE else 'full'}, paired")
    paired = (
        " On the right they are of the paired difference, which is known better than either score."
        if bars
        else ""
    )
    return figure, f"{caption}{bars}{paired}{_BEYOND}"


def horizons(tables: Tables) -> tuple[Figure, str] | None:
    """Where along the horizon the forecasts are better than the walk's."""
    rows = tables.scores.get(OWN, [])
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        ratios = [each.value for each in row.ratio_h]
        ahead = np.arange(1, len(ratios) + 1)
        if tables.is_trained(row.name):
            axes.plot(
                ahead,
                ratios,
                color=colour(row.name),
                linestyle=LINES[row.name],
                marker=marker(row.name),
                markersize=4,
                label=label(row.name),
            )
        elif row.name in (BASE, STRONGEST_WALK):
            style = "--" if row.name == BASE else ":"
            axes.plot(
                ahead, ratios, color=GREY, linestyle=style, linewidth=2, label=label(row.name)
            )
    axes.set_xlabel("bars ahead")
    axes.set_ylabel("pinball loss over the random walk's\n(lower is better)")
    axes.set_title("Pinball ratio at each bar ahead")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    over = ", mean over seeds," if has_seeds(tables) else ""
    ends = (
        " The intervals of the first and last stand in the table." if has_intervals(tables) else ""
    )
    return figure, f"The pinball ratio at each bar ahead{over} on the test windows.{ends}"


def points(tables: Tables) -> tuple[Figure, str] | None:
    """NRMSE in both definitions, and RMSE against the walk's, at 20 in and 40 out."""
    tasks = [task for task in (QUANTILE, TEXT) if tables.scores.get(task)]
    if not tasks:
        return None
    rows: list[tuple[str, Scores]] = []
    for task in tasks:
        rows += [
            (f"{row.name}/{task}" if tables.is_trained(row.name) else row.name, row)
            for row in tables.scores[task]
            if tables.is_trained(row.name) or task == tasks[-1]
        ]
    figure = Figure(figsize=(WIDTH, 1.3 + 0.3 * len(rows)), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharey=True)
    _named_dots(left, rows, lambda row: row.nrmse)
    left.set_xlabel("RMSE over the range of\nthe prices that came")
    left.set_title("NRMSE")
    _named_dots(middle, rows, lambda row: row.nrmse_article)
    middle.set_xlabel("RMSE over the highest price that\ncame less the lowest forecast")
    middle.set_title("NRMSE, the article's")
    right.axvline(0.0, color=GREY, linewidth=1)
    _near_dots(
        right,
        [(name, _per_cent_over_one(row.rmse_ratio)) for name, row in rows],
        {f"{method}/{tasks[0]}" for method in tables.comparison.methods},
    )
    right.set_xlabel("RMSE more than that of\n“the price stays”, %")
    right.set_title("Against no forecast")
    caption = (
        f"The median as a point forecast, 20 values in and 40 out, by the {listed(tasks)} "
        f"head{'s' if len(tasks) > 1 else ''}; left is better. The article's NRMSE has the "
        "forecast in its denominator, so a wild forecast lowers it: it is shown for comparison."
        f"{bars_note(tables, tasks[0])}{_BEYOND}"
    )
    return figure, caption


def ablation(tables: Tables) -> tuple[Figure, str] | None:
    """What the bottleneck's size, non-linearity and placement are worth."""
    rows = tables.ablation()
    if not rows:
        return None
    width = tables.comparison.facts[OWN].width
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axes = figure.add_subplot()
    to_base = tables.row(OWN, BASE) is not None
    groups = [
        ("gelu", "houlsby", VERMILION, "D", "GELU between, after attention and MLP"),
        ("identity", "houlsby", BLUE, "s", "no non-linearity: a linear map of that rank"),
        ("gelu", "pfeiffer", GREEN, "^", "GELU between, after the MLP alone (Pfeiffer)"),
    ]
    for activation, placement, shade, mark, text in groups:
        found = [
            (width // variant.reduction, score)
            for variant, _, score in rows
            if (variant.activation, variant.placement) == (activation, placement)
        ]
        sizes = [size for size, _ in found]
        values = [_drawn(score, to_base=to_base) for _, score in found]
        nudge = {"gelu": 1.0, "identity": 1.06}[activation] * (0.94 if mark == "^" else 1.0)
        _series(axes, np.array(sizes) * nudge, values, shade, mark, text, joined=len(found) > 2)
    full = tables.row(OWN, "full")
    full_value = _drawn(full, to_base=to_base) if full is not None else None
    if full_value is not None:
        _line(axes, full_value.value, "full fine-tuning", BLACK, "--")
    if to_base:
        _line(axes, 0.0, "no adapter: the base", GREY, "-")
    axes.set_xscale("log", base=2)
    shares = {
        width // variant.reduction: 100 * spent.trainable / spent.parameters
        for variant, spent, _ in rows
        if variant.placement == DEFAULT_VARIANT.placement
    }
    ticks = sorted(shares)
    axes.set_xticks(ticks, [f"{tick:g}\n{shares[tick]:.1f}%" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(right=3.2 * max(ticks))  # room for the lines' names
    axes.set_xlabel(
        f"numbers that the bottleneck passes on, of {width:g}; below: parameters trained, % of all"
    )
    axes.set_ylabel(
        "pinball ratio less the base's,\nthousandths (lower is better)"
        if to_base
        else "pinball ratio\n(lower is better)"
    )
    axes.set_title("Why down and up again? The bottleneck by its size, up to the square one")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=1)
    against = ", against no adapter" if to_base else ""
    caption = (
        f"Adapters with a bottleneck of every size, from {counted(min(ticks), 'number')} to as "
        "many as the network's width (the square one, which narrows nothing), with and without a "
        f"non-linearity{against}.{bars_note(tables)}"
    )
    return figure, caption


def _drawn(score: Scores, *, to_base: bool) -> Estimate | None:
    """What a chart shows of a method: its difference to the base; without a base, itself."""
    return thousandths(score.to_base) if to_base else score.pinball


def _line(axes: Axes, value: float, text: str, shade: str, style: Any) -> None:
    """A line across, its name at its right end."""
    axes.axhline(value, color=shade, linewidth=1.2, linestyle=style)
    axes.annotate(text, (0.995, value), xycoords=("axes fraction", "data"), ha="right", va="bottom")


def _dots(axes: Axes, rows: Sequence[Scores], value: Callable[[Scores], Estimate | None]) -> None:
    _named_dots(axes, [(row.name, row) for row in rows], value)


def _named_dots(
    axes: Axes,
    rows: Sequence[tuple[str, Scores]],
    value: Callable[[Scores], Estimate | None],
) -> None:
    """A dot and its interval a row, the first on top."""
    for index, (name, row) in enumerate(rows):
        shown = value(row)
        if shown is None:
            continue
        method = name.partition("/")[0]
        if shown.low is not None and shown.high is not None:
            axes.plot([shown.low, shown.high], [-index, -index], color=colour(method), linewidth=2)
        axes.plot(shown.value, -index, color=colour(method), marker=marker(method), markersize=7)
    axes.set_yticks([-index for index in range(len(rows))], [label(name) for name, _ in rows])
    axes.grid(axis="y", visible=False)


def _near_dots(axes: Axes, rows: Sequence[tuple[str, Estimate | None]], near: set[str]) -> None:
    """As `_dots`, on the scale of those `near`; the others stand as numbers at the edge."""
    bounds = [
        bound
        for name, value in rows
        if value is not None and name in near
        for bound in (value.low, value.value, value.high)
        if bound is not None
    ]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    pad = 0.12 * (high - low) or 1.0
    low, high = low - pad, high + 2 * pad  # numbers at the right edge need room
    axes.set_xlim(low, high)
    for index, (name, value) in enumerate(rows):
        if value is None:
            continue
        method = name.partition("/")[0]
        if not low <= value.value <= high:
            side = value.value > 0
            axes.annotate(
                f"{value.value:+.1f} →" if side else f"← {value.value:+.1f}",
                (0.99 if side else 0.01, -index),
                xycoords=("axes fraction", "data"),
                ha="right" if side else "left",
                va="center",
                color=GREY,
            )
            continue
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [-index, -index], color=colour(method), lw=2)
        axes.plot(value.value, -index, color=colour(method), marker=marker(method), ms=7)
    axes.grid(axis="y", visible=False)


def _series(
    axes: Axes,
    x: Any,
    values: Sequence[Estimate | None],
    shade: str,
    mark: str,
    text: str,
    *,
    joined: bool,
) -> None:
    found = [(place, value) for place, value in zip(x, values, strict=True) if value is not None]
    if not found:
        return
    for place, value in found:
        if value.low is not None and value.high is not None:
            axes.plot([place, place], [value.low, value.high], color=shade, linewidth=1.5)
    axes.plot(
        [place for place, _ in found],
        [value.value for _, value in found],
        color=shade,
        marker=mark,
        markersize=7,
        linestyle="-" if joined else "",
        label=text,
    )


def thousandths(value: Estimate | None) -> Estimate | None:
    """A difference of ratios as it is drawn."""
    return None if value is None else value.times(1e3)


def _per_cent_over_one(value: Estimate) -> Estimate:
    """How far a ratio is from one, in per cent."""
    low = None if value.low is None else value.low - 1.0
    high = None if value.high is None else value.high - 1.0
    return Estimate(value.value - 1.0, low, high).times(100.0)
