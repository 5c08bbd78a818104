"""How forecasters are named, coloured and marked, alike in every chart and table.

Colours are Okabe and Ito's, which readers with any kind of colour vision tell apart; each method
has a marker of its own beside, so that no chart depends on colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.tuning.comparison.plan import LARGE, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import TaskFacts

BLACK, ORANGE, SKY, GREEN = "#222222", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
FAINT = "#E4E4E4"
WIDTH = 10.0
"""Inches of a chart; at 100 dots an inch what a page of 1000 pixels shows."""

LABELS = {
    "full": "full",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "bottleneck": "bottleneck",
    "prefix": "prefix",
    "ia3": "IA3",
    "base": "base, not tuned",
    "random_walk": "random walk",
    "ewma": "EWMA variance",
    "hour_of_week": "hour of week",
    "hour_of_week_bounded": "hour of week, bounded",
    "theta": "Theta",
    "garch": "GARCH(1,1)-t",
    "garch_hour_of_week": "GARCH-t, hour of week",
}
COLOURS = {
    "full": BLACK,
    "lora": BLUE,
    "qlora": SKY,
    "bottleneck": VERMILION,
    "prefix": GREEN,
    "ia3": PURPLE,
}
MARKERS = {
    "full": "s",
    "lora": "o",
    "qlora": "v",
    "bottleneck": "D",
    "prefix": "^",
    "ia3": "P",
}
LINES: dict[str, Any] = {
    "full": "-",
    "lora": "-",
    "qlora": (0, (4, 2)),
    "bottleneck": "-",
    "prefix": (0, (1, 1)),
    "ia3": (0, (4, 1, 1, 1)),
}
FONT: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": BLACK,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.formatter.useoffset": False,
}


def label(name: str) -> str:
    """What a reader sees; `lora/text` is LoRA with the text head."""
    method, slash, head = name.partition("/")
    shown = LABELS.get(method, method)
    return f"{shown}, {head}" if slash else shown


def colour(name: str) -> str:
    """A method's colour; grey for what was not trained here."""
    return COLOURS.get(name, GREY)


def marker(name: str) -> str:
    """A method's marker; a dot for what was not trained here."""
    return MARKERS.get(name, ".")


def task_title(facts: TaskFacts) -> str:
    """`128 bars in, 16 out, quantile head`."""
    head = TEXT if facts.task == TEXT else QUANTILE
    shape = f"{facts.context} bars in, {facts.horizon} out"
    return f"{shape}, {head} head"


def task_name(task: str) -> str:
    """The task in few words."""
    names = {
        LARGE: "at GPT-2 small's size",
        OWN: "own window",
        QUANTILE: "20 in, 40 out, quantile",
        TEXT: "20 in, 40 out, text",
    }
    return names[task]


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
