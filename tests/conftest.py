"""What every room's tests share: live daemons in their own processes, and real bars."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bridge.bars import Bars, read_bars
from bridge.bundles import Bundle, find_routed, shipped_store

# No property is judged by the clock: machines that run these tests may be busy.
settings.register_profile(
    "untimed",
    settings(),
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")

_START_SECONDS = 60  # a loaded machine imports slowly; a healthy daemon takes one or two
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Daemon:
    """A running `eabridge serve`.

    Attributes:
        endpoint: where it listens, on a port of its own.
        process: may be stopped or killed by a test that started it for itself.
        log_path: its stderr.
    """

    endpoint: str
    process: subprocess.Popen[str]
    log_path: Path

    def log(self) -> str:
        """What it has logged so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


StartDaemon = Callable[..., Daemon]


def shipped_model(symbol: str = "") -> Bundle:
    """The model that answers for a symbol where the shipped store is asked and none is named."""
    return find_routed("fx-h1", symbol, [shipped_store()])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side, those of one file stay together, and so do those that share
    the folder in which MQL5 is built."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    shared = Path(__file__).parent / "mql5"
    for item in items:
        group = shared if item.path.is_relative_to(shared) else item.path
        item.add_marker(pytest.mark.xdist_group(str(group)))


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that serves the shipped store, shared by all tests: leave it running.

    It keeps no forecasts, so that what is asked twice is computed twice.
    """
    with _running(tmp_path_factory.mktemp("daemon"), "--cache", "0") as running:
        yield running
        assert running.process.poll() is None, f"the shared daemon died:\n{running.log()}"


@pytest.fixture
def start_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartDaemon]:
    """Starts daemons for one test: `start_daemon("--models", folder, ...)`.

    Each runs in an empty folder, so that the shipped store is served where none is named.
    """
    with contextlib.ExitStack() as daemons:

        def start(*arguments: str | Path) -> Daemon:
            folder = tmp_path_factory.mktemp("daemon")
            return daemons.enter_context(_running(folder, *map(str, arguments)))

        yield start


@pytest.fixture(scope="session")
def bars() -> Bars:
    """Hourly EURUSD, 2017 to 2018: 5,000 bars that the `backtesting` package ships. Read-only."""
    spec = importlib.util.find_spec("backtesting")
    assert spec is not None, "pip install eabridge[test]"
    assert spec.origin is not None
    hours, _ = read_bars(Path(spec.origin).parent / "test" / "EURUSD.csv")
    for column in (hours.time, hours.ohlc, hours.volume):
        column.flags.writeable = False
    return hours


@contextlib.contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[Daemon]:
    command = [sys.executable, "-m", "bridge", "serve", "--bind", "tcp://127.0.0.1:0", *arguments]
    log_path = folder / "stderr.txt"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8"
        ) as process,
    ):
        try:
            endpoint = _wait_until_ready(process, log_path)
            yield Daemon(endpoint, process, log_path)
            if process.poll() is None:
                _stop(process, log_path)
        finally:
            process.kill()


def _wait_until_ready(process: subprocess.Popen[str], log_path: Path) -> str:
    assert process.stdout is not None
    giving_up = threading.Timer(_START_SECONDS, process.kill)  # ends the wait for a line
    giving_up.start()
    try:
        line = process.stdout.readline()
    finally:
        giving_up.cancel()
    assert line.startswith("ready tcp://"), (
        f"the daemon said {line!r} in place of `ready tcp://...`; its log:\n"
        f"{log_path.read_text(encoding='utf-8', errors='replace')}"
    )
    return line.removeprefix("ready ").strip()


def _stop(process: subprocess.Popen[str], log_path: Path) -> None:
    process.terminate()
    code = process.wait(_STOP_SECONDS)
    if os.name == "posix":  # on Windows, terminate kills and says so in the code
        log = log_path.read_text(encoding="utf-8", errors="replace")
        assert code == 0, f"the daemon stopped with exit code {code}; its log:\n{log}"
