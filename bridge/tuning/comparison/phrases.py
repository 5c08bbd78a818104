"""How the report's sentences, notes and captions write what they share: numbers, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt

from bridge.forecaster.text import PATHS
from bridge.tuning.comparison.estimates import Estimate, written
from bridge.tuning.comparison.plan import OWN
from bridge.tuning.comparison.style import label, listed
from bridge.tuning.comparison.tables import SIGNIFICANT, Tables

SAMPLED_SQUARE = pi / 2 / PATHS
"""What the median of so many sampled paths adds to the mean squared error by its sampling alone,
as a share of it, where the paths' distribution is right and near a normal one's."""
SAMPLED_ROOT = sqrt(1.0 + SAMPLED_SQUARE) - 1.0
"""The same of the root mean squared error."""


def with_interval(value: Estimate, form: str) -> str:
    """`0.9712 [0.9650, 0.9774]`; without an interval the number alone."""
    shown = written(value.value, form)
    if value.low is None or value.high is None:
        return shown
    return f"{shown} [{written(value.low, form)}, {written(value.high, form)}]"


def span(values: Sequence[float], form: str) -> str:
    """`0.97 to 0.98`; one number where that is the same."""
    low, high = written(min(values), form), written(max(values), form)
    return low if low == high else f"{low} to {high}"


def named(names: Sequence[str]) -> str:
    """Forecasters as a reader knows them: `LoRA, prefix and IA3`."""
    return listed([label(name) for name in names])


def counted(number: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def tells(number: int, whole: int) -> str:
    """From how many of all others something is told: `tells it from 2 of the 5 others`."""
    if whole == 1:
        return f"{'tells' if number else 'does not tell'} it from the other"
    if number in (0, whole):
        return f"tells it from {'all' if number else 'none of the'} {whole} others"
    return f"tells it from {number} of the {whole} others"


def below(value: Estimate | None, limit: float) -> bool:
    """Whether an interval lies below a limit."""
    return value is not None and value.high is not None and value.high < limit


def above(value: Estimate | None, limit: float) -> bool:
    """Whether an interval lies above a limit."""
    return value is not None and value.low is not None and value.low > limit


def has_intervals(tables: Tables, task: str = OWN) -> bool:
    """Whether the test is long enough for intervals."""
    return any(row.pinball.low is not None for row in tables.scores.get(task, []))


def has_seeds(tables: Tables) -> bool:
    """Whether there are several runs that differ in their random numbers alone."""
    return len({run.key.seed for run in tables.comparison.runs}) > 1


def interval_note(tables: Tables, task: str = OWN) -> str:
    """What the intervals of scores are, as a sentence."""
    if not has_intervals(tables, task):
        return "The test is too short for intervals."
    over = "weeks and seeds" if has_seeds(tables) else "weeks; with one seed, none tells of others"
    return f"Intervals are 95%, over {over}."


def proof(tables: Tables) -> str:
    """What has to say so before one forecaster is called better than another."""
    over = "weeks and seeds" if has_seeds(tables) else "weeks"
    return (
        f"a Diebold-Mariano test of these runs' averaged losses (p < {SIGNIFICANT:g} after Holm's "
        f"correction for all pairs) and the 95% interval of the difference over {over}"
    )


def can_test(tables: Tables, task: str = OWN) -> bool:
    """Whether one forecaster could be told to be better than another."""
    return has_intervals(tables, task) and bool(tables.significance([task]))


def bars_note(tables: Tables, task: str = OWN) -> str:
    """What the bars around a chart's dots are, where there are any; begins with a space."""
    if not has_intervals(tables, task):
        return ""
    return f" Bars: 95% intervals over weeks{' and seeds' if has_seeds(tables) else ''}."
