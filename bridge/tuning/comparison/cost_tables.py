"""The report's tables of costs: training, latency, int8, memory, and the targets held to them."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.page import NONE, Cell, Part, Row, Table, filled, mega, ms, number
from bridge.tuning.comparison.phrases import has_seeds, named, span
from bridge.tuning.comparison.plan import MERGED, OWN
from bridge.tuning.comparison.results import (
    BASE_NETWORK,
    INT8,
    ONNX,
    PINBALL_RATIO,
    PYTORCH,
    Memory,
    Quantised,
    Sharing,
    Timing,
)
from bridge.tuning.comparison.style import label, task_name, task_title
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import Target
from bridge.tuning.comparison.training_costs import SAME_LOSS, Cost
from bridge.tuning.scoring.baselines import STRONGEST_WALK

_FROM_THE_START = "from the start"
_RUNTIMES = (PYTORCH, ONNX, INT8)
_SURE_CALLS = 1000  # of so many, ten lie above the 99th percentile


def cost_tables(tables: Tables) -> list[Part]:
    parts: list[Part] = []
    for task, costs in tables.costs.items():
        if not costs:
            continue
        table = Table(
            caption=task_title(tables.comparison.facts[task]),
            columns=(
                "method",
                "trained parameters",
                "of all",
                "training, s",
                "ms a step",
                f"best validation {costs[0].score}",
                "s to beat the base",
                "s to beat the walk",
                "s to full's best",
                "peak memory, MB",
                "peak memory, CUDA, MB",
                "to store, kB",
            ),
            rows=tuple(Row(tuple(_cost_cells(tables, task, cost))) for cost in costs),
            note=" ".join(_cost_notes(tables, task, costs)),
        )
        parts.append(filled(table))
    return parts


def _cost_cells(tables: Tables, task: str, cost: Cost) -> list[Cell]:
    runs = len(tables.comparison.of(task, cost.method))
    is_ratio = cost.score == PINBALL_RATIO
    has_base = is_ratio and tables.validation(task, BASE) is not None
    has_walk = is_ratio and tables.validation(task, STRONGEST_WALK) is not None
    has_full = is_ratio and tables.cost(task, "full") is not None

    def time(value: Estimate | None, reached: int, known: bool, at_start: bool) -> Cell:
        if not known:
            return Cell(NONE)
        if at_start:
            return Cell(_FROM_THE_START)
        if value is not None:
            return number(value, ".1f")
        return Cell(f"{reached} of {runs}" if reached else "never")

    base, walk, full = cost.reached
    return [
        Cell(label(cost.method)),
        Cell(f"{cost.trainable:,}"),
        Cell(f"{100 * cost.trainable / cost.parameters:.1f}%"),
        number(cost.seconds, ".1f"),
        number(cost.step_ms, ".1f"),
        number(cost.validation, ".4f"),
        time(cost.beats_base, base, has_base, at_start=False),
        time(cost.beats_walk, walk, has_walk, cost.walk_beaten_at_start),
        time(cost.same_loss, full, has_full, cost.full_met_at_start),
        Cell(mega(cost.memory_bytes)),
        Cell(mega(cost.device_bytes)),
        Cell(f"{cost.stored_bytes / 1e3:,.1f}"),
    ]


def _cost_notes(tables: Tables, task: str, costs: Sequence[Cost]) -> list[str]:
    notes = []
    if costs[0].score == PINBALL_RATIO:
        every = span([cost.validated_every.value for cost in costs], ".1f")
        notes.append(
            "Time to the first useful model: seconds of training until the validation score beats "
            "that of the base as it was, and that of the bounded hour-of-week walk; "
            f"“{_FROM_THE_START}” where the base as it was does already. To full's best: until it "
            f"came within {SAME_LOSS} of the best score that full reached with the same seed. "
            f"“2 of 3” where only some runs got there. These times are known to {every} s, the "
            "time from one validation to the next."
        )
    if task != OWN:
        notes.append(
            "Beside the adapter, what the base lacks is new and trained by every method: the "
            "patches' embedding and parts of the head, for text its digits and the positions of "
            "its longer input."
        )
    elif tables.row(OWN, BASE) is None:
        notes.append(
            "Beside the adapter, what a base of words lacks is new and trained by every method: "
            "the patches' embedding and the head. Its blocks are stored with each adapter."
        )
    else:
        notes.append("To store: full is the whole network, an adapter what it trained.")
    over = "over seeds, with 95% intervals" if has_seeds(tables) else "of one seed: no intervals"
    return [*notes, f"Times are geometric means {over}."]


def latency_tables(tables: Tables) -> list[Part]:
    measures = tables.comparison.measures
    rows = []
    for task, method in dict.fromkeys((each.task, each.method) for each in measures.timings):
        cells = [Cell(label(method)), Cell(task_name(task))]
        for runtime in _RUNTIMES:
            cells += _timed(measures.timing(task, method, runtime))
        rows.append(Row(tuple(cells)))
    names = [f"{runtime} {part}" for runtime in _RUNTIMES for part in ("p50", "p99")]
    few = any(0 < each.calls < _SURE_CALLS for each in measures.timings)
    near = (
        f" Of fewer than {_SURE_CALLS:,} calls the 99th percentile is uncertain, of fewer than 100 "
        "it is nearly the longest."
        if few
        else ""
    )
    table = Table(
        caption="Milliseconds for one window, median and 99th percentile",
        columns=("method", "window and head", *names),
        rows=tuple(rows),
        words=(0, 1),
        note=(
            "All ways were asked in turns in one run, one window at a time, on one thread. Small: "
            "below a median its 95% interval over turns, below a 99th percentile the calls it is "
            f"of.{near}{_merged(tables)} At 20 in and 40 out the heads answer in PyTorch, the one "
            "runtime that both have."
        ),
    )
    return [filled(table), *_quantised(measures.quantised)]


def _merged(tables: Tables) -> str:
    """Which methods' graphs differ by nothing that takes time."""
    alike = [each for each in tables.comparison.methods if each in ("full", *MERGED)]
    if len(alike) < 2:
        return ""
    return (
        f" {named(alike)} are the same graph in ONNX, with other numbers, as an adapter that can "
        "be is merged before: what differs between them is noise."
    )


