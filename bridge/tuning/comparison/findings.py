"""The report's sentences, each computed from the results and true whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.tuning.comparison.estimates import Estimate, written
from bridge.tuning.comparison.forecasters import BASE, STRONGEST_WALK
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT
from bridge.tuning.comparison.style import label, listed
from bridge.tuning.comparison.tables import Cost, Scores, Tables
from bridge.tuning.comparison.targets import WITHIN_FULL, Target, missed
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.scoring.significance import DieboldMariano

_P = 0.05


@dataclass(frozen=True)
class Findings:
    """Sentences by subject."""

    wins: tuple[str, ...]
    targets: tuple[str, ...]
    cannot: tuple[str, ...]
    bottleneck: tuple[str, ...]


def findings(tables: Tables, judged: Sequence[Target]) -> Findings:
    """All that can be said of these results in words."""
    return Findings(
        wins=tuple(_wins(tables)),
        targets=tuple(_targets(judged)),
        cannot=tuple(_cannot(tables)),
        bottleneck=tuple(_bottleneck(tables)),
    )


def _wins(tables: Tables) -> list[str]:
    methods = [row for row in tables.scores.get(OWN, []) if tables.is_trained(row.name)]
    if not methods:
        return []
    best = min(methods, key=lambda row: row.pinball.value)
    sentences = [
        f"Quality at the base's own window: {label(best.name)} has the lowest pinball ratio, "
        f"{_ratio(best.pinball)}. {_rivals(tables, best, methods)}"
    ]
    if tables.row(OWN, BASE):
        sentences.append(_over_base(tables, methods))
    sentences += _cheapest(tables, methods)
    for task in (QUANTILE, TEXT):
        rows = [row for row in tables.scores.get(task, []) if tables.is_trained(row.name)]
        if rows:
            first = min(rows, key=lambda row: row.nrmse.value)
            sentences.append(
                f"At 20 values in and 40 out with the {task} head, {label(first.name)} has the "
                f"lowest NRMSE, {_ratio(first.nrmse)}; the highest is "
                f"{max(row.nrmse.value for row in rows):.4f}."
            )
    sentences += _forgetting(tables)
    return sentences


def _rivals(tables: Tables, best: Scores, methods: Sequence[Scores]) -> str:
    others = [row.name for row in methods if row.name != best.name]
    if not others:
        return "No other method was compared."
    tests = tables.significance([OWN])
    if not tests:
        return "The test is too short to tell whether that is more than luck."
    told = [name for name in others if _better(tests, best.name, name)]
    if not told:
        return (
            f"A Diebold-Mariano test tells it apart from no other method (p < {_P} after Holm's "
            "correction for all pairs): that it stands first may be luck."
        )
    rest = [label(name) for name in others if name not in told]
    return (
        f"By a Diebold-Mariano test (p < {_P} after Holm) it is better than "
        f"{listed([label(name) for name in told])}"
        + (f", and cannot be told apart from {listed(rest)}." if rest else ".")
    )


def _over_base(tables: Tables, methods: Sequence[Scores]) -> str:
    gains = [row for row in methods if row.to_base is not None]
    better = [row for row in gains if row.to_base and _below(row.to_base, 0.0)]
    worse = [row for row in gains if row.to_base and _above(row.to_base, 0.0)]
    values = [row.to_base.value for row in gains if row.to_base]
    parts = [
        f"Against the base as it was, tuning changes the pinball ratio by "
        f"{written(min(values), '+.4f')} to {written(max(values), '+.4f')}"
    ]
    if better:
        parts.append(f"a gain that its 95% interval confirms for {_names(better)}")
    if worse:
        parts.append(f"a loss that its 95% interval confirms for {_names(worse)}")
    if not better and not worse:
        parts.append("a change that no method's 95% interval confirms")
    return "; ".join(parts) + "."


def _cheapest(tables: Tables, methods: Sequence[Scores]) -> list[str]:
    costs = tables.costs.get(OWN, [])
    full = tables.row(OWN, "full")
    near = {
        row.name
        for row in methods
        if full is None or (row.to_full is not None and row.to_full.value <= WITHIN_FULL)
    }
    pool = [each for each in costs if each.method in near and each.method != "full"]
    if not pool:
        return ["No adapter comes within 0.003 of full fine-tuning's pinball ratio."]
    within = (
        f"Among the methods within {WITHIN_FULL} of full's pinball ratio "
        f"({listed([label(each.method) for each in pool])}): "
        if full is not None
        else "Among all adapters: "
    )
    figures: list[tuple[str, Callable[[Cost], float | None], Callable[[float], str]]] = [
        ("trains the fewest parameters", lambda c: c.trainable, lambda v: f"{v:,.0f}"),
        ("trains in the shortest time", lambda c: c.seconds.value, lambda v: f"{v:.1f} s"),
        ("takes the least memory", lambda c: c.memory_bytes, lambda v: f"{v / 1e6:.0f} MB"),
        ("is the smallest to store", lambda c: c.stored_bytes, lambda v: f"{v / 1e3:.0f} kB"),
        (
            "is the first to beat the base on validation",
            lambda c: c.beats_base.value if c.beats_base else None,
            lambda v: f"{v:.1f} s",
        ),
    ]
    parts = []
    for text, value, shown in figures:
        known = [(value(each), each) for each in pool]
        told = [(number, each) for number, each in known if number is not None]
        if told:
            number, first = min(told, key=lambda pair: pair[0])
            parts.append(f"{label(first.method)} {text} ({shown(number)})")
    fastest = _fastest(tables, [each.method for each in pool])
    if fastest:
        parts.append(fastest)
    return [within + "; ".join(parts) + "."]


def _fastest(tables: Tables, methods: Sequence[str]) -> str:
    found = [
        each
        for each in tables.comparison.measures.timings
        if each.task == OWN and each.method in methods
    ]
    if not found:
        return ""
    first = min(found, key=lambda each: each.p50_us)
    return (
        f"{label(first.method)} answers fastest ({first.p50_us / 1e3:.2f} ms a window, "
        f"{first.runtime})"
    )


def _forgetting(tables: Tables) -> list[str]:
    rows = tables.forgetting()
    if not rows:
        return []
    symbols = listed(tables.comparison.kept_symbols)
    worst = max(rows, key=lambda row: row.change.value)
    least = min(rows, key=lambda row: row.change.value)
    lost = [row for row in rows if _above(row.change, 0.0)]
    told = (
        f"the 95% interval confirms a loss for {listed([label(row.method) for row in lost])}"
        if lost
        else "no method's 95% interval confirms a loss"
    )
    return [
        f"Forgetting, on the base's own data ({symbols}): tuning changes the pinball ratio there "
        f"by {written(least.change.value, '+.4f')} ({label(least.method)}) to "
        f"{written(worst.change.value, '+.4f')} ({label(worst.method)}); {told}."
    ]


def _targets(judged: Sequence[Target]) -> list[str]:
    if not judged:
        return ["No target could be measured with this choice of methods and heads."]
    short = missed(judged)
    known = [each for each in judged if each.met is not None]
    if not short:
        return [f"All {len(known)} targets that were measured are met."]
    return [
        f"{len(known) - len(short)} of {len(known)} targets that were measured are met.",
        *[f"Missed: {each.who}: {each.what}: {each.measured} ({each.margin})." for each in short],
    ]


def _cannot(tables: Tables) -> list[str]:
    sentences = []
    rows = [row for row in tables.scores.get(OWN, []) if tables.is_trained(row.name)]
    called = [row for row in rows if row.direction is not None]
    if called:
        shares = [row.direction.value for row in called if row.direction]
        beyond = [row for row in called if row.direction and _above(row.direction, 0.5)]
        told = (
            f"Above one half with its 95% interval: {_names(beyond)}; whether that is beyond the "
            "spread is another question."
            if beyond
            else "No 95% interval lies above one half."
        )
        walk = tables.row(OWN, RANDOM_WALK)
        reversal = (
            f" Calling each move reversed is right {walk.direction.value:.1%} of the time."
            if walk is not None and walk.direction is not None
            else ""
        )
        sentences.append(
            f"Which way the next bar goes: {_span(shares, '.1%')} of rises and falls are called "
            f"right. {told}{reversal}"
        )
    points = [
        row
        for task in (OWN, QUANTILE, TEXT)
        for row in tables.scores.get(task, [])
        if tables.is_trained(row.name)
    ]
    if points:
        ratios = [row.rmse_ratio.value for row in points]
        below = [row for row in points if _below(row.rmse_ratio, 1.0)]
        told = (
            "No 95% interval lies below 1: no method's median is a better point forecast than "
            "“the price stays”."
            if not below
            else f"{len(below)} of {len(points)} intervals lie below 1; the greatest gain is "
            f"{1 - min(row.rmse_ratio.value for row in below):.1%} of the error."
        )
        sentences.append(
            f"Where the price will be: RMSE over that of “the price stays” is "
            f"{_span(ratios, '.3f')} over all methods, windows and heads. {told}"
        )
    sentences += _against_walk(tables, rows)
    return sentences


def _against_walk(tables: Tables, rows: Sequence[Scores]) -> list[str]:
    walk = tables.row(OWN, STRONGEST_WALK)
    if walk is None or not rows:
        return []
    tests = tables.significance([OWN])
    better = [row for row in rows if _better(tests, row.name, STRONGEST_WALK)]
    ahead = [row for row in rows if row.pinball.value < walk.pinball.value]
    told = (
        f"a Diebold-Mariano test confirms it (p < {_P} after Holm) for {_names(better)}"
        if better
        else f"a Diebold-Mariano test (p < {_P} after Holm) confirms it for none"
    )
    return [
        "How far the price may move can be forecast, a little: the walk whose variance follows the "
        f"hour of the week has a pinball ratio of {_ratio(walk.pinball)}. "
        f"{len(ahead)} of {len(rows)} methods are below it; {told}."
    ]


def _bottleneck(tables: Tables) -> list[str]:
    rows = tables.ablation()
    houlsby = [
        (variant, cost, score)
        for variant, cost, score in rows
        if variant.placement == DEFAULT_VARIANT.placement and variant.activation == "gelu"
    ]
    if len(houlsby) < 2:
        return []
    width = max(variant.reduction for variant, _, _ in rows)
    best = min(houlsby, key=lambda row: row[2].pinball.value)
    square = next((row for row in houlsby if row[0].reduction == 1), None)
    usual = next((row for row in houlsby if row[0] == DEFAULT_VARIANT), None)
    sentences = [
        f"Of bottlenecks from {width // max(row[0].reduction for row in houlsby)} to "
        f"{width // min(row[0].reduction for row in houlsby)} numbers wide (the network's width is "
        f"{width}), the one of {width // best[0].reduction} has the lowest pinball ratio, "
        f"{best[2].pinball.value:.4f}; all lie within "
        f"{_reach([row[2].pinball.value for row in houlsby]):.4f} of each other."
    ]
    if square is not None and usual is not None:
        times = square[1].trainable / usual[1].trainable
        change = usual[2].pinball.value - square[2].pinball.value
        sentences.append(
            f"The square one, which does not narrow at all, trains {times:.1f} times the "
            f"parameters of the usual one ({width // DEFAULT_VARIANT.reduction} wide), whose "
            f"pinball ratio is {written(change, '+.4f')} from the square one's."
        )
    linear = {
        variant.reduction: score
        for variant, _, score in rows
        if variant.activation == "identity" and variant.placement == DEFAULT_VARIANT.placement
    }
    for variant, _, score in houlsby:
        if variant.reduction in linear:
            change = linear[variant.reduction].pinball.value - score.pinball.value
            sentences.append(
                f"Without the non-linearity the adapter of {width // variant.reduction} is a "
                f"linear map; its pinball ratio is {written(change, '+.4f')} from the one with it."
            )
    return sentences


def _better(tests: Sequence[DieboldMariano], name: str, other: str) -> bool:
    """Whether a test confirms that the first loses less."""
    for test in tests:
        if {test.first, test.second} == {name, other} and test.p_holm < _P:
            return (test.difference < 0) == (test.first == name)
    return False


def _names(rows: Sequence[Scores]) -> str:
    return listed([label(row.name) for row in rows])


def _ratio(value: Estimate) -> str:
    if value.low is None or value.high is None:
        return f"{value.value:.4f}"
    return f"{value.value:.4f} [{value.low:.4f}, {value.high:.4f}]"


def _span(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def _reach(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _below(value: Estimate, limit: float) -> bool:
    return value.high is not None and value.high < limit


def _above(value: Estimate, limit: float) -> bool:
    return value.low is not None and value.low > limit
