"""The report's tables of scores: at a glance, quality, points, forgetting, the ablation."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.forecaster.text import PATHS
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.page import (
    NONE,
    Cell,
    Part,
    Row,
    Table,
    day,
    filled,
    mega,
    ms,
    number,
)
from bridge.tuning.comparison.phrases import (
    SAMPLED_ROOT,
    SAMPLED_SQUARE,
    counted,
    has_seeds,
    interval_note,
)
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import ONNX, PYTORCH
from bridge.tuning.comparison.style import label, listed, task_title
from bridge.tuning.comparison.tables import Tables


def headline(tables: Tables) -> Table:
    """The one table to read if only one is read."""
    methods = []
    for method in tables.comparison.methods:
        own, cost = tables.row(OWN, method), tables.cost(OWN, method)
        if own is None or cost is None:
            continue
        points = [tables.row(task, method) for task in (QUANTILE, TEXT)]
        methods.append(
            [
                Cell(label(method)),
                Cell(f"{100 * cost.trainable / cost.parameters:.1f}%"),
                number(cost.seconds, ".1f"),
                Cell(mega(cost.memory_bytes)),
                number(own.pinball, ".4f"),
                number(own.to_full, "+.4f"),
                *(number(each.nrmse if each else None, ".4f") for each in points),
                _latency(tables, OWN, method, ONNX),
                _latency(tables, TEXT, method, PYTORCH),
            ]
        )
    best = _best(methods)
    rows = [
        Row(
            tuple(
                Cell(cell.text, cell.interval, "best" if (r, c) in best else "")
                for c, cell in enumerate(row)
            )
        )
        for r, row in enumerate(methods)
    ]
    base, dash = tables.row(OWN, BASE), Cell(NONE)
    if base is not None:
        scores = (number(base.pinball, ".4f"), number(base.to_full, "+.4f"))
        first = (Cell(label(BASE)), Cell("0"), dash, dash)
        rows.append(Row((*first, *scores, *4 * [dash]), other=True))
    return filled(
        Table(
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
            rows=tuple(rows),
            note=_headline_note(tables),
        )
    )


def _headline_note(tables: Tables) -> str:
    bold = " The lowest is bold, whether it can be told from the next or not."
    times = " Those of times are over seeds." if has_seeds(tables) else ""
    return (
        f"Lower is better in every column.{bold if len(tables.comparison.methods) > 1 else ''} "
        "Pinball ratio: pinball loss over the Gaussian random walk's on the test windows of the "
        f"base's own window. Below a number: its interval. {interval_note(tables)}{times} Memory: "
        "of the training process above what its imports take, at the base's own window, measured "
        f"once. Latency: median, one window; its interval is over turns.{_sampling(tables)}"
    )


def quality_table(tables: Tables) -> Table:
    facts = tables.comparison.facts[OWN]
    rows = [
        Row(
            (
                Cell(label(row.name)),
                number(row.pinball, ".4f"),
                number(row.to_base, "+.4f"),
                number(row.to_full, "+.4f"),
                number(row.ratio_h[0], ".4f"),
                number(row.ratio_h[-1], ".4f"),
                number(row.coverage, ".3f"),
                number(row.direction, ".3f"),
            ),
            other=not tables.is_trained(row.name),
        )
        for row in tables.scores[OWN]
    ]
    return filled(
        Table(
            caption=task_title(facts),
            columns=(
                "forecaster",
                "pinball ratio",
                "less the base's",
                "less full's",
                "at 1 bar ahead",
                f"at {facts.horizon} bars ahead",
                "within the 80% interval",
                "direction, 1 bar",
            ),
            rows=tuple(rows),
            note=(
                f"Small: intervals. {interval_note(tables)} Differences are paired. The 80% "
                "interval is right where 0.800 of outcomes lie in it. Direction: share of rises "
                "and falls called right; the random walk's is that of calling each move reversed. "
                + _windows_note(tables, OWN)
            ),
        )
    )


def point_tables(tables: Tables) -> list[Part]:
    return [_points(tables, task) for task in (QUANTILE, TEXT) if tables.scores.get(task)]


def _points(tables: Tables, task: str) -> Table:
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
        for row in tables.scores[task]
    )
    return filled(
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
                "The point forecast is the median. A basis point (bp) is 0.01% of the last close. "
                "NRMSE: RMSE over the range of the prices that came. The article series divides "
                "by the highest true price less the lowest forecast one: with the forecast below "
                "the line, the wilder one looks the better, so it is shown and decides nothing. "
                "“Stays”: the forecast that the price will not move."
                f"{_sampling(tables) if task == TEXT else ''} {interval_note(tables, task)} "
                + _windows_note(tables, task)
            ),
        )
    )


def _sampling(tables: Tables) -> str:
    """What the text head's scores hold that is no fault of its distribution."""
    if TEXT not in tables.comparison.facts:
        return ""
    return (
        f" Text's quantiles are those of {PATHS} sampled paths: sampling alone adds about "
        f"{SAMPLED_SQUARE:.0%} to its MSE and {SAMPLED_ROOT:.0%} to RMSE and NRMSE, however good "
        "its distribution."
    )


