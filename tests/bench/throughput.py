"""Eight clients: the daemon beside FastAPI, mosec and ONNX Runtime alone; and out of its cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from bridge.bundles import Bundle
from tests.bench import servers
from tests.bench.figures import Figure
from tests.bench.swarm import Answers, Asking, ask

CLIENTS = 8


def against_peers(bundle: Bundle, rounds: int = 5, seconds: float = 3.0) -> Iterator[Figure]:
    """Throughput and p99, all servers in turns; every request asks what no cache knows."""
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(server(bundle))
            for name, server in (
                ("eabridge", servers.daemon),
                ("FastAPI", servers.fastapi),
                ("mosec", servers.mosec),
            )
        }
        found: dict[str, list[Answers]] = {name: [] for name in running}
        alone: list[float] = []
        for turn in range(rounds):
            for name, each in running.items():
                asking = Asking(each.port, each.framing, CLIENTS, seconds, seed=turn)
                found[name].append(ask(asking))
            alone.append(servers.onnxruntime_alone(bundle, seconds))
        batched = servers.onnxruntime_alone(bundle, seconds, batch=CLIENTS)
    _require_no_errors(found)
    rate = {
        name: float(np.median([each.per_second for each in all_])) for name, all_ in found.items()
    }
    p99 = {
        name: float(np.median([each.percentile_us(99) for each in all_]))
        for name, all_ in found.items()
    }
    for peer in ("FastAPI", "mosec"):
        yield Figure(
            f"{CLIENTS} clients: throughput over {peer}'s",
            rate["eabridge"] / rate[peer],
            2.0,
            at_most=False,
            detail=f"{rate['eabridge']:,.0f} and {rate[peer]:,.0f} a second",
        )
        yield Figure(
            f"{CLIENTS} clients: p99 over {peer}'s",
            p99["eabridge"] / p99[peer],
            0.5,
            detail=f"{p99['eabridge'] / 1e3:.2f} and {p99[peer] / 1e3:.2f} ms",
        )
    ours = found["eabridge"]
    asked = sum(each.processor_seconds for each in ours) / sum(each.seconds for each in ours)
    yield Figure(
        f"{CLIENTS} clients: throughput over ONNX Runtime alone on all cores",
        rate["eabridge"] / float(np.median(alone)),
        0.6,
        at_most=False,
        detail=f"{np.median(alone):,.0f} a second one by one, {batched:,.0f} in batches of "
        f"{CLIENTS}; the clients took {asked:.2f} of a core",
    )


def cached(bundle: Bundle, rounds: int = 8, seconds: float = 2.0) -> Iterator[Figure]:
    """Throughput out of the cache over that of computing."""
    with servers.daemon(bundle) as running:
        found: dict[bool, list[Answers]] = {True: [], False: []}
        for turn in range(rounds):
            for fresh in (True, False):
                asking = Asking(
                    running.port, running.framing, CLIENTS, seconds, fresh=fresh, seed=turn
                )
                if not fresh:
                    ask(asking)  # so that each has been asked once
                found[fresh].append(ask(asking))
    rate = {fresh: np.median([each.per_second for each in all_]) for fresh, all_ in found.items()}
    yield Figure(
        f"{CLIENTS} clients: throughput of cached forecasts over uncached ones",
        float(rate[False] / rate[True]),
        3.0,
        at_most=False,
        detail=f"{rate[False]:,.0f} and {rate[True]:,.0f} a second",
    )


def _require_no_errors(found: dict[str, list[Answers]]) -> None:
    for name, all_ in found.items():
        for each in all_:
            if each.errors:
                raise RuntimeError(f"{name} refused: {dict(each.errors)}")
