"""The report's sentences, each computed from the results and true whatever they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.narrowing import bottleneck_findings
from bridge.tuning.comparison.phrases import (
    above,
    below,
    can_test,
    has_intervals,
    has_seeds,
    named,
    proof,
    tells,
    with_interval,
)
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.savings import savings
from bridge.tuning.comparison.style import label, listed
from bridge.tuning.comparison.tables import Forgetting, Scores, Tables
from bridge.tuning.comparison.target import Target
from bridge.tuning.comparison.targets import missed
from bridge.tuning.comparison.unforeseeable import unforeseeable
from bridge.tuning.scoring.scores import RANDOM_WALK


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
        cannot=tuple(unforeseeable(tables)),
        bottleneck=tuple(bottleneck_findings(tables)),
    )


def _wins(tables: Tables) -> list[str]:
    methods = _trained(tables, OWN)
    if not methods:
        return []
    return [
        _quality(tables, methods),
        *_over_base(tables, methods),
        *savings(tables),
        *(_points(tables, task) for task in (QUANTILE, TEXT) if _trained(tables, task)),
        *_forgetting(tables),
    ]


def _quality(tables: Tables, methods: Sequence[Scores]) -> str:
    begin = "Quality at the base's own window: "
    best = min(methods, key=lambda row: row.pinball.value)
    ratio = with_interval(best.pinball, ".4f")
    if len(methods) == 1:
        return f"{begin}{label(best.name)} has a pinball ratio of {ratio}; no other was compared."
    found = f"{begin}{label(best.name)} has the lowest pinball ratio of these runs, {ratio}."
    if not can_test(tables):
        return f"{found} The test is too short to tell whether that is more than luck."
    others = [row.name for row in methods if row.name != best.name]
    told = [name for name in others if tables.better(OWN, best.name, name)]
    rest = [name for name in others if name not in told]
    if not told:
        return (
            f"{found} It can be told apart from no other, so that it stands first may be luck: "
            f"{proof(tables)} would both have to say so."
        )
    left = f"; {named(rest)} cannot be told apart from it" if rest else ""
    return f"{found} It is better than {named(told)}, as {proof(tables)} both say{left}."


def _over_base(tables: Tables, methods: Sequence[Scores]) -> list[str]:
    changes = [(row.name, row.to_base) for row in methods if row.to_base is not None]
    if not changes:
        return []
    least = min(changes, key=lambda each: each[1].value)
    most = max(changes, key=lambda each: each[1].value)
    span = with_interval(least[1], "+.4f")
    if len(changes) > 1:
        span += f" ({label(least[0])}) to {with_interval(most[1], '+.4f')} ({label(most[0])})"
    begin = f"Against the base as it was, tuning changes the pinball ratio by {span}"
    if not can_test(tables):
        return [f"{begin}; the test is too short to tell whether that is more than luck."]
    better = [name for name, _ in changes if tables.better(OWN, name, BASE)]
    worse = [name for name, _ in changes if tables.better(OWN, BASE, name)]
    parts = [f"{named(better)} can be told to be better than it"] if better else []
    parts += [f"{named(worse)} to be worse"] if worse and better else []
    parts += [f"{named(worse)} can be told to be worse than it"] if worse and not better else []
    told = " and ".join(parts) if parts else "beyond chance, none can be told to be better or worse"
    return [f"{begin}; by test and interval as above, {told}."]


def _points(tables: Tables, task: str) -> str:
    rows = _trained(tables, task)
    first = min(rows, key=lambda row: row.nrmse.value)
    begin = f"At 20 values in and 40 out with the {task} head, {label(first.name)} has "
    lowest = with_interval(first.nrmse, ".4f")
    if len(rows) == 1:
        found = f"{begin}an NRMSE of {lowest}"
    else:
        last = max(rows, key=lambda row: row.nrmse.value)
        found = (
            f"{begin}the lowest NRMSE of these runs, {lowest}, and {label(last.name)} the highest, "
            f"{last.nrmse.value:.4f}{_apart(tables, task, first, rows)}"
        )
    stays = tables.row(task, RANDOM_WALK)
    baseline = f"; “the price stays” has {stays.nrmse.value:.4f}" if stays else ""
    return f"{found}{baseline}."


def _apart(tables: Tables, task: str, first: Scores, rows: Sequence[Scores]) -> str:
    """From how many others the first one's NRMSE can be told."""
    if not has_intervals(tables, task):
        return " (the test is too short to tell them apart)"
    others = [row.name for row in rows if row.name != first.name]
    told = [
        name
        for name in others
        if below(tables.nrmse_difference((task, first.name), (task, name)), 0.0)
    ]
    return (
        " (the paired 95% interval of the difference, each by itself, "
        f"{tells(len(told), len(others))})"
    )


def _forgetting(tables: Tables) -> list[str]:
    comparison = tables.comparison
    if not comparison.kept_symbols:
        return []
    symbols = listed(comparison.kept_symbols)
    rows = tables.forgetting()
    if not rows:
        return [
            f"Forgetting on {symbols} is not measured: the base has read no bars before and "
            "forecasts none until it is tuned."
        ]
    least = min(rows, key=lambda row: row.change.value)
    most = max(rows, key=lambda row: row.change.value)
    span = with_interval(least.change, "+.4f")
    if len(rows) > 1:
        change = with_interval(most.change, "+.4f")
        span += f" ({label(least.method)}) to {change} ({label(most.method)})"
    return [
        f"Forgetting, on the base's own data ({symbols}): tuning changes the pinball ratio there "
        f"by {span}; {_lost(tables, rows)}."
    ]


def _lost(tables: Tables, rows: Sequence[Forgetting]) -> str:
    if all(row.change.low is None for row in rows):
        return "the test is too short to tell a loss from chance"
    lost = [row.method for row in rows if above(row.change, 0.0)]
    over = "weeks and seeds" if has_seeds(tables) else "weeks"
    if not lost:
        return f"no 95% interval over {over} tells a loss from none"
    return f"the 95% interval over {over}, each by itself, tells a loss with {named(lost)}"


def _targets(judged: Sequence[Target]) -> list[str]:
    known = [each for each in judged if each.met is not None]
    if not known:
        return ["No target could be measured with this choice of methods and heads."]
    short, unknown = missed(judged), len(judged) - len(known)
    if len(known) == 1:
        met = f"The one target that was measured is {'missed' if short else 'met'}."
    elif not short:
        met = f"All {len(known)} targets that were measured are met."
    else:
        met = f"Of {len(known)} targets that were measured, {len(known) - len(short)} are met."
    more = f" {unknown} could not be measured." if unknown else ""
    return [
        met + more,
        *[f"Missed: {each.who}: {each.what}: {each.measured} ({each.margin})." for each in short],
    ]


def _trained(tables: Tables, task: str) -> list[Scores]:
    return [row for row in tables.scores.get(task, []) if tables.is_trained(row.name)]
