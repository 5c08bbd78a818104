"""Diebold-Mariano tests of every pair, as a table of colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bridge.tuning.comparison.estimates import written
from bridge.tuning.comparison.style import BLUE, ORANGE, WIDTH, label
from bridge.tuning.comparison.tables import Tables

_LEVELS = ((0.001, 0.85), (0.01, 0.55), (0.05, 0.3))  # p below it, and the shade's strength


def draw_matrix(tables: Tables, tasks: Sequence[str]) -> tuple[Figure, str] | None:
    """Row less column; blue where the row is better, orange where it is worse, by significance."""
    tasks = [task for task in tasks if tables.scores.get(task)]
    tests = tables.significance(tasks) if tasks else []
    if not tests:
        return None
    names = list(dict.fromkeys([*(t.first for t in tests), *(t.second for t in tests)]))
    place = {name: index for index, name in enumerate(names)}
    count = len(names)
    height = max(4.0, 0.36 * count + 2.6)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    shades = np.ones((count, count, 4))
    for test in tests:
        for row, column, sign in (
            (place[test.first], place[test.second], 1.0),
            (place[test.second], place[test.first], -1.0),
        ):
            difference = sign * test.difference
            strength = next((s for p, s in _LEVELS if test.p_holm < p), 0.0)
            shades[row, column] = to_rgba(BLUE if difference < 0 else ORANGE, strength)
            axes.text(
                column,
                row,
                _signed(1e3 * difference),
                ha="center",
                va="center",
                fontsize=8.5 if count <= 12 else 7,
                color="white" if strength > 0.7 and difference < 0 else "#222222",
            )
    axes.imshow(shades, aspect="auto")
    shown = [label(name) for name in names]
    axes.set_xticks(range(count), shown, rotation=45, ha="right")
    axes.set_yticks(range(count), shown)
    axes.grid(visible=False)
    axes.set_title("Pinball ratio, row less column, in thousandths")
    handles = [Patch(facecolor=to_rgba(BLUE, s), label=f"row better, p < {p}") for p, s in _LEVELS]
    handles += [
        Patch(facecolor=to_rgba(ORANGE, s), label=f"row worse, p < {p}") for p, s in _LEVELS
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    caption = (
        f"Diebold-Mariano tests of all {len(tests)} pairs: losses added up over symbols by day "
        f"({tests[0].periods} days), HAC variance with {tests[0].lags} lags, the correction of "
        "Harvey, Leybourne and Newbold, p adjusted for all pairs by Holm. White: no difference can "
        "be told. Seeds were averaged before: a test is of these runs, and allows for other weeks, "
        "not for other seeds."
    )
    return figure, caption


def _signed(value: float) -> str:
    """Short, with a true minus; whole numbers where they are large."""
    text = written(value, "+.1f" if abs(value) < 99.5 else "+.0f")
    return text.replace("-", "\N{MINUS SIGN}")
