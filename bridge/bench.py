"""What the bridge costs, beside its floors, in one run: `eabridge bench`.

Ways of asking take turns in short rounds, so that whatever else this machine does falls on
all of them alike, and what counts are ratios: a bare pyzmq echo with the same payload sizes and
the model in this process are the floors, the daemon's `forecast` and `health` stand beside them.
A turn's first requests are not counted: what is shown is the steady state, not the first question
after a pause.
"""

from __future__ import annotations

import itertools
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import zmq

from bridge.backends import open_backend
from bridge.background import BackgroundDaemon, background_daemon
from bridge.bars import Bars, read_bars
from bridge.book import make_book
from bridge.bundles import Bundle
from bridge.client import Client
from bridge.runtimes import Runtimes
from bridge.synthetic import SyntheticRequests, random_walk_bars
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack, unpack


class BenchError(RuntimeError):
    """The daemon answered otherwise than a benchmark can use. The message says how."""


_WINDOWS = 64
_WARM_UP = 200
_UNCOUNTED = 10  # first requests of a turn: they find caches that another way of asking filled
_STARTS = 5
_BARS_READ = 500_000
_BOOKS, _BOOK_FORECASTS = 3, 2000
_MEGABYTE = 1e6
_WEEK_S = 604_800


@dataclass(frozen=True)
class Row:
    """One way of asking: the median and the 99th percentile of its round trips."""

    name: str
    p50_us: float
    p99_us: float


