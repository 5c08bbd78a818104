"""All of the report's charts, as PNG files with captions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bridge.tuning.comparison.cost_charts import cost, curves, latency
from bridge.tuning.comparison.fans import draw_fans
from bridge.tuning.comparison.matrix import draw_matrix
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.score_charts import ablation, horizons, points, quality
from bridge.tuning.comparison.style import FONT
from bridge.tuning.comparison.tables import Tables

DPI = 150


def draw_all(tables: Tables, folder: Path) -> dict[str, str]:
    """Write every chart that the results allow, as PNG.

    Returns:
        What each shows, by the name of its file, in the report's order.
    """
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    charts: list[tuple[str, Callable[[Tables], tuple[Figure, str] | None]]] = [
        ("quality.png", quality),
        ("cost.png", cost),
        ("curves.png", curves),
        ("ablation.png", ablation),
        ("horizons.png", horizons),
        ("points.png", points),
        *[
            (f"forecasts-{task}.png", lambda found, task=task: draw_fans(found, task))
            for task in (OWN, QUANTILE, TEXT)
        ],
        ("latency.png", latency),
        ("significance-own.png", lambda found: draw_matrix(found, [OWN])),
        (
            "significance-points.png",
            lambda found: draw_matrix(found, [QUANTILE, TEXT]),
        ),
    ]
    written = {}
    with mpl.rc_context(FONT):
        for name, draw in charts:
            drawn = draw(tables)
            if drawn is not None:
                figure, caption = drawn
                figure.savefig(folder / name, dpi=DPI, metadata={"Software": None})
                written[name] = caption
    return written
