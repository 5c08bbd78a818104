"""Predicted against actual: every method's fan on one window, the base's and a walk's beside."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bridge.bars import timeframe_name
from bridge.bars.times import stamp
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.results import Example
from bridge.tuning.comparison.style import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    WIDTH,
    label,
    task_title,
)
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.scoring.baselines import STRONGEST_WALK
from bridge.tuning.scoring.points import point_forecast

Array = NDArray[np.float64]
_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}  # four of more


def draw_fans(tables: Tables, task: str) -> tuple[Figure, str] | None:
    """Small multiples, one a forecaster: closes before, what came, median and intervals."""
    comparison = tables.comparison
    example = comparison.examples.get(task)
    forecasts = _forecasts(tables, task)
    if example is None or not any(tables.is_trained(name) for name in forecasts):
        return None
    facts = comparison.facts[task]
    columns = _COLUMNS.get(len(forecasts), 4)
    rows = math.ceil(len(forecasts) / columns)
    figure = Figure(figsize=(WIDTH, 2.9 * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, (name, quantiles) in zip(axes.flat, forecasts.items(), strict=False):
        shade = BLUE if tables.is_trained(name) else GREY
        _fan(place, name, example, quantiles, facts.levels, facts.context, shade)
    for place in list(axes.flat)[len(forecasts) :]:
        place.set_visible(False)
    unit = timeframe_name(facts.tf)
    for index, place in enumerate(list(axes.flat)[: len(forecasts)]):
        if index + columns >= len(forecasts):  # the lowest of its column
            place.tick_params(labelbottom=True)
        if index >= columns * (rows - 1):
            place.set_xlabel(f"{unit} bars from the last closed")
        if index % columns == 0:
            place.set_ylabel(f"{example.symbol} close".strip())
    figure.suptitle(
        f"{example.symbol} {unit} after {stamp(example.time)}: {task_title(facts)}".strip(),
        fontsize=11,
        fontweight="bold",
        x=0.01,
        ha="left",
    )
    handles, texts = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(handles))
    untrained = [label(name) for name in forecasts if not tables.is_trained(name)]
    beside = f"; in grey, not trained here, “{'” and “'.join(untrained)}”" if untrained else ""
    caption = (
        f"The same window forecast by every method (first seed){beside}. It is the test window "
        "whose moves, in units of its own past volatility, are the median of all: an ordinary one, "
        "chosen by no forecast. The bands are where the price is expected to be."
    )
    return figure, caption


def _forecasts(tables: Tables, task: str) -> dict[str, Array]:
    """[H, Q] log-returns of the example by each method, the base and the strongest walk."""
    comparison = tables.comparison
    found = {
        run.key.method: run.example
        for method in comparison.methods
        for run in comparison.of(task, method)
        if run.example is not None and run.key.fold == 0
    }
    return found | {
        each.name: each.example
        for name in (BASE, STRONGEST_WALK)
        for each in comparison.untrained
        if (each.task, each.name, each.fold) == (task, name, 0) and each.example is not None
    }


def _fan(
    axes: Axes,
    name: str,
    example: Example,
    quantiles: Array,
    levels: tuple[float, ...],
    context: int,
    shade: str,
) -> None:
    horizon = len(quantiles)
    last = example.past[-1]
    shown = example.past[-min(len(example.past), max(context, horizon), 2 * horizon) :]
    prices = np.concatenate([np.full((1, len(levels)), last), last * np.exp(quantiles)])
    median = last * np.exp(np.concatenate([[0.0], point_forecast(quantiles, levels)]))
    ahead = np.arange(horizon + 1)
    axes.plot(np.arange(1 - len(shown), 1), shown, color=BLACK, linewidth=1.4, label="close")
    for band in range(len(levels) // 2):
        axes.fill_between(
            ahead,
            prices[:, band],
            prices[:, -1 - band],
            color=shade,
            alpha=0.16,
            linewidth=0,
            label=_bands(levels) if band == 0 else None,
        )
    axes.plot(ahead, median, color=shade, linewidth=1.6, label="median")
    axes.plot(
        ahead[: len(example.actual) + 1],
        [last, *example.actual],
        color=VERMILION,
        linewidth=1.6,
        linestyle="--",
        label="what came",
    )
    axes.set_title(label(name))
    axes.tick_params(labelsize=9)


def _bands(levels: tuple[float, ...]) -> str:
    """`bands of 80, 60, 40, 20%`, from the widest to the narrowest."""
    shares = [f"{100 * (levels[-1 - band] - levels[band]):.0f}" for band in range(len(levels) // 2)]
    return f"bands of {', '.join(shares)}%"
