"""Which methods are cheapest, among those as good as full fine-tuning: sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.phrases import has_seeds, named, span, with_interval
from bridge.tuning.comparison.plan import MERGED, OWN
from bridge.tuning.comparison.results import ONNX, PYTORCH
from bridge.tuning.comparison.style import label
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.targets import WITHIN_FULL
from bridge.tuning.comparison.training_costs import Cost

_SAME_MEMORY = 1.05
"""Peaks are measured once: those within so much of the least count as the same."""


@dataclass(frozen=True)
class _Figure:
    """One method's figure, and between what it may lie by chance."""

    method: str
    value: float
    low: float
    high: float


def savings(tables: Tables) -> list[str]:
    """What the adapters that are near full, or all where it was not compared, cost least of."""
    full = tables.row(OWN, "full")
    adapters = [each for each in tables.costs.get(OWN, []) if each.method != "full"]
    if not adapters:
        return []
    if full is None:
        return [_cheapest(tables, adapters, "")]
    apart = {
        row.name: row.to_full for row in tables.scores[OWN] if row.to_full and row.name != "full"
    }
    pool = [each for each in adapters if apart[each.method].value <= WITHIN_FULL]
    if not pool:
        nearest = min((each.method for each in adapters), key=lambda name: apart[name].value)
        away = with_interval(apart[nearest], "+.4f")
        return [
            f"No adapter's pinball ratio is at most {WITHIN_FULL} above full fine-tuning's; the "
            f"nearest is {label(nearest)}, {away} from it."
        ]
    names = named([each.method for each in pool])
    verb = "is the only adapter" if len(pool) == 1 else "are the adapters"
    begin = f"{names} {verb} whose pinball ratio is at most {WITHIN_FULL} above full's"
    return [_cheapest(tables, pool, begin)]


def _cheapest(tables: Tables, pool: Sequence[Cost], begin: str) -> str:
    if len(pool) == 1:
        told = _of_one(pool[0])
        return f"{begin}: it {told}." if begin else f"{label(pool[0].method)} {told}."
    stored = _exact(pool, lambda each: each.stored_bytes / 1e3)
    parts = [
        _least(_exact(pool, lambda each: each.trainable), "train", "the fewest parameters", ",.0f"),
        _least(stored, "take", "the least to store", ",.0f", " kB"),
        _times(tables, pool),
        _memory(pool),
        _first_to_beat_base(tables, pool),
        _fastest(tables, [each.method for each in pool]),
    ]
    told = "; ".join(part for part in parts if part)
    return f"{begin}. Of them {told}." if begin else f"Of the adapters {told}."


def _of_one(cost: Cost) -> str:
    memory = (
        "" if cost.memory_bytes is None else f" and {cost.memory_bytes / 1e6:,.0f} MB of memory"
    )
    return (
        f"trains {cost.trainable:,} parameters in {with_interval(cost.seconds, '.1f')} s{memory}, "
        f"and takes {cost.stored_bytes / 1e3:,.0f} kB to store"
    )


def _least(figures: Sequence[_Figure], verb: str, what: str, form: str, unit: str = "") -> str:
    """Who has the least of something; all who cannot be told from the least are named."""
    tied = _tied(figures)
    values = span([each.value for each in tied], form) + unit
    ending = "s" if len(tied) == 1 else ""
    return f"{named([each.method for each in tied])} {verb}{ending} {what} ({values})"


def _tied(figures: Sequence[_Figure]) -> list[_Figure]:
    """The least, and those whose interval reaches into its own."""
    first = min(figures, key=lambda each: each.value)
    return [each for each in figures if each is first or each.low <= first.high]


def _exact(pool: Sequence[Cost], value: Callable[[Cost], float]) -> list[_Figure]:
    return [_Figure(each.method, *3 * [value(each)]) for each in pool]


def _figure(method: str, value: Estimate, resolution: float = 0.0) -> _Figure:
    low = value.value if value.low is None else value.low
    high = value.value if value.high is None else value.high
    return _Figure(
        method, value.value, min(low, value.value - resolution), max(high, value.value + resolution)
    )


def _times(tables: Tables, pool: Sequence[Cost]) -> str:
    figures = [_figure(each.method, each.seconds) for each in pool]
    if not has_seeds(tables):
        first = min(figures, key=lambda each: each.value)
        return f"{label(first.method)} took the shortest time in its one run ({first.value:.1f} s)"
    if len(_tied(figures)) == len(figures):
        return "no training time can be told from the shortest by its interval over seeds"
    return _least(figures, "train", "in the shortest time", ".1f", " s")


def _memory(pool: Sequence[Cost]) -> str:
    peaks = [
        (each.method, each.memory_bytes / 1e6) for each in pool if each.memory_bytes is not None
    ]
    if len(peaks) < 2:
        return ""
    figures = [_Figure(method, peak, peak / _SAME_MEMORY, peak) for method, peak in peaks]
    within = f"within {_SAME_MEMORY - 1:.0%}, as far as one measurement tells"
    if len(_tied(figures)) == len(figures):
        return f"all take the same memory to train ({within})"
    return f"{_least(figures, 'take', 'the least memory to train', ',.0f', ' MB')} {within}"


def _first_to_beat_base(tables: Tables, pool: Sequence[Cost]) -> str:
    """A time is that of a validation: nearer than two of these lie, it says nothing."""
    figures = [
        _figure(each.method, each.beats_base, each.validated_every.value / 2)
        for each in pool
        if each.beats_base is not None
    ]
    if len(figures) < 2 or not has_seeds(tables):
        return ""
    if len(_tied(figures)) == len(figures):
        return "none can be told to beat the base on validation before the others"
    return _least(figures, "beat", "the base on validation first", ".1f", " s")


def _fastest(tables: Tables, methods: Sequence[str]) -> str:
    """In the runtime that is served, by the intervals of the medians."""
    for runtime in (ONNX, PYTORCH):
        found = [tables.comparison.measures.timing(OWN, method, runtime) for method in methods]
        figures = [
            _Figure(each.method, each.p50_us / 1e3, each.p50_ci[0] / 1e3, each.p50_ci[1] / 1e3)
            for each in found
            if each is not None
        ]
        if len(figures) < 2:
            continue
        if runtime == ONNX:
            figures = _merged(figures)
        if len(_tied(figures)) == len(figures):
            return f"in {runtime} no forecast can be told to be faster than the others"
        return _least(figures, "answer", "fastest", ".3f", f" ms a window, {runtime}")
    return ""


def _merged(figures: Sequence[_Figure]) -> list[_Figure]:
    """What is merged answers by the same graph: what differs between these is noise."""
    alike = [each for each in figures if each.method in MERGED]
    if not alike:
        return list(figures)
    low, high = min(each.low for each in alike), max(each.high for each in alike)
    return [replace(each, low=low, high=high) if each in alike else each for each in figures]
