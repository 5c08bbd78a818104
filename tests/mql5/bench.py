"""How fast the library is in MQL5, beside Python's clients: `python -m tests.mql5.bench`.

The program is programs/Benchmark.mq5, built with optimisation and without sanitizers. It and the
Python clients ask one daemon, and take turns in short rounds, so that whatever else this machine
does falls on all of them alike, and what counts are ratios.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import zmq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bridge.background import background_daemon
from bridge.bars import Bars
from bridge.book import make_book
from bridge.client import Client
from bridge.demo import demo_bars
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack
from tests.mql5.experts import EVERY_LIKELIHOOD, entries
from tests.mql5.history import write_export
from tests.mql5.host import HERE, Program, build
from tests.mql5.installed import installed, shipped_bundle
from tests.mql5.terminal import Terminal
from tests.mql5.year import year_of

WINDOWS = 64
UNCOUNTED = 100  # of each turn: a program that has just started takes so many to get into stride
YEAR = 6_200


class Work(IntEnum):
    """ENUM_WORK of the program."""

    HEALTH = 0
    FORECAST = 1
    ASK = 2
    WIRE = 3
    BOOK = 4


@dataclass(frozen=True)
class Figure:
    """What is held to a limit, or, where that is None, only shown."""

    name: str
    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def met(self) -> bool:
        return self.limit is None or self.value <= self.limit


Turn = Callable[[int], NDArray[np.float64]]
"""Does something so many times; how many microseconds each took."""


class Bench:
    """One daemon, one terminal, and the program."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.endpoint = endpoint
        self.bundle = shipped_bundle()
        context = self.bundle.manifest.context
        self.bars = year_of(demo_bars(), weeks=53, seed=1)[: context + YEAR]
        self.terminal = Terminal(folder, allow_dll=True)
        self.export = write_export(folder, self.bars)
        make_book(self.bundle, self.bars, self.terminal.files / "forecast.book")
        self.program = _optimised(HERE / "programs" / "Benchmark.mq5")

    def mql5(self, work: Work, count: int) -> NDArray[np.float64]:
        """A turn of the program's."""
        result = self.program.script(
            self.terminal,
            bars=self.export,
            inputs={
                "InpWork": work,
                "InpEndpoint": self.endpoint.removeprefix("tcp://"),
                "InpCount": count,
                "InpUncounted": UNCOUNTED,
            },
        )
        assert result.code == 0, (result.journal, result.errors)
        assert "failed" not in result.journal, result.journal
        return np.fromfile(self.terminal.files / "benchmark.bin", "<i8").astype(float)

    def windows(self) -> list[Bars]:
        """What the program asks about too: the last closed bars, and windows before them."""
        closed = len(self.bars) - 1
        context = self.bundle.manifest.context
        return [self.bars[closed - i - context : closed - i] for i in range(WINDOWS)]

    def ea_seconds(self, expert: str) -> float:
        """A year in the tester: the time spent in the EA's own code, and what it waits for."""
        result = _optimised(installed(f"Experts/EABridge/{expert}.mq5")).test(
            self.terminal,
            bars=self.export,
            inputs={**EVERY_LIKELIHOOD, "InpEndpoint": self.endpoint.removeprefix("tcp://")},
            spread_points=10,
            **{"from": int(self.bars.time[self.bundle.manifest.context])},
        )
        assert result.code == 0, result.journal
        assert not [line for line in result.journal if line.startswith("Paused")]
        assert len(entries(result)) > 1000
        handlers: dict[str, dict[str, float]] = result.report["handlers"]  # type: ignore[assignment]
        return sum(handler["microseconds"] for handler in handlers.values()) / 1e6


def _optimised(source: Path) -> Program:
    return build(source, sanitize=False, optimise=True)


@contextmanager
def _turns(bench: Bench) -> Iterator[dict[str, Turn]]:
    """Every way of asking, by name."""
    health = pack({"v": PROTOCOL_VERSION, "op": "health", "id": 1, "ttl_ms": 1000})
    windows = bench.windows()
    with (
        zmq.Context() as context,
        context.socket(zmq.REQ) as bare,
        Client(bench.endpoint) as client,
    ):
        bare.setsockopt(zmq.LINGER, 0)
        bare.connect(bench.endpoint)

        def asked(_: int) -> None:
            bare.send(health)
            bare.recv()

        yield {
            "health: pyzmq, bytes to bytes": _timed(asked),
            "health: bridge.Client": _timed(lambda _: client.health()),
            "health: MQL5, sockets of the terminal": lambda n: bench.mql5(Work.HEALTH, n),
            "forecast: bridge.Client": _timed(lambda i: client.forecast(windows[i % WINDOWS])),
            "forecast: MQL5, from a window": lambda n: bench.mql5(Work.FORECAST, n),
            "forecast: MQL5, CForecaster.Ask": lambda n: bench.mql5(Work.ASK, n),
        }