def _timed(timing: Timing | None) -> list[Cell]:
    if timing is None:
        return 2 * [Cell(NONE)]
    low, high = timing.p50_ci
    calls = f"of {timing.calls:,}" if timing.calls else ""
    return [
        Cell(ms(timing.p50_us), f"[{ms(low)}, {ms(high)}]"),
        Cell(ms(timing.p99_us), calls),
    ]


def _quantised(quantised: Sequence[Quantised]) -> list[Part]:
    if not quantised:
        return []
    return [
        Table(
            caption="int8 against float32: pinball ratio on the test windows, own window",
            columns=("method", "float32", "int8", "difference"),
            rows=tuple(Row(tuple(_int8_cells(each))) for each in quantised),
            note=(
                "Static int8, its scales fixed on training windows; first seed. The interval is "
                "95%, over weeks."
            ),
        )
    ]


def _int8_cells(each: Quantised) -> list[Cell]:
    if each.refused:
        return [Cell(label(each.method)), Cell(each.refused), Cell(NONE), Cell(NONE)]
    return [
        Cell(label(each.method)),
        Cell(f"{each.float32:.4f}"),
        Cell(f"{each.int8:.4f}"),
        number(Estimate(*each.difference), "+.4f"),
    ]


def memory_tables(tables: Tables) -> list[Part]:
    measures = tables.comparison.measures
    large = [each for each in measures.memory if each.network != BASE_NETWORK]
    return [*_large(large), *_sharing(measures.sharing)]


def _large(large: Sequence[Memory]) -> list[Part]:
    if not large:
        return []
    full = next((each for each in large if each.method == "full"), None)
    table = Table(
        caption=f"Training at {large[0].network}: 12 layers, width 768, random weights",
        columns=(
            *("method", "peak memory, MB", "over full's", "peak memory, CUDA, MB", "over full's"),
            *("ms a step", "over full's"),
        ),
        rows=tuple(
            Row(
                (
                    Cell(label(each.method)),
                    Cell(mega(each.peak_bytes)),
                    _over(each.peak_bytes, full.peak_bytes if full else None),
                    Cell(mega(each.device_bytes or None)),
                    _over(each.device_bytes, full.device_bytes if full else None),
                    Cell(f"{each.step_ms:,.0f}"),
                    _over(each.step_ms, full.step_ms if full else None),
                )
            )
            for each in large
        ),
        note=(
            "The base above is small, and there the cost of a step is that of its passes. What "
            "adapters save, gradients and optimizer state, shows in a network of this size. Each "
            "was measured once, over a few steps of 16 windows: these figures compare costs alone, "
            "and have no interval."
        ),
    )
    return [filled(table)]


def _over(value: float, full: float | None) -> Cell:
    return Cell(f"{value / full:.2f}" if full else NONE)


def _sharing(sharing: Sequence[Sharing]) -> list[Part]:
    if not sharing:
        return []
    return [
        Table(
            caption="Serving many adapters on one base in PyTorch",
            columns=(
                *("adapters", "base", "process with one, MB", "with all, MB", "ratio"),
                *("without libraries: with one, MB", "with all, MB", "ratio"),
                "each further one, MB",
            ),
            rows=tuple(Row(tuple(_sharing_cells(each))) for each in sharing),
            words=(0, 1),
            note=(
                "Each adapter was asked once. The whole process is what a task manager shows; "
                "where the base is small most of it is libraries, so that beside it stands what "
                "base and adapters take above them. Each was measured once, and has no interval."
            ),
        )
    ]


def _sharing_cells(each: Sharing) -> list[Cell]:
    further = (each.process_many_bytes - each.process_one_bytes) / max(1, each.adapters - 1)
    return [
        Cell(f"{each.adapters} {label(each.method)}"),
        Cell("this base" if each.network == BASE_NETWORK else each.network),
        Cell(mega(each.process_one_bytes)),
        Cell(mega(each.process_many_bytes)),
        _over(each.process_many_bytes, each.process_one_bytes),
        Cell(mega(each.one_bytes)),
        Cell(mega(each.many_bytes)),
        _over(each.many_bytes, each.one_bytes),
        Cell(f"{further / 1e6:.2f}"),
    ]


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
            note="A target is judged by the value measured; in brackets, its 95% interval.",
        )
    ]
