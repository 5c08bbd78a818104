"""What was to be reached, what was, and by how much it was missed."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.measures import LARGE_NETWORK
from bridge.tuning.comparison.phrases import counted
from bridge.tuning.comparison.plan import LARGE, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import BASE_NETWORK, Memory
from bridge.tuning.comparison.serving_targets import (
    int8_score,
    int8_speed,
    sharing,
    text_error,
    text_speed,
)
from bridge.tuning.comparison.style import label, listed
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import (
    Target,
    at_most,
    hundredths,
    percent,
    ranged,
    signed,
    times,
    unknown,
)
from bridge.tuning.comparison.training_costs import SAME_LOSS

JUDGED = ("bottleneck", "lora")
"""The methods that are held to a limit."""
MOST_TRAINED = 0.05
FASTER = 1.5
MEMORY_SHARE = 0.5
WITHIN_FULL = 0.003
_NO_FULL = "full was not compared"


def targets(tables: Tables) -> list[Target]:
    """The targets of all methods, heads and exports that are compared, measured or not."""
    judged = [each for each in JUDGED if tables.cost(OWN, each) is not None]
    found = [target for method in judged for target in _of_method(tables, method)]
    if {QUANTILE, TEXT} <= set(tables.comparison.tasks):
        found += [text_speed(tables), *text_error(tables)]
    found += [int8_speed(tables, OWN), int8_speed(tables, LARGE), int8_score(tables)]
    return found + sharing(tables, judged)


def missed(found: Sequence[Target]) -> list[Target]:
    """Those that were measured and not met."""
    return [each for each in found if each.met is False]


def _of_method(tables: Tables, method: str) -> list[Target]:
    cost, row = tables.cost(OWN, method), tables.row(OWN, method)
    assert cost is not None
    assert row is not None
    who = label(method)
    share, score = Estimate(cost.trainable / cost.parameters), "pinball ratio less that of full"
    return [
        at_most(who, "trained parameters, of all", share, MOST_TRAINED, percent),
        _speed_or_memory(tables, method),
        _large_memory(tables, method),
        unknown(who, score, f"at most {signed(WITHIN_FULL).lstrip('+')}", _NO_FULL)
        if row.to_full is None
        else at_most(who, score, row.to_full, WITHIN_FULL, signed),
    ]


def _speed_or_memory(tables: Tables, method: str) -> Target:
    """Two ways to one target, on the base itself."""
    who = label(method)
    what = f"time to within {SAME_LOSS} of full's best validation score, or peak memory of training"
    limit = f"{times(FASTER)} as fast, or {hundredths(MEMORY_SHARE)} of the memory"
    if tables.cost(OWN, "full") is None:
        return unknown(who, what, limit, _NO_FULL)
    speed, speed_text = _speed_to_full(tables, method)
    share = _memory_share(tables, method, BASE_NETWORK)
    fast = speed is not None and speed.value >= FASTER
    small = share is not None and share <= MEMORY_SHARE
    memory = "memory was not measured" if share is None else f"{hundredths(share)} of the memory"
    measured = f"{speed_text}; {memory}"
    if fast or small:
        margin = f"by {listed(['speed'] * fast + ['memory'] * small)}"
        if not small and speed is not None and speed.low is not None and speed.low < FASTER:
            margin += ", but its interval holds the limit"
        return Target(who, what, limit, measured, True, margin)
    if share is None:
        return unknown(who, what, limit, measured)
    short = [] if speed is None else [f"{times(FASTER - speed.value)} too slow"]
    short.append(f"{hundredths(share - MEMORY_SHARE)} too much memory")
    return Target(who, what, limit, measured, False, listed(short))


def _speed_to_full(tables: Tables, method: str) -> tuple[Estimate | None, str]:
    """How many times faster a method came to full's best validation score."""
    cost, full = tables.cost(OWN, method), tables.cost(OWN, "full")
    assert cost is not None
    assert full is not None
    speed = tables.speed_to_full(OWN, method)
    if speed is not None:
        return speed, f"{ranged(speed, times)} as fast"
    if cost.full_met_at_start:
        return None, "the base as it was is there already, so there is no time to compare"
    behind = cost.validation.value - full.validation.value
    runs = len(tables.comparison.of(OWN, method))
    return None, (
        f"reached by {cost.reached[2]} of {counted(runs, 'run')}, the mean of the best scores is "
        f"{signed(behind)} from full's"
    )


def _large_memory(tables: Tables, method: str) -> Target:
    what = f"peak memory of training over full's, at {LARGE_NETWORK}"
    share = _memory_share(tables, method, LARGE_NETWORK)
    if share is None:
        no_full = tables.cost(OWN, "full") is None
        why = _NO_FULL if no_full else "no memory at that size was measured"
        return unknown(label(method), what, f"at most {hundredths(MEMORY_SHARE)}", why)
    return at_most(label(method), what, Estimate(share), MEMORY_SHARE, hundredths)


def _memory_share(tables: Tables, method: str, network: str) -> float | None:
    peaks = {
        each.method: _peak(each)
        for each in tables.comparison.measures.memory
        if (each.network, each.task) == (network, OWN)
    }
    if method not in peaks or not peaks.get("full"):
        return None
    return peaks[method] / peaks["full"]


def _peak(each: Memory) -> int:
    """On the device that trained, where it has memory of its own."""
    return each.device_bytes or each.peak_bytes
