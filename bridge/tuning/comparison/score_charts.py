"""Charts of scores: quality, along the horizon, point forecasts, the bottleneck's ablation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.forecasters import BASE, STRONGEST_WALK
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT, Variant
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
    marker,
)
from bridge.tuning.comparison.tables import Cost, Scores, Tables


def quality(tables: Tables) -> tuple[Figure, str] | None:
    """Pinball ratio of every forecaster, and how far each is from the base."""
    rows = tables.scores.get(OWN, [])
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 1.3 + 0.33 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _dots(left, rows, lambda row: row.pinball)
    left.axvline(1.0, color=GREY, linewidth=1)
    left.set_xlabel("pinball loss over the random walk's (lower is better)")
    left.set_title("Pinball ratio")
    against = BASE if tables.row(OWN, BASE) else "full"
    differences = [
        (row.name, thousandths(row.to_base if against == BASE else row.to_full)) for row in rows
    ]
    right.axvline(0.0, color=GREY, linewidth=1)
    _near_dots(right, differences, {row.name for row in rows if tables.is_trained(row.name)})
    right.set_xlabel("difference in thousandths (left is better)")
    right.set_title(f"Less that of {'the base' if against == BASE else 'full'}, paired")
    caption = (
        "Pinball loss on the test windows over that of the Gaussian random walk. Bars are 95% "
        "intervals over weeks and seeds; on the right they are of the paired difference, which is "
        "known better than either score."
    )
    return figure, caption


def horizons(tables: Tables) -> tuple[Figure, str] | None:
    """Where along the horizon the forecasts are better than the walk's."""
    rows = tables.scores.get(OWN, [])
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        ahead = np.arange(1, len(row.ratio_h) + 1)
        if tables.is_trained(row.name):
            axes.plot(
                ahead,
                row.ratio_h,
                color=colour(row.name),
                linestyle=LINES[row.name],
                marker=marker(row.name),
                markersize=4,
                label=label(row.name),
            )
        elif row.name in (BASE, STRONGEST_WALK):
            style = "--" if row.name == BASE else ":"
            axes.plot(
                ahead, row.ratio_h, color=GREY, linestyle=style, linewidth=2, label=label(row.name)
            )
    axes.set_xlabel("bars ahead")
    axes.set_ylabel("pinball loss over the random walk's\n(lower is better)")
    axes.set_title("Pinball ratio at each bar ahead")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(rows))
    caption = "The pinball ratio at each bar ahead, mean over seeds, on the test windows."
    return figure, caption


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
        {name for name, row in rows if tables.is_trained(row.name)},
    )
    right.set_xlabel("RMSE more than that of\n“the price stays”, %")
    right.set_title("Against no forecast")
    caption = (
        "The median as a point forecast, 20 values in and 40 out; left is better. The article's "
        "NRMSE has the forecast in its denominator, so a wild forecast lowers it: it is shown for "
        "comparison. Bars: 95% intervals over weeks and seeds."
    )
    return figure, caption


def ablation(tables: Tables) -> tuple[Figure, str] | None:
    """What the bottleneck's size, non-linearity and placement are worth."""
    rows = tables.ablation()
    if not rows:
        return None
    width = _width(rows)
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axes = figure.add_subplot()
    groups = [
        ("gelu", "houlsby", VERMILION, "D", "GELU between, after attention and MLP"),
        ("identity", "houlsby", BLUE, "s", "no non-linearity: a linear map of that rank"),
        ("gelu", "pfeiffer", GREEN, "^", "GELU between, after the MLP alone (Pfeiffer)"),
    ]
    for activation, placement, shade, mark, text in groups:
        found = [
            (width / variant.reduction, score)
            for variant, _, score in rows
            if (variant.activation, variant.placement) == (activation, placement)
        ]
        sizes = [size for size, _ in found]
        values = [thousandths(score.to_base or score.pinball) for _, score in found]
        nudge = {"gelu": 1.0, "identity": 1.06}[activation] * (0.94 if mark == "^" else 1.0)
        _series(axes, np.array(sizes) * nudge, values, shade, mark, text, joined=len(found) > 2)
    full = tables.row(OWN, "full")
    if full is not None and full.to_base is not None:
        axes.axhline(1e3 * full.to_base.value, color=BLACK, linewidth=1.2, linestyle="--")
        axes.annotate(
            "full fine-tuning",
            (0.995, 1e3 * full.to_base.value),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
        )
    axes.axhline(0.0, color=GREY, linewidth=1.2)
    axes.annotate(
        "no adapter: the base",
        (0.995, 0.0),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
    )
    axes.set_xscale("log", base=2)
    shares = {
        width / variant.reduction: 100 * spent.trainable / spent.parameters
        for variant, spent, _ in rows
        if variant.placement == DEFAULT_VARIANT.placement
    }
    ticks = sorted(shares)
    axes.set_xticks(ticks, [f"{tick:g}\n{shares[tick]:.1f}%" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(right=3.2 * width)  # room for the lines' names
    axes.set_xlabel(
        f"numbers that the bottleneck passes on, of {width:g}; below: parameters trained, % of all"
    )
    axes.set_ylabel("pinball ratio less the base's,\nthousandths (lower is better)")
    axes.set_title("Why down and up again? The bottleneck by its size, up to the square one")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=1)
    caption = (
        "Adapters with a bottleneck of every size, from one number to as many as the network's "
        "width (the square one, which narrows nothing), with and without a non-linearity, against "
        "no adapter. Bars: 95% intervals of the paired difference, over weeks and seeds."
    )
    return figure, caption


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


def _width(rows: Sequence[tuple[Variant, Cost, Scores]]) -> float:
    """The network's width: what the greatest reduction leaves one of."""
    return float(max(variant.reduction for variant, _, _ in rows))


def thousandths(value: Estimate | None) -> Estimate | None:
    """A difference of ratios as it is drawn."""
    return None if value is None else value.times(1e3)


def _per_cent_over_one(value: Estimate) -> Estimate:
    """How far a ratio is from one, in per cent."""
    low = None if value.low is None else value.low - 1.0
    high = None if value.high is None else value.high - 1.0
    return Estimate(value.value - 1.0, low, high).times(100.0)
