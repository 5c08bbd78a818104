"""What was to be reached, what was, and by how much it was missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.tuning.comparison.estimates import written
from bridge.tuning.comparison.plan import LARGE, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import Sharing, Timing
from bridge.tuning.comparison.style import label, listed, task_name
from bridge.tuning.comparison.tables import SAME_LOSS, Tables

MOST_TRAINED = 0.05
FASTER = 1.5
MEMORY_SHARE = 0.5
WITHIN_FULL = 0.003
TEXT_SPEED = 50.0
INT8_SPEED = 1.5
WITHIN_FLOAT32 = 0.002
SHARED_MEMORY = 1.2
_JUDGED = ("bottleneck", "lora")


@dataclass(frozen=True)
class Target:
    """A figure held to its limit.

    Attributes:
        who: which method, network or pair. what: is measured.
        limit, measured: in words, with units.
        met: None where it could not be measured.
        margin: by how much it was met or missed.
    """

    who: str
    what: str
    limit: str
    measured: str
    met: bool | None
    margin: str


def targets(tables: Tables) -> list[Target]:
    """All targets that the comparison's plan lets one judge."""
    found: list[Target] = []
    for method in _JUDGED:
        if method in tables.comparison.methods and tables.cost(OWN, method):
            found += _of_method(tables, method)
    found += _text_against_quantile(tables)
    found += _int8(tables)
    found += [_sharing(each) for each in tables.comparison.measures.sharing]
    return found


def _of_method(tables: Tables, method: str) -> list[Target]:
    cost = tables.cost(OWN, method)
    assert cost is not None
    share = cost.trainable / cost.parameters
    found = [
        _at_most(
            label(method),
            "trained parameters, of all",
            share,
            MOST_TRAINED,
            lambda value: f"{100 * value:.1f}%",
        )
    ]
    full = tables.cost(OWN, "full")
    if full is None:
        return found
    found += _speed_or_memory(tables, method)
    row = tables.row(OWN, method)
    if row is not None and row.to_full is not None:
        interval = _interval(row.to_full.low, row.to_full.high)
        target = _at_most(
            label(method),
            "pinball ratio less that of full",
            row.to_full.value,
            WITHIN_FULL,
            _signed,
        )
        found.append(_with(target, measured=target.measured + interval))
    return found


def _speed_or_memory(tables: Tables, method: str) -> list[Target]:
    """Two ways to one target, on the base itself; and the memory at a larger network's size."""
    speed, speed_text = _speed_to_full(tables, method)
    found = []
    for network in dict.fromkeys(each.network for each in tables.comparison.measures.memory):
        peaks = {
            each.method: each.peak_bytes
            for each in tables.comparison.measures.memory
            if each.network == network and each.task == OWN
        }
        if method not in peaks or not peaks.get("full"):
            continue
        share = peaks[method] / peaks["full"]
        if network != "base":
            what = f"peak memory of training over full's, at {network}"
            found.append(_at_most(label(method), what, share, MEMORY_SHARE, _hundredths))
            continue
        fast, small = speed is not None and speed >= FASTER, share <= MEMORY_SHARE
        short = [] if speed is None else [f"{_times(FASTER - speed)} too slow"]
        short.append(f"{_hundredths(share - MEMORY_SHARE)} too much memory")
        found.append(
            Target(
                label(method),
                "time to full's best validation score, or peak memory of training",
                f"{_times(FASTER)} as fast, or {_hundredths(MEMORY_SHARE)} of the memory",
                f"{speed_text}; {_hundredths(share)} of the memory",
                fast or small,
                f"by {listed(['speed'] * fast + ['memory'] * small)}"
                if fast or small
                else listed(short),
            )
        )
    return found


def _speed_to_full(tables: Tables, method: str) -> tuple[float | None, str]:
    """How many times faster a method came within `SAME_LOSS` of full's best validation score."""
    cost, full = tables.cost(OWN, method), tables.cost(OWN, "full")
    assert cost is not None
    assert full is not None
    if cost.same_loss is not None and full.same_loss is not None:
        speed = full.same_loss.value / cost.same_loss.value
        return speed, f"{_times(speed)} as fast"
    behind = cost.validation.value - full.validation.value
    runs = len(tables.comparison.of(OWN, method))
    return None, (
        f"full's score (within {SAME_LOSS}) was reached by {cost.reached[2]} of {runs} runs, the "
        f"mean of the best scores is {_signed(behind)} from full's"
    )


