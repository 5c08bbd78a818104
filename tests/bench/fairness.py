"""A flood beside one polite client, which should hardly notice."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.bundles import Bundle
from tests.bench import servers
from tests.bench.figures import Figure
from tests.bench.swarm import Answers, Asking, ask, asked

FLOODERS = 64
_PAUSE_S = 0.02
_UNTIL_IT_IS_ENDED_S = 600.0


def flood(bundle: Bundle, rounds: int = 3, seconds: float = 5.0) -> Iterator[Figure]:
    """The polite client's p99 beside 64 clients without pause, over that alone; in turns."""
    alone, beside = Answers(), Answers()
    with servers.daemon(bundle) as running:
        for turn in range(rounds):
            polite = Asking(
                running.port, running.framing, 1, seconds, pause_s=_PAUSE_S, seed=1000 + turn
            )
            alone = alone.plus(ask(polite))
            rude = Asking(running.port, running.framing, FLOODERS, _UNTIL_IT_IS_ENDED_S, seed=turn)
            with asked(rude):
                beside = beside.plus(ask(polite))
    calm, flooded = alone.percentile_us(99), beside.percentile_us(99)
    yield Figure(
        f"a polite client's p99 beside {FLOODERS} that flood, over its p99 alone",
        flooded / calm,
        5.0,
        detail=f"{flooded / 1e3:.2f} and {calm / 1e3:.2f} ms; p50 "
        f"{beside.percentile_us(50) / 1e3:.2f} and {alone.percentile_us(50) / 1e3:.2f} ms",
    )
    yield Figure("errors of the polite client", sum(beside.errors.values()), 0)