def _timed(ask: Callable[[int], object]) -> Turn:
    def turn(count: int) -> NDArray[np.float64]:
        times = np.empty(count)
        for index in range(UNCOUNTED + count):
            begun = time.perf_counter_ns()
            ask(index)
            if index >= UNCOUNTED:
                times[index - UNCOUNTED] = (time.perf_counter_ns() - begun) / 1000
        return times

    return turn


def _figures(bench: Bench, p50: dict[str, float], rounds: int) -> list[Figure]:
    pyzmq, _, health, client, forecast, ask = p50.values()
    wire_us = float(np.median([bench.mql5(Work.WIRE, 2_000)[0] / 2_000 for _ in range(rounds)]))
    book_us = float(np.median([bench.mql5(Work.BOOK, 1_000).mean() for _ in range(rounds)]))
    return [
        Figure("health from MQL5, over pyzmq's", health / pyzmq, limit=0.9),
        Figure("forecast from MQL5, over bridge.Client's", forecast / client, limit=1.0),
        Figure("CForecaster.Ask, over bridge.Client's", ask / client, limit=1.0),
        Figure("a forecast's bytes, encoded and decoded", wire_us, "us", 20.0),
        Figure("a look-up in a book, bar after bar", book_us, "us", 2.0),
        Figure(f"{YEAR:,} bars through the book", bench.ea_seconds("ForecastTraderBook"), "s", 1.0),
        Figure("the same through the daemon", bench.ea_seconds("ForecastTraderDll"), "s"),
        Figure("the same through the model inside", bench.ea_seconds("ForecastTraderModel"), "s"),
    ]


def run(rounds: int, requests: int) -> tuple[dict[str, NDArray[np.float64]], list[Figure]]:
    """Round trips in microseconds by way of asking, and the figures that follow from them."""
    with tempfile.TemporaryDirectory() as folder, background_daemon() as daemon:
        bench = Bench(Path(folder), daemon.endpoint)
        with _turns(bench) as turns:
            for turn in turns.values():
                turn(requests)  # unmeasured: what is built or read at the first use is there then
            taken: dict[str, list[NDArray[np.float64]]] = {name: [] for name in turns}
            for _ in range(rounds):
                for name, turn in turns.items():
                    taken[name].append(turn(requests))
        times = {name: np.concatenate(each) for name, each in taken.items()}
        p50 = {name: float(np.median(each)) for name, each in times.items()}
        return times, _figures(bench, p50, rounds)


def show(times: dict[str, NDArray[np.float64]], figures: list[Figure]) -> None:
    """The two tables."""
    table = Table(title="round trips on this machine")
    table.add_column("")
    for name in ("p50", "p99"):
        table.add_column(name, justify="right")
    for name, each in times.items():
        table.add_row(name, *(f"{value:.0f} us" for value in np.percentile(each, [50, 99])))
    out = Console(highlight=False)
    out.print(table)
    table = Table()
    table.add_column("figure")
    for name in ("measured", "limit", ""):
        table.add_column(name, justify="right")
    for figure in figures:
        unit = f" {figure.unit}" if figure.unit else ""
        limit = "" if figure.limit is None else f"{figure.limit:g}{unit}"
        verdict = "" if figure.limit is None else "met" if figure.met else "missed"
        table.add_row(figure.name, f"{figure.value:.2f}{unit}", limit, verdict)
    out.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Measure and show; 1 where a figure misses its limit."""
    parser = argparse.ArgumentParser(prog="python -m tests.mql5.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="turns of each (default: 20)")
    parser.add_argument("--requests", type=int, default=200, help="in each (default: 200)")
    options = parser.parse_args(arguments)
    times, figures = run(options.rounds, options.requests)
    show(times, figures)
    return int(not all(figure.met for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