def forgetting_table(tables: Tables) -> list[Part]:
    rows = tables.forgetting()
    if not rows:
        return []
    comparison = tables.comparison
    strange = not set(comparison.kept_symbols) & set(comparison.symbols)
    whose = ", of symbols that tuning never saw" if strange else ""
    return [
        Table(
            caption=(
                f"Pinball ratio on the base's own data ({listed(comparison.kept_symbols)}), "
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
                f"Windows{_kept_days(tables)}{whose}. An adapter that is taken off gives the base "
                f"back, whatever it forgot while it was on; full has no way back. "
                f"{interval_note(tables)}"
            ),
        )
    ]


def _kept_days(tables: Tables) -> str:
    folds = tables.comparison.facts[OWN].folds
    first = [fold.kept_first for fold in folds if fold.kept_first is not None]
    last = [fold.kept_last for fold in folds if fold.kept_last is not None]
    return f" that end {day(min(first))} to {day(max(last))}" if first and last else ""


def ablation_table(tables: Tables) -> list[Part]:
    rows = tables.ablation()
    known = [variant for variant, _, _ in rows]
    usual = (
        {
            variant: tables.ablation_difference(variant, DEFAULT_VARIANT)
            for variant in known
            if variant != DEFAULT_VARIANT
        }
        if DEFAULT_VARIANT in known
        else {}
    )
    width = tables.comparison.facts[OWN].width
    base = tables.row(OWN, BASE)
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
                number(usual.get(variant), "+.4f"),
            )
        )
        for variant, spent, score in rows
    ]
    if base is not None:
        none = (Cell("no adapter"), Cell(NONE), Cell(NONE), Cell("0"), Cell("0%"), Cell(NONE))
        ratio = number(base.pinball, ".4f")
        cells.append(Row((*none, ratio, Cell(NONE), Cell(NONE)), other=True))
    return [
        filled(
            Table(
                caption="Bottlenecks by size, non-linearity and placement",
                columns=(
                    *("bottleneck", "non-linearity", "placed", "trained parameters", "of all"),
                    *("training, s", "pinball ratio", "less the base's", "less the usual one's"),
                ),
                rows=tuple(cells),
                words=(0, 1, 2),
                note=(
                    f"The usual one: {width // DEFAULT_VARIANT.reduction} of {width}, "
                    f"{DEFAULT_VARIANT.activation.upper()}, after attention and MLP. "
                    f"{interval_note(tables)} Differences are paired."
                ),
            )
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


def _latency(tables: Tables, task: str, method: str, runtime: str) -> Cell:
    found = tables.comparison.measures.timing(task, method, runtime)
    if found is None:
        return Cell(NONE)
    low, high = found.p50_ci
    return Cell(ms(found.p50_us), f"[{ms(low)}, {ms(high)}]")


def _windows_note(tables: Tables, task: str) -> str:
    facts, comparison = tables.comparison.facts[task], tables.comparison
    return (
        f"{counted(facts.test_windows, 'window')} of {counted(len(comparison.symbols), 'file')}, "
        f"{facts.stride} bars apart, that end {day(facts.first)} to {day(facts.last)}; "
        f"{counted(int(comparison.plan['seeds']), 'seed')}."
    )