@dataclass(frozen=True)
class Figure:
    """A figure with the limit it is held to; both in `unit`."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass(frozen=True)
class BenchResult:
    """The table of round trips and the figures that follow from it."""

    model: str
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...]

    def as_dict(self) -> dict[str, Any]:
        """As `eabridge bench --json` prints it."""
        return {
            "model": self.model,
            "rows": [vars(row) for row in self.rows],
            "figures": [{**vars(each), "met": each.met} for each in self.figures],
        }


def run_bench(
    bundle: Bundle,
    *,
    rounds: int = 40,
    requests: int = 100,
    on_round: Callable[[int, int], None] = lambda done, total: None,
) -> BenchResult:
    """Measure. Takes about half a minute with the defaults.

    Args:
        bundle: the model to serve.
        rounds, requests: every way of asking gets `requests` in each of `rounds` turns.
        on_round: called with rounds done and in all.
    """
    starts = [_start_seconds(bundle) for _ in range(_STARTS)]
    with background_daemon(_serve(bundle)) as daemon, _ways(bundle, daemon) as ways:
        for ask in ways.values():
            for index in range(_WARM_UP):
                ask(index)
        taken: dict[str, list[int]] = {name: [] for name in ways}
        for turn in range(rounds):
            for name, ask in ways.items():
                times = taken[name]
                for index in range(_UNCOUNTED):
                    ask(index)
                for index in range(requests):
                    begun = time.perf_counter_ns()
                    ask(index)
                    times.append(time.perf_counter_ns() - begun)
            on_round(turn + 1, rounds)
        memory = _resident_bytes(daemon.pid)
        book = _book_over_asking(bundle, daemon, min(_BOOK_FORECASTS, rounds * requests))
    rows = {
        name: Row(name, *(float(value) / 1000 for value in np.percentile(times, [50, 99])))
        for name, times in taken.items()
    }
    return BenchResult(
        bundle.manifest.label,
        tuple(rows.values()),
        (
            *_figures(rows, float(np.median(starts)), memory),
            Figure("a book, over asking for its forecasts bar by bar", book, 0.5),
            Figure(f"reading {_BARS_READ:,} exported bars", _read_seconds(), 2.0, "s"),
        ),
    )


_ECHO = "bare pyzmq echo, a forecast's sizes"
_SMALL_ECHO = "bare pyzmq echo, health's sizes"
_INFERENCE = "model in this process"
_FORECAST = "daemon: forecast"
_CACHED = "daemon: forecast from its cache"
_HEALTH = "daemon: health"
_CLIENT = "daemon: Client.forecast, bars to values"


def _figures(rows: dict[str, Row], start: float, memory: float) -> tuple[Figure, ...]:
    echo, forecast = rows[_ECHO], rows[_FORECAST]
    overhead = forecast.p50_us - rows[_INFERENCE].p50_us
    health = rows[_HEALTH].p50_us / rows[_SMALL_ECHO].p50_us
    return (
        Figure(
            "overhead of a forecast over the model alone, in echoes", overhead / echo.p50_us, 1.5
        ),
        Figure("a forecast from the cache, in echoes", rows[_CACHED].p50_us / echo.p50_us, 1.3),
        Figure("health, in echoes", health, 1.3),
        Figure("p99 of a forecast over its p50", forecast.p99_us / forecast.p50_us, 2.5),
        Figure("process start to ready", start, 1.5, "s"),
        Figure("resident memory when serving", memory / _MEGABYTE, 200.0, "MB"),
        Figure("serving install's site-packages", _installed_bytes() / _MEGABYTE, 250.0, "MB"),
    )


@contextmanager
def _ways(bundle: Bundle, daemon: BackgroundDaemon) -> Iterator[dict[str, Callable[[int], object]]]:
    """Every way of asking, by name; each takes the number of the window to ask about."""
    manifest = bundle.manifest
    windows = [
        random_walk_bars(manifest.context, manifest.tf or 3600, seed) for seed in range(_WINDOWS)
    ]
    tf = manifest.tf or 3600
    fresh = SyntheticRequests(manifest.context, tf, inputs=manifest.inputs, windows=_WINDOWS)
    again = SyntheticRequests(
        manifest.context, tf, inputs=manifest.inputs, windows=_WINDOWS, fresh=False, seed=1
    )
    bodies = [fresh.next()[1] for _ in range(_WINDOWS)]
    health = pack({"v": PROTOCOL_VERSION, "op": "health", "id": 1})
    backend = open_backend(bundle, _runtimes(bundle))
    values = [bars.ohlc if manifest.inputs == "ohlc" else bars.close for bars in windows]
    batches = [(window[np.newaxis], np.array([1.5e9])) for window in values]
    weeks = itertools.count(1000)
    context = zmq.Context()
    direct = _request_socket(context, daemon.endpoint)

    def asked(body: bytes) -> bytes:
        direct.send(body)
        reply: bytes = direct.recv()
        return reply

    sizes = {len(body): len(asked(body)) for body in (bodies[0], health)}
    if not unpack(asked(bodies[0])).get("ok"):
        raise BenchError(f"the daemon refused: {unpack(asked(bodies[0]))['message']}")
    with _echo_server(sizes) as endpoint, Client(daemon.endpoint) as client:
        echo = _request_socket(context, endpoint)

        def later(index: int) -> Bars:
            return _later(windows[index], next(weeks))

        def echoed(body: bytes) -> bytes:
            echo.send(body)
            reply: bytes = echo.recv()
            return reply

        try:
            yield {
                _ECHO: lambda index: echoed(bodies[index % _WINDOWS]),
                _SMALL_ECHO: lambda index: echoed(health),
                _INFERENCE: lambda index: backend.forecast(*batches[index % _WINDOWS]),
                _FORECAST: lambda index: asked(fresh.next()[1]),
                _CACHED: lambda index: asked(again.next()[1]),
                _HEALTH: lambda index: asked(health),
                _CLIENT: lambda index: client.forecast(
                    _later(windows[index % _WINDOWS], next(weeks))
                ),
            }
        finally:
            echo.close()
            direct.close()
            context.term()


@contextmanager
def _echo_server(sizes: dict[int, int]) -> Iterator[str]:
    """The least a Python server can do: REP, each request's size to its reply's size."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_echo, args=(sizes, theirs), daemon=True)
    process.start()
    theirs.close()  # so that a server that dies ends the wait
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _echo(sizes: dict[int, int], parent: Any) -> None:
    replies = {asked: bytes(given) for asked, given in sizes.items()}
    socket = zmq.Context().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    parent.send(f"tcp://127.0.0.1:{port}")
    while True:
        socket.send(replies[len(socket.recv())])


