"""On a schedule: requests leave whether or not answers came, at 70% of what can be answered."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.bundles import Bundle
from bridge.load import LoadPlan, run_load
from tests.bench import servers
from tests.bench.figures import Figure

_SHARE = 0.7
_CLIENTS = 8


def open_loop(bundle: Bundle, seconds: float = 60.0) -> Iterator[Figure]:
    """p99.9 over p50, and errors."""
    with servers.daemon(bundle) as running:
        endpoint = f"tcp://127.0.0.1:{running.port}"
        most = run_load(LoadPlan(endpoint, _CLIENTS, min(seconds, 5.0), rate=None))
        rate = _SHARE * most.in_time / most.seconds
        found = run_load(LoadPlan(endpoint, _CLIENTS, seconds, rate=rate))
    p50, p999 = (found.histogram.get_value_at_percentile(each) for each in (50.0, 99.9))
    yield Figure(
        f"open loop at {_SHARE:.0%} of the most for {seconds:g} s: p99.9 over p50",
        p999 / p50,
        10.0,
        detail=f"{rate:,.0f} a second; {p999 / 1e3:.2f} and {p50 / 1e3:.2f} ms; the sender fell "
        f"behind by {found.late_us / 1e3:.1f} ms at most",
    )
    bad = sum(found.errors.values()) + found.unanswered + found.unsent
    yield Figure("open loop: errors and requests without answer", bad, 0)
