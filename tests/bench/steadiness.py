"""On a schedule: requests leave whether or not answers came, at 70% of what can be answered."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.bundles import Bundle
from tests.bench import servers
from tests.bench.figures import Figure
from tests.bench.swarm import Asking, ask

_SHARE = 0.7
_CLIENTS = 8


def open_loop(bundle: Bundle, seconds: float = 60.0) -> Iterator[Figure]:
    """p99.9 over p50, and errors."""
    with servers.daemon(bundle) as running:
        port, framing = running.port, running.framing
        most = ask(Asking(port, framing, _CLIENTS, min(seconds, 5.0)))
        rate = _SHARE * most.per_second
        found = ask(Asking(port, framing, _CLIENTS, seconds, rate=rate, seed=1))
    p50, p999 = found.percentile_us(50.0), found.percentile_us(99.9)
    yield Figure(
        f"open loop at {_SHARE:.0%} of the most for {seconds:g} s: p99.9 over p50",
        p999 / p50,
        10.0,
        detail=f"{rate:,.0f} a second; {p999 / 1e3:.2f} and {p50 / 1e3:.2f} ms; the sender fell "
        f"behind by {found.late_s * 1e3:.1f} ms at most",
    )
    yield Figure("open loop: errors and requests without answer", sum(found.errors.values()), 0)
