"""The report's tables of scores: at a glance, quality, points, forgetting, the ablation."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.page import NONE, Cell, Part, Row, Table, day, mega, ms, number
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.style import label, listed, task_title
from bridge.tuning.comparison.tables import Tables


def headline(tables: Tables) -> Table:
    """The one table to read if only one is read."""
    rows = []
    for method in tables.comparison.methods:
        own, cost = tables.row(OWN, method), tables.cost(OWN, method)
        if own is None or cost is None:
            continue
        points = [tables.row(task, method) for task in (QUANTILE, TEXT)]
        rows.append(
            [
                Cell(label(method)),
                Cell(f"{100 * cost.trainable / cost.parameters:.1f}%"),
                number(cost.seconds, ".1f"),
                Cell(mega(cost.memory_bytes)),
                number(own.pinball, ".4f"),
                number(own.to_full, "+.4f"),
                *(number(each.nrmse if each else None, ".4f") for each in points),
                Cell(_latency(tables, OWN, method, "ONNX")),
                Cell(_latency(tables, TEXT, method, "PyTorch")),
            ]
        )
    base = tables.row(OWN, "base")
    if base is not None:
        dash = Cell(NONE)
        rows.append(
            [
                *(Cell(label("base")), Cell("0"), dash, dash),
                *(number(base.pinball, ".4f"), number(base.to_full, "+.4f")),
                *4 * [dash],
            ]
        )
    best = _best(rows[: len(tables.comparison.methods)])
    return Table(
        caption="Methods at a glance",
        columns=(
            "method",
            "trained, of all",
            "training, s",
            "peak memory, MB",
            "pinball ratio",
            "less full's",
            "NRMSE 20/40, quantile",
            "NRMSE 20/40, text",
            "forecast, ONNX, ms",
            "forecast, text, ms",
        ),
        rows=tuple(
            Row(
                tuple(
                    Cell(cell.text, cell.interval, "best" if (r, c) in best else "")
                    for c, cell in enumerate(row)
                ),
                other=r >= len(tables.comparison.methods),
            )
            for r, row in enumerate(rows)
        ),
        note=(
            "Lower is better in every column; the lowest is bold. Pinball ratio: pinball loss over "
            "the Gaussian random walk's on the test windows of the base's own window. Below a "
            "number: its 95% interval, of scores over weeks and seeds, of times over seeds. "
            "Memory: of the training process above what its imports take, at the base's own "
            "window. Latency: median, one window."
        ),
    )


def quality_table(tables: Tables) -> Table:
    rows = [
        Row(
            (
                Cell(label(row.name)),
                number(row.pinball, ".4f"),
                number(row.to_base, "+.4f"),
                number(row.to_full, "+.4f"),
                Cell(f"{row.ratio_h[0]:.4f}"),
                Cell(f"{row.ratio_h[-1]:.4f}"),
                number(row.coverage, ".3f"),
                number(row.direction, ".3f"),
            ),
            other=not tables.is_trained(row.name),
        )
        for row in tables.scores[OWN]
    ]
    return Table(
        caption=task_title(tables.comparison.facts[OWN]),
        columns=(
            "forecaster",
            "pinball ratio",
            "less the base's",
            "less full's",
            "1 bar ahead",
            "last bar",
            "within the 80% interval",
            "direction, 1 bar",
        ),
        rows=tuple(rows),
        note=(
            "Small: 95% intervals of a bootstrap over weeks and seeds; differences are paired. The "
            "80% interval is right where 0.800 of outcomes lie in it. Direction: share of rises "
            "and falls called right; the random walk's is that of calling each move reversed. "
            + _windows_note(tables, OWN)
        ),
    )


def point_tables(tables: Tables) -> list[Part]:
    parts: list[Part] = []
    for task in (QUANTILE, TEXT):
        found = tables.scores.get(task)
        if not found:
            continue
        rows = tuple(
            Row(
                (
                    Cell(label(row.name)),
                    number(row.mse, ",.0f", 1e8),
                    number(row.rmse, ".2f", 1e4),
                    number(row.nrmse, ".4f"),
                    number(row.nrmse_article, ".4f"),
                    number(row.rmse_ratio, ".4f"),
                    number(row.pinball, ".4f"),
                    number(row.coverage, ".3f"),
                ),
                other=not tables.is_trained(row.name),
            )
            for row in found
        )
        parts.append(
            Table(
                caption=task_title(tables.comparison.facts[task]),
                columns=(
                    "forecaster",
                    "MSE, bp²",
                    "RMSE, bp",
                    "NRMSE",
                    "NRMSE, article's",
                    "RMSE over “stays”",
                    "pinball ratio",
                    "within the 80% interval",
                ),
                rows=rows,
                note=(
                    "The point forecast is the median. A basis point (bp) is 0.01% of the last "
                    "close. NRMSE: RMSE over the range of the prices that came. The article series "
                    "divides by the highest true price less the lowest forecast one: with the "
                    "forecast below the line, the wilder one looks the better, so it is shown and "
                    "decides nothing. “Stays”: the forecast that the price will not move. "
                    + _windows_note(tables, task)
                ),
            )
        )
    return parts


def forgetting_table(tables: Tables) -> list[Part]:
    rows = tables.forgetting()
    if not rows:
        return []
    facts = tables.comparison.facts[OWN]
    strange = set(tables.comparison.kept_symbols) - set(tables.comparison.symbols)
    whose = (
        ", of symbols that tuning never saw"
        if len(strange) == len(tables.comparison.kept_symbols)
        else ""
    )
    return [
        Table(
            caption=(
                f"Pinball ratio on the base's own data ({listed(tables.comparison.kept_symbols)}), "
                "before and after tuning"
            ),
            columns=("method", "before", "after", "change"),
            rows=tuple(
                Row(
                    (
                        Cell(label(row.method)),
                        number(row.before, ".4f"),
                        number(row.after, ".4f"),
                        number(row.change, "+.4f"),
                    )
                )
                for row in rows
            ),
            note=(
                f"Windows that end {day(facts.first)} to {day(facts.last)}{whose}. An adapter that "
                "is taken off gives the base back, whatever it forgot while it was on; full has no "
                "way back."
            ),
        )
    ]


def ablation_table(tables: Tables) -> list[Part]:
    rows = tables.ablation()
    width = max(variant.reduction for variant, _, _ in rows)
    base = tables.row(OWN, "base")
    cells = [
        Row(
            (
                Cell(f"{width // variant.reduction} of {width}"),
                Cell("none" if variant.activation == "identity" else variant.activation.upper()),
                Cell(
                    "after attention and MLP"
                    if variant.placement == DEFAULT_VARIANT.placement
                    else "after the MLP (Pfeiffer)"
                ),
                Cell(f"{spent.trainable:,}"),
                Cell(f"{100 * spent.trainable / spent.parameters:.1f}%"),
                number(spent.seconds, ".1f"),
                number(score.pinball, ".4f"),
                number(score.to_base, "+.4f"),
            )
        )
        for variant, spent, score in rows
    ]
    if base is not None:
        none = (Cell("no adapter"), Cell(NONE), Cell(NONE), Cell("0"), Cell("0%"), Cell(NONE))
        cells.append(Row((*none, number(base.pinball, ".4f"), Cell(NONE)), other=True))
    return [
        Table(
            caption="Bottlenecks by size, non-linearity and placement",
            columns=(
                *("bottleneck", "non-linearity", "placed", "trained parameters", "of all"),
                *("training, s", "pinball ratio", "less the base's"),
            ),
            rows=tuple(cells),
            words=(0, 1, 2),
        )
    ]


def _best(rows: Sequence[Sequence[Cell]]) -> set[tuple[int, int]]:
    """Where the lowest number of each column stands; the first column is names."""
    found: set[tuple[int, int]] = set()
    for column in range(1, len(rows[0]) if rows else 0):
        numbers = {}
        for index, row in enumerate(rows):
            text = row[column].text.rstrip("%").replace(",", "")
            try:
                numbers[index] = float(text)
            except ValueError:
                continue
        if len(numbers) > 1:
            least = min(numbers.values())
            found |= {(index, column) for index, value in numbers.items() if value == least}
    return found


def _latency(tables: Tables, task: str, method: str, runtime: str) -> str:
    for each in tables.comparison.measures.timings:
        if (each.task, each.method, each.runtime) == (task, method, runtime):
            return ms(each.p50_us)
    return NONE


def _windows_note(tables: Tables, task: str) -> str:
    facts, seeds = tables.comparison.facts[task], int(tables.comparison.plan["seeds"])
    return (
        f"{facts.test_windows:,} windows of {len(tables.comparison.symbols)} "
        f"symbol{'s' if len(tables.comparison.symbols) > 1 else ''}, {facts.stride} bars apart, "
        f"{day(facts.first)} to {day(facts.last)}; {seeds} seed{'s' if seeds > 1 else ''}."
    )