def _text_against_quantile(tables: Tables) -> list[Target]:
    tasks = tables.comparison.tasks
    if QUANTILE not in tasks or TEXT not in tasks:
        return []
    methods = tables.comparison.methods
    found = []
    speeds = {}
    for method in methods:
        fast, slow = (_timing(tables, task, method, "PyTorch") for task in (QUANTILE, TEXT))
        if fast is not None and slow is not None:
            speeds[method] = slow.p50_us / fast.p50_us
    if speeds:
        worst = min(speeds, key=lambda method: speeds[method])
        target = _at_least(
            "quantile against text",
            "forecasts in the time of one by text, both in PyTorch (the method with the fewest)",
            speeds[worst],
            TEXT_SPEED,
            _times,
        )
        most = max(speeds.values())
        spread = f"{target.measured} ({label(worst)}), up to {_times(most)}"
        found.append(_with(target, measured=spread))
    for article, what in (
        (False, "NRMSE less that of text"),
        (True, "NRMSE as the article has it, less that of text"),
    ):
        differences = {
            method: tables.nrmse_difference((QUANTILE, method), (TEXT, method), article=article)
            for method in methods
            if tables.row(QUANTILE, method) and tables.row(TEXT, method)
        }
        if not differences:
            continue
        worst = max(differences, key=lambda method: differences[method].value)
        value = differences[worst]
        better = sum(each.value < 0 for each in differences.values())
        interval = _interval(value.low, value.high)
        found.append(
            Target(
                "quantile against text",
                f"{what} (the method with the smallest gain)",
                "below 0",
                f"{_signed(value.value)}{interval} ({label(worst)})",
                value.value < 0,
                f"better with {better} of {len(differences)} methods",
            )
        )
    return found


def _int8(tables: Tables) -> list[Target]:
    found = []
    for task in (OWN, LARGE):
        speeds = {}
        for method in tables.comparison.methods:
            slow, fast = (_timing(tables, task, method, runtime) for runtime in ("ONNX", "int8"))
            if slow is not None and fast is not None:
                speeds[method] = slow.p50_us / fast.p50_us
        if not speeds:
            continue
        worst = min(speeds, key=lambda method: speeds[method])
        what = f"speed in ONNX Runtime, {task_name(task)}"
        target = _at_least("int8 against float32", what, speeds[worst], INT8_SPEED, _times)
        if len(speeds) > 1:
            most = _times(max(speeds.values()))
            target = _with(target, measured=f"{target.measured} ({label(worst)}), up to {most}")
        found.append(target)
    changes = {
        each.method: each.difference
        for each in tables.comparison.measures.quantised
        if not each.refused
    }
    if changes:
        worst = max(changes, key=lambda method: changes[method][0])
        value, low, high = changes[worst]
        target = _at_most(
            "int8 against float32",
            "pinball ratio less float32's, own window (the worst method)",
            value,
            WITHIN_FLOAT32,
            _signed,
        )
        interval = _interval(low, high)
        found.append(_with(target, measured=f"{target.measured}{interval} ({label(worst)})"))
    return found


def _sharing(each: Sharing) -> Target:
    where = "this base" if each.network == "base" else each.network
    return _at_most(
        f"{each.adapters} {label(each.method)} adapters",
        f"memory of the process over that with one adapter, {where}",
        each.process_many_bytes / each.process_one_bytes,
        SHARED_MEMORY,
        _hundredths,
    )


def _timing(tables: Tables, task: str, method: str, runtime: str) -> Timing | None:
    return next(
        (
            each
            for each in tables.comparison.measures.timings
            if (each.task, each.method, each.runtime) == (task, method, runtime)
        ),
        None,
    )


def _at_most(
    who: str, what: str, value: float, limit: float, shown: Callable[[float], str]
) -> Target:
    met = value <= limit
    margin = f"{shown(abs(limit - value)).lstrip('+')} {'to spare' if met else 'too much'}"
    return Target(who, what, f"at most {shown(limit).lstrip('+')}", shown(value), met, margin)


def _at_least(
    who: str, what: str, value: float, limit: float, shown: Callable[[float], str]
) -> Target:
    met = value >= limit
    margin = f"{shown(abs(limit - value))} {'more' if met else 'short'}"
    return Target(who, what, f"at least {shown(limit)}", shown(value), met, margin)


def _with(target: Target, *, measured: str) -> Target:
    return Target(target.who, target.what, target.limit, measured, target.met, target.margin)


def _times(value: float) -> str:
    return f"{value:.2f}x" if value < 10 else f"{value:,.0f}x"


def _hundredths(value: float) -> str:
    return f"{value:.2f}"


def missed(found: Sequence[Target]) -> list[Target]:
    """Those that were measured and not met."""
    return [each for each in found if each.met is False]


def _signed(value: float) -> str:
    return written(value, "+.4f")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]"
