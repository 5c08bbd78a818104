"""What no method can forecast, and the little that can be: sentences."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.phrases import (
    above,
    below,
    can_test,
    counted,
    has_intervals,
    named,
    proof,
    span,
    with_interval,
)
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.tables import Scores, Tables
from bridge.tuning.scoring.baselines import STRONGEST_WALK
from bridge.tuning.scoring.scores import RANDOM_WALK

_SHORT = "The test is too short to tell whether that is more than luck."


def unforeseeable(tables: Tables) -> list[str]:
    """Of direction, of the price, and of how far it may move."""
    rows = [row for row in tables.scores.get(OWN, []) if tables.is_trained(row.name)]
    return [*_direction(tables, rows), *_price(tables), *_reach(tables, rows)]


def _direction(tables: Tables, rows: Sequence[Scores]) -> list[str]:
    called = [(row.name, row.direction) for row in rows if row.direction is not None]
    if not called:
        return []
    beyond = [name for name, direction in called if above(direction, 0.5)]
    if not has_intervals(tables):
        told = _SHORT
    elif beyond:
        told = (
            f"The 95% interval, each by itself, lies above one half for {named(beyond)}; whether "
            "that is beyond the spread is another question."
        )
    else:
        told = "No 95% interval lies above one half."
    walk = tables.row(OWN, RANDOM_WALK)
    reversal = (
        f" Calling each move reversed is right {walk.direction.value:.1%} of the time."
        if walk is not None and walk.direction is not None
        else ""
    )
    shares = span([direction.value for _, direction in called], ".1%")
    return [
        f"Which way the next bar goes: {shares} of rises and falls are called right. "
        f"{told}{reversal}"
    ]


def _price(tables: Tables) -> list[str]:
    rows = [
        row
        for task in (OWN, QUANTILE, TEXT)
        for row in tables.scores.get(task, [])
        if tables.is_trained(row.name)
    ]
    if not rows:
        return []
    known = [row for row in rows if row.rmse_ratio.low is not None]
    ahead = [row for row in known if below(row.rmse_ratio, 1.0)]
    if not known:
        told = _SHORT
    elif ahead:
        gain = 1.0 - min(row.rmse_ratio.value for row in ahead)
        told = (
            f"The 95% interval, each by itself, lies below 1 for {len(ahead)} of {len(known)}; the "
            f"greatest gain among them is {gain:.1%} of the error."
        )
    else:
        told = (
            "No 95% interval lies below 1: of no median can it be told that it is a better point "
            "forecast than “the price stays”."
        )
    ratios = span([row.rmse_ratio.value for row in rows], ".3f")
    return [
        f"Where the price will be: RMSE over that of “the price stays” is {ratios} over all "
        f"methods, windows and heads. {told}"
    ]


def _reach(tables: Tables, rows: Sequence[Scores]) -> list[str]:
    walk = tables.row(OWN, STRONGEST_WALK)
    if walk is None:
        return []
    begin = (
        "How far the price may move: the walk whose variance follows the hour of the week has a "
        f"pinball ratio of {with_interval(walk.pinball, '.4f')}"
    )
    if walk.pinball.low is None:
        first = f"{begin}. {_SHORT}"
    elif below(walk.pinball, 1.0):
        first = f"{begin}, below the 1 of the walk that knows no hours: this much can be forecast."
    else:
        first = (
            f"{begin}, which cannot be told to be below the 1 of the walk that knows no hours: "
            "that the hour helps is not shown here."
        )
    if not rows:
        return [first]
    ahead = [row for row in rows if row.pinball.value < walk.pinball.value]
    count = (
        f"{counted(len(ahead), 'method')} of {len(rows)} {'is' if len(ahead) == 1 else 'are'}"
        if len(rows) > 1
        else f"The one method {'is' if ahead else 'is not'}"
    )
    return [f"{first} {count} below that walk{_told(tables, ahead)}."]


def _told(tables: Tables, ahead: Sequence[Scores]) -> str:
    """Of those below the walk, who is there by more than luck."""
    if not ahead:
        return ""
    if not can_test(tables):
        return "; the test is too short to tell whether that is more than luck"
    better = [row.name for row in ahead if tables.better(OWN, row.name, STRONGEST_WALK)]
    who = named(better) if better else "none"
    return f"; {proof(tables)} both say so for {who}"
