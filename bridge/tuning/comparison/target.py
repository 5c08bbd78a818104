"""A figure held to its limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bridge.tuning.comparison.estimates import Estimate, written
from bridge.tuning.comparison.style import label

Shown = Callable[[float], str]


@dataclass(frozen=True)
class Target:
    """A figure held to its limit.

    Attributes:
        who: which method, network or pair. what: is measured.
        limit: in words, with units. measured: likewise, or why it was not.
        met: None where it could not be measured.
        margin: by how much it was met or missed.
    """

    who: str
    what: str
    limit: str
    measured: str
    met: bool | None
    margin: str

    def said(self, measured: str) -> Target:
        """The same, what was measured in other words."""
        return replace(self, measured=measured)


def at_most(who: str, what: str, value: Estimate, limit: float, shown: Shown) -> Target:
    """Met by a value that is not above the limit, whatever its interval holds."""
    met = value.value <= limit
    margin = f"{shown(abs(limit - value.value)).lstrip('+')} {'to spare' if met else 'too much'}"
    most = f"at most {shown(limit).lstrip('+')}"
    return Target(who, what, most, ranged(value, shown), met, margin + _near(value, limit))


def at_least(who: str, what: str, value: Estimate, limit: float, shown: Shown) -> Target:
    """Met by a value that is not below the limit, whatever its interval holds."""
    met = value.value >= limit
    margin = f"{shown(abs(limit - value.value))} {'more' if met else 'short'}"
    least = f"at least {shown(limit)}"
    return Target(who, what, least, ranged(value, shown), met, margin + _near(value, limit))


def of_slowest(who: str, what: str, speeds: Mapping[str, Estimate], limit: float) -> Target:
    """All methods are held to the limit, so the slowest is; the fastest is told beside."""
    worst = min(speeds, key=lambda method: speeds[method].value)
    target = at_least(who, what, speeds[worst], limit, times)
    if len(speeds) == 1:
        return target
    most = times(max(each.value for each in speeds.values()))
    return target.said(f"{target.measured} (the least, with {label(worst)}), up to {most}")


def unknown(who: str, what: str, limit: str, why: str) -> Target:
    """One that could not be measured."""
    return Target(who, what, limit, why, None, "")


def ranged(value: Estimate, shown: Shown) -> str:
    """A value and its interval."""
    if value.low is None or value.high is None:
        return shown(value.value)
    return f"{shown(value.value)} [{shown(value.low)}, {shown(value.high)}]"


def times(value: float) -> str:
    """`1.25x`, `154x`."""
    return f"{value:.2f}x" if value < 10 else f"{value:,.0f}x"


def hundredths(value: float) -> str:
    """`0.77`."""
    return f"{value:.2f}"


def percent(value: float) -> str:
    """`3.4%`."""
    return f"{100 * value:.1f}%"


def signed(value: float) -> str:
    """`+0.0012`."""
    return written(value, "+.4f")


def _near(value: Estimate, limit: float) -> str:
    """A word of warning where another sample might have judged otherwise."""
    inside = value.low is not None and value.high is not None and value.low <= limit <= value.high
    return ", but its interval holds the limit" if inside else ""
