"""Predicted against actual: every method's fan on the same window."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bridge.bars import timeframe_name
from bridge.bars.times import stamp
from bridge.tuning.comparison.results import Example
from bridge.tuning.comparison.style import BLACK, VERMILION, WIDTH, colour, label, task_title
from bridge.tuning.comparison.tables import Tables

_COLUMNS = 3


def draw_fans(tables: Tables, task: str) -> tuple[Figure, str] | None:
    """Small multiples, one a method: closes before, what came, median and intervals."""
    comparison = tables.comparison
    example = comparison.examples.get(task)
    forecasts = {
        run.key.method: run.example
        for method in comparison.methods
        for run in comparison.of(task, method)
        if run.example is not None and run.key.fold == 0
    }
    if example is None or not forecasts:
        return None
    facts = comparison.facts[task]
    columns = 2 if len(forecasts) in (2, 4) else min(len(forecasts), _COLUMNS)
    rows = math.ceil(len(forecasts) / columns)
    figure = Figure(figsize=(WIDTH, 2.9 * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, (method, quantiles) in zip(axes.flat, forecasts.items(), strict=False):
        _fan(place, method, example, quantiles, facts.levels, facts.context)
    for place in list(axes.flat)[len(forecasts) :]:
        place.set_visible(False)
    name = timeframe_name(facts.tf)
    for index, place in enumerate(list(axes.flat)[: len(forecasts)]):
        if index + columns >= len(forecasts):  # the lowest of its column
            place.tick_params(labelbottom=True)
            place.set_xlabel(f"{name} bars from the last closed one")
        if index % columns == 0:
            place.set_ylabel(f"{example.symbol} close".strip())
    figure.suptitle(
        f"{example.symbol} {name} after {stamp(example.time)}: {task_title(facts)}",
        fontsize=11,
        fontweight="bold",
        x=0.01,
        ha="left",
    )
    handles, texts = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(handles))
    caption = (
        "The same window forecast by every method (first seed). It is the test window whose "
        "moves, in units of its own past volatility, are the median of all: an ordinary one, "
        "chosen by no forecast. The bands are where the method expects the price to be."
    )
    return figure, caption


def _fan(
    axes: Axes,
    method: str,
    example: Example,
    quantiles: np.ndarray,
    levels: tuple[float, ...],
    context: int,
) -> None:
    horizon = len(quantiles)
    last = example.past[-1]
    shown = example.past[-min(len(example.past), max(context, horizon), 2 * horizon) :]
    prices = np.concatenate([np.full((1, len(levels)), last), last * np.exp(quantiles)])
    ahead = np.arange(horizon + 1)
    axes.plot(np.arange(1 - len(shown), 1), shown, color=BLACK, linewidth=1.4, label="close")
    for band in range(len(levels) // 2):
        axes.fill_between(
            ahead,
            prices[:, band],
            prices[:, -1 - band],
            color=colour("lora"),
            alpha=0.16,
            linewidth=0,
            label=_bands(levels) if band == 0 else None,
        )
    axes.plot(
        ahead, prices[:, levels.index(0.5)], color=colour("lora"), linewidth=1.6, label="median"
    )
    axes.plot(
        ahead[: len(example.actual) + 1],
        [last, *example.actual],
        color=VERMILION,
        linewidth=1.6,
        linestyle="--",
        label="what came",
    )
    axes.set_title(label(method))
    axes.tick_params(labelsize=9)


def _bands(levels: tuple[float, ...]) -> str:
    """`bands of 80, 60, 40, 20%`, from the widest to the narrowest."""
    shares = [f"{100 * (levels[-1 - band] - levels[band]):.0f}" for band in range(len(levels) // 2)]
    return f"bands of {', '.join(shares)}%"
