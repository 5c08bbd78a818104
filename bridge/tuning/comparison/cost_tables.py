"""The report's tables of costs: training, latency, int8, memory, and the targets held to them."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.page import NONE, Cell, Part, Row, Table, mega, ms, number
from bridge.tuning.comparison.plan import OWN
from bridge.tuning.comparison.results import Sharing
from bridge.tuning.comparison.style import label, task_name, task_title
from bridge.tuning.comparison.tables import SAME_LOSS, Cost, Tables
from bridge.tuning.comparison.targets import Target


def cost_tables(tables: Tables) -> list[Part]:
    parts: list[Part] = []
    for task, costs in tables.costs.items():
        rows = tuple(Row(tuple(_cost_cells(tables, task, cost))) for cost in costs)
        parts.append(
            Table(
                caption=task_title(tables.comparison.facts[task]),
                columns=(
                    "method",
                    "trained parameters",
                    "of all",
                    "training, s",
                    "ms a step",
                    f"best validation {costs[0].score}" if costs else "",
                    "s to beat the base",
                    "s to beat the walk",
                    "s to full's best",
                    "peak memory, MB",
                    "to store, kB",
                ),
                rows=rows,
                note=(
                    "Time to the first useful model: seconds of training until the validation "
                    "score beats that of the base as it was, and that of the bounded hour-of-week "
                    "walk; a dash where there is none to compare with. To full's best: until it "
                    f"came within {SAME_LOSS} of the best score that full reached with the same "
                    "seed. “2 of 3” where only some runs got there."
                    if task == OWN
                    else "Beside the adapter, what the base lacks is new and trained by every "
                    "method: the patches' embedding and parts of the head, for text its digits "
                    "and the positions of its longer input."
                ),
            )
        )
    return parts


def _cost_cells(tables: Tables, task: str, cost: Cost) -> list[Cell]:
    runs = len(tables.comparison.of(task, cost.method))

    def time(value: Estimate | None, reached: int) -> Cell:
        if value is not None:
            return number(value, ".1f")
        return Cell(f"{reached} of {runs}") if reached else Cell(NONE)

    comparable = cost.score == "pinball ratio"
    has_base = comparable and tables.validation(task, "base") is not None

    def or_never(cell: Cell, known: bool) -> Cell:
        return Cell("never") if known and cell.text == NONE else cell

    return [
        Cell(label(cost.method)),
        Cell(f"{cost.trainable:,}"),
        Cell(f"{100 * cost.trainable / cost.parameters:.1f}%"),
        number(cost.seconds, ".1f"),
        number(cost.step_ms, ".1f"),
        number(cost.validation, ".4f"),
        or_never(time(cost.beats_base, cost.reached[0]), has_base),
        or_never(time(cost.beats_walk, cost.reached[1]), comparable),
        or_never(time(cost.same_loss, cost.reached[2]), "full" in tables.comparison.methods),
        Cell(mega(cost.memory_bytes)),
        Cell(f"{cost.stored_bytes / 1e3:,.1f}"),
    ]


def latency_tables(tables: Tables) -> list[Part]:
    timings = tables.comparison.measures.timings
    rows = []
    for task, method in dict.fromkeys((each.task, each.method) for each in timings):
        cells = [Cell(label(method)), Cell(task_name(task))]
        for runtime in ("PyTorch", "ONNX", "int8"):
            found = [
                each
                for each in timings
                if (each.task, each.method, each.runtime) == (task, method, runtime)
            ]
            cells += (
                [Cell(ms(found[0].p50_us)), Cell(ms(found[0].p99_us))]
                if found
                else 2 * [Cell(NONE)]
            )
        rows.append(Row(tuple(cells)))
    parts: list[Part] = [
        Table(
            caption="Milliseconds for one window, median and 99th percentile",
            columns=(
                "method",
                "window and head",
                *("PyTorch p50", "PyTorch p99", "ONNX p50", "ONNX p99", "int8 p50", "int8 p99"),
            ),
            rows=tuple(rows),
            words=(0, 1),
            note=(
                "All ways were asked in turns in one run, one window at a time. At 20 in and 40 "
                "out both heads answer in PyTorch, the one runtime that both have."
            ),
        )
    ]
    quantised = tables.comparison.measures.quantised
    if quantised:
        parts.append(
            Table(
                caption="int8 against float32: pinball ratio on the test windows, own window",
                columns=("method", "float32", "int8", "difference"),
                rows=tuple(
                    Row(
                        (
                            Cell(label(each.method)),
                            Cell(each.refused or NONE),
                            Cell(NONE),
                            Cell(NONE),
                        )
                    )
                    if each.refused
                    else Row(
                        (
                            Cell(label(each.method)),
                            Cell(f"{each.float32:.4f}"),
                            Cell(f"{each.int8:.4f}"),
                            number(Estimate(*each.difference), "+.4f"),
                        )
                    )
                    for each in quantised
                ),
                note="Static int8, its scales fixed on training windows; first seed.",
            )
        )
    return parts


def memory_tables(tables: Tables) -> list[Part]:
    measures = tables.comparison.measures
    parts: list[Part] = []
    large = [each for each in measures.memory if each.network != "base"]
    if large:
        full = next((each for each in large if each.method == "full"), None)
        parts.append(
            Table(
                caption=f"Training at {large[0].network}: 12 layers, width 768, random weights",
                columns=("method", "peak memory, MB", "over full's", "ms a step", "over full's"),
                rows=tuple(
                    Row(
                        (
                            Cell(label(each.method)),
                            Cell(mega(each.peak_bytes)),
                            Cell(f"{each.peak_bytes / full.peak_bytes:.2f}" if full else NONE),
                            Cell(f"{each.step_ms:,.0f}"),
                            Cell(f"{each.step_ms / full.step_ms:.2f}" if full else NONE),
                        )
                    )
                    for each in large
                ),
                note=(
                    "The base above is small, and there the cost of a step is that of its passes. "
                    "What adapters save, gradients and optimizer state, shows in a network of this "
                    "size: a few steps of 16 windows each, so these figures compare costs alone."
                ),
            )
        )
    if measures.sharing:
        parts.append(
            Table(
                caption="Serving many adapters on one base in PyTorch",
                columns=(
                    "adapters",
                    "base",
                    "process with one, MB",
                    "with all, MB",
                    "ratio",
                    "each further one, MB",
                ),
                rows=tuple(
                    Row(
                        (
                            Cell(f"{each.adapters} {label(each.method)}"),
                            Cell("this base" if each.network == "base" else each.network),
                            Cell(mega(each.process_one_bytes)),
                            Cell(mega(each.process_many_bytes)),
                            Cell(f"{each.process_many_bytes / each.process_one_bytes:.2f}"),
                            Cell(f"{_further(each) / 1e6:.2f}"),
                        )
                    )
                    for each in measures.sharing
                ),
                words=(0, 1),
                note="The process's own memory, libraries included, each adapter asked once.",
            )
        )
    return parts


def _further(each: Sharing) -> float:
    """Bytes that each adapter after the first takes."""
    more = each.process_many_bytes - each.process_one_bytes
    return more / max(1, each.adapters - 1)


def target_table(judged: Sequence[Target]) -> list[Part]:
    if not judged:
        return []
    rows = []
    for each in judged:
        verdict = {True: "met", False: "missed", None: "not measured"}[each.met]
        kind = {True: "met", False: "missed", None: ""}[each.met]
        rows.append(
            Row(
                (
                    Cell(each.who),
                    Cell(each.what),
                    Cell(each.limit),
                    Cell(each.measured),
                    Cell(verdict, classes=kind),
                    Cell(each.margin),
                )
            )
        )
    return [
        Table(
            caption="Each target, what was measured, and by how much it was met or missed",
            columns=("who", "what", "target", "measured", "", "margin"),
            rows=tuple(rows),
            words=(0, 1, 2, 3, 4, 5),
        )
    ]
