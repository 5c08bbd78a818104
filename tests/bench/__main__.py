"""`python -m tests.bench [FIGURE ...]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial

from bridge.bundles import Bundle, find_bundle, shipped_store
from tests.bench import endurance, fairness, steadiness, swapping, throughput
from tests.bench.figures import HEAD, Figure

Measure = Callable[[Bundle], Iterator[Figure]]
_FULL: dict[str, Measure] = {
    "peers": throughput.against_peers,
    "cached": throughput.cached,
    "open-loop": steadiness.open_loop,
    "flood": fairness.flood,
    "hot-swap": swapping.hot_swap,
    "requests": endurance.many_requests,
    "connections": endurance.many_connections,
}
_SHORT: dict[str, Measure] = {
    "peers": partial(throughput.against_peers, rounds=2, seconds=1.0),
    "cached": partial(throughput.cached, rounds=2, seconds=1.0),
    "open-loop": partial(steadiness.open_loop, seconds=5.0),
    "flood": partial(fairness.flood, rounds=1, seconds=3.0),
    "hot-swap": partial(swapping.hot_swap, seconds=6.0),
    "requests": partial(endurance.many_requests, count=50_000),
    "connections": partial(endurance.many_connections, count=1_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure serving: ratios against floors and peers of the same run. All figures "
        "take about nine minutes; the peers need: pip install '.[bench]'.",
    )
    parser.add_argument(
        "figures",
        nargs="*",
        choices=[*_FULL, []],  # argparse holds "none" against the choices, too
        metavar="FIGURE",
        help=f"{', '.join(_FULL)} (default: all)",
    )
    parser.add_argument("--short", action="store_true", help="a glance, not a measurement")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    bundle = find_bundle("fx-h1", [shipped_store()])
    measures = _SHORT if options.short else _FULL
    found: list[Figure] = []
    for name in options.figures or measures:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        found += measures[name](bundle)
    if options.json:
        print(json.dumps([each.as_dict() for each in found], indent=2))
    else:
        print(HEAD)
        for each in found:
            print(each.as_row())
    return 0


if __name__ == "__main__":
    sys.exit(main())