def _request_socket(context: zmq.Context[Any], endpoint: str) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 10_000)
    socket.connect(endpoint)
    return socket


def _resident_bytes(pid: int) -> int:
    """Of the daemon and, as a Windows environment's python.exe starts another, its children."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(int(each.memory_info().rss) for each in family)


def _start_seconds(bundle: Bundle) -> float:
    with background_daemon(_serve(bundle)) as daemon:
        return daemon.start_seconds


def _book_over_asking(bundle: Bundle, daemon: BackgroundDaemon, forecasts: int) -> float:
    """Time to make a book, loading the model included, over that to ask for each bar in turn."""
    manifest = bundle.manifest
    context = manifest.context
    bars = random_walk_bars(context - 1 + forecasts, manifest.tf or 3600, seed=0)
    ratios = []
    with zmq.Context() as zmq_context, tempfile.TemporaryDirectory() as folder:
        socket = _request_socket(zmq_context, daemon.endpoint)
        for turn in range(_BOOKS):
            later = _later(bars, turn)  # or the daemon would answer from its cache
            windows = [later[start : start + context] for start in range(forecasts)]
            bodies = [_request(window, manifest.inputs) for window in windows]
            begun = time.perf_counter()
            for body in bodies:
                socket.send(body)
                socket.recv()
            asked = time.perf_counter() - begun
            made = make_book(bundle, later, Path(folder) / "walk.book", runtime=_runtimes(bundle))
            ratios.append(made.seconds / asked)
        socket.close()
    return float(np.median(ratios))


def _read_seconds() -> float:
    """Reading a minute export of MetaTrader's, as large as a year and a half of FX."""
    bars = random_walk_bars(_BARS_READ, 60, seed=0)
    stamps = np.char.replace(bars.time.astype("datetime64[s]").astype(str), "-", ".")
    lines = ["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"]
    for stamp, (opened, high, low, close) in zip(stamps.tolist(), bars.ohlc.tolist(), strict=True):
        prices = f"{opened:.5f}\t{high:.5f}\t{low:.5f}\t{close:.5f}"
        lines.append(f"{stamp[:10]}\t{stamp[11:]}\t{prices}\t100\t0\t3")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "WALK_M1.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        begun = time.perf_counter()
        read_bars(path)
        return time.perf_counter() - begun


def _serve(bundle: Bundle) -> list[str]:
    return ["--models", str(bundle.path.parent), "--default", bundle.manifest.name]


def _runtimes(bundle: Bundle) -> Runtimes:
    return Runtimes([bundle.path.parent])


def _request(bars: Bars, inputs: str) -> bytes:
    window = bars.ohlc if inputs == "ohlc" else bars.close
    return pack(
        {
            "v": PROTOCOL_VERSION,
            "op": "forecast",
            "id": 1,
            "tf": bars.tf,
            "time": int(bars.time[-1]),
            inputs: np.ascontiguousarray(window, dtype="<f8").tobytes(),
        }
    )


def _later(bars: Bars, weeks: int) -> Bars:
    return replace(bars, time=bars.time + weeks * _WEEK_S)


def _installed_bytes() -> int:
    """Bytes of the files that `pip install eabridge` brings: it and all it requires."""
    wanted, seen, total = ["eabridge"], set(), 0
    while wanted:
        name = wanted.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another platform or Python
            continue
        key = found.metadata["Name"].lower()
        if key in seen:
            continue
        seen.add(key)
        for file in found.files or ():
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.is_file() else 0
        for requirement in found.requires or ():
            if "extra ==" not in requirement:
                match = re.match(r"[A-Za-z0-9._\-]+", requirement)
                wanted += [match[0]] if match else []
    return total
