"""Targets of serving: quantiles beside text, int8 beside float32, many adapters on a base."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.phrases import SAMPLED_ROOT, counted, named, with_interval
from bridge.tuning.comparison.plan import LARGE, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.results import BASE_NETWORK, INT8, ONNX, PYTORCH, Sharing, Timing
from bridge.tuning.comparison.style import label, task_name
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.target import (
    Target,
    at_most,
    hundredths,
    of_slowest,
    signed,
    times,
    unknown,
)

TEXT_SPEED = 50.0
INT8_SPEED = 1.5
WITHIN_FLOAT32 = 0.002
SHARED_MEMORY = 1.2
_AGAINST_TEXT = "quantile against text"
_AGAINST_FLOAT32 = "int8 against float32"
_NO_LATENCY = "latency was not measured"


def text_speed(tables: Tables) -> Target:
    """Both heads in the one runtime that both have."""
    what = "forecasts in the time of one by text, both in PyTorch"
    measures = tables.comparison.measures
    speeds = {}
    for method in tables.comparison.methods:
        fast, slow = (measures.timing(task, method, PYTORCH) for task in (QUANTILE, TEXT))
        if fast is not None and slow is not None:
            speeds[method] = _speed(slow, fast)
    if not speeds:
        return unknown(_AGAINST_TEXT, what, f"at least {times(TEXT_SPEED)}", _NO_LATENCY)
    return of_slowest(_AGAINST_TEXT, what, speeds, TEXT_SPEED)


def text_error(tables: Tables) -> list[Target]:
    """By NRMSE over the range of what came, and as the article series has it."""
    return [
        _error(tables, "NRMSE less that of text", article=False),
        _error(tables, "NRMSE as the article has it, less that of text", article=True),
    ]


def _error(tables: Tables, what: str, *, article: bool) -> Target:
    methods = tables.comparison.methods
    found = {
        method: tables.nrmse_difference((QUANTILE, method), (TEXT, method), article=article)
        for method in methods
    }
    known = {method: each for method, each in found.items() if each is not None}
    if not known:
        why = "forecasts lie above all that came, and nothing is left to divide by"
        return unknown(_AGAINST_TEXT, what, "below 0", why)
    worst = max(known, key=lambda method: known[method].value)
    better, high = sum(each.value < 0 for each in known.values()), known[worst].high
    margin = f"better with {better} of {counted(len(methods), 'method')}"
    if known[worst].value < 0 and high is not None and high >= 0:
        margin += ", but an interval holds zero"
    if better and not article:
        margin += _sampled(tables, worst, -known[worst].value)
    of = " (the method with the smallest gain)" if len(methods) > 1 else ""
    return Target(
        _AGAINST_TEXT,
        what + of,
        "below 0",
        f"{with_interval(known[worst], '+.4f')} ({label(worst)})",
        better == len(methods),
        margin,
    )


def _sampled(tables: Tables, method: str, gain: float) -> str:
    """What of text's NRMSE is the sampling of its paths, beside what quantiles gain on it."""
    row = tables.row(TEXT, method)
    if row is None:
        return ""
    noise = row.nrmse.value * SAMPLED_ROOT / (1.0 + SAMPLED_ROOT)
    more = ", more than the gain" if noise > gain else ""
    return f"; the sampling of text's paths alone is worth about {noise:.4f}{more}"


def int8_speed(tables: Tables, task: str) -> Target:
    """Of every method at the base's own window; of a larger network as it is."""
    what, limit = f"speed in ONNX Runtime, {task_name(task)}", f"at least {times(INT8_SPEED)}"
    measures = tables.comparison.measures
    refused = _refused(tables) if task == OWN else []
    if refused:
        measured = f"there is no int8 of {named(refused)}"
        return Target(_AGAINST_FLOAT32, what, limit, measured, False, "refused")
    speeds = {}
    for slow in measures.timings:
        fast = measures.timing(task, slow.method, INT8)
        if (slow.task, slow.runtime) == (task, ONNX) and fast is not None:
            speeds[slow.method] = _speed(slow, fast)
    if not speeds:
        why = "no network of that size was measured" if task == LARGE else _NO_LATENCY
        return unknown(_AGAINST_FLOAT32, what, limit, why)
    return of_slowest(_AGAINST_FLOAT32, what, speeds, INT8_SPEED)


def int8_score(tables: Tables) -> Target:
    """What int8 costs on the test windows."""
    what = "pinball ratio less float32's, own window"
    limit = f"at most {signed(WITHIN_FLOAT32).lstrip('+')}"
    refused, quantised = _refused(tables), tables.comparison.measures.quantised
    if refused:
        measured = f"there is no int8 of {named(refused)}"
        return Target(_AGAINST_FLOAT32, what, limit, measured, False, "refused")
    if not quantised:
        return unknown(_AGAINST_FLOAT32, what, limit, "nothing was exported")
    worst = max(quantised, key=lambda each: each.difference[0])
    target = at_most(_AGAINST_FLOAT32, what, Estimate(*worst.difference), WITHIN_FLOAT32, signed)
    if len(quantised) == 1:
        return target
    return target.said(f"{target.measured} (the most, with {label(worst.method)})")


def sharing(tables: Tables, judged: Sequence[str]) -> list[Target]:
    """Of a whole process, libraries and all, and of what it holds beside them.

    Args:
        judged: the methods whose adapters are to share a base.
    """
    found = [target for each in tables.comparison.measures.sharing for target in _shared(each)]
    return found or [
        unknown(
            f"many {label(method)} adapters",
            "memory over that with one adapter",
            f"at most {hundredths(SHARED_MEMORY)}",
            "memory was not measured",
        )
        for method in judged
    ]


def _shared(each: Sharing) -> list[Target]:
    where = "this base" if each.network == BASE_NETWORK else each.network
    who = f"{each.adapters} {label(each.method)} adapters, {where}"
    found = []
    for what, many, one in (
        ("the whole process", each.process_many_bytes, each.process_one_bytes),
        ("base and adapters, without libraries", each.many_bytes, each.one_bytes),
    ):
        share = Estimate(many / max(1, one))
        held = f"memory over that with one adapter: {what}"
        target = at_most(who, held, share, SHARED_MEMORY, hundredths)
        found.append(target.said(f"{target.measured}: {many / 1e6:,.1f} over {one / 1e6:,.1f} MB"))
    return found


def _speed(slow: Timing, fast: Timing) -> Estimate:
    """How many times faster; its bounds are those of both medians at once."""
    (slow_low, slow_high), (fast_low, fast_high) = slow.p50_ci, fast.p50_ci
    return Estimate(slow.p50_us / fast.p50_us, slow_low / fast_high, slow_high / fast_low)


def _refused(tables: Tables) -> list[str]:
    return [each.method for each in tables.comparison.measures.quantised if each.refused]
