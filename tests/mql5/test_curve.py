"""The example EA and a daemon that asks for keys: `eabridge keys`, libzmq and CURVE, end to end."""

from __future__ import annotations

import shutil
from ctypes.util import find_library
from pathlib import Path

import pytest

from bridge import keys
from bridge.bars import Bars
from tests.conftest import Daemon, StartDaemon
from tests.mql5.experts import EVERY_LIKELIHOOD
from tests.mql5.history import write_export
from tests.mql5.host import MQL5, Program, Running, build
from tests.mql5.terminal import Terminal
from tests.mql5.test_live import TICK_MS, ended, trade_on, wait_until
from tests.mql5.toolchain import missing

LOCAL = "m_forecaster.UseDaemon(InpEndpoint, InpModel)"
REMOTE = (
    "m_forecaster.UseRemoteDaemon(InpEndpoint, InpServerKey, InpPublicKey, InpSecretKey, InpModel)"
)
MAIN = """\
#define EABRIDGE_LIBZMQ
input string InpServerKey = "";
input string InpPublicKey = "";
input string InpSecretKey = "";
#include "ForecastTrader/Trader.mqh"
"""


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """ForecastTrader, told to ask a daemon on another computer as mql5/README.md says."""
    if find_library("zmq") is None:
        missing("no libzmq: apt install libzmq5, or put libzmq.dll on the PATH")
    experts = tmp_path_factory.mktemp("remote") / "MQL5" / "Experts" / "EABridge"
    shutil.copytree(MQL5 / "Experts" / "EABridge", experts)
    trader = experts / "ForecastTrader" / "Trader.mqh"
    text = trader.read_text(encoding="utf-8")
    assert text.count(LOCAL) == 1
    trader.write_text(text.replace(LOCAL, REMOTE), encoding="utf-8")
    source = experts / "ForecastTraderRemote.mq5"
    source.write_text(MAIN, encoding="utf-8")
    return build(source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The daemon's folder of keys, and in it the client's pair too."""
    keys.new_pair(tmp_path / "keys")
    keys.new_pair(tmp_path / "keys", "laptop")
    return tmp_path / "keys"


@pytest.fixture
def daemon(folder: Path, start_daemon: StartDaemon) -> Daemon:
    """A daemon that asks for keys."""
    return start_daemon("--keys", folder)


def attached(
    program: Program, terminal: Terminal, bars: Bars, daemon: Daemon, folder: Path
) -> Running:
    """The EA on a chart whose hours pass in an eighth of a second, with the client's keys."""
    own = keys.read_pair(folder / "laptop.secret")
    return program.live(
        terminal,
        bars=write_export(terminal.folder, bars),
        inputs={
            "InpEndpoint": daemon.endpoint.removeprefix("tcp://"),
            "InpServerKey": keys.read_public(folder / "daemon.public"),
            "InpPublicKey": own.public,
            "InpSecretKey": own.secret,
            "InpHorizon": 1,
            **EVERY_LIKELIHOOD,
        },
        tick_ms=TICK_MS,
        spread_points=10,
        **{"from": "2018.01.01"},
    )


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "terminal", allow_dll=True)


def test_an_ea_that_is_allowed_trades_on_forecasts_through_curve(
    remote: Program, terminal: Terminal, bars: Bars, daemon: Daemon, folder: Path
) -> None:
    keys.allow(folder, "laptop", folder / "laptop.public")
    with attached(remote, terminal, bars, daemon, folder) as running:
        trade_on(running, 5)
        ended(running)
    assert "laptop connected from 127.0.0.1" in daemon.log()
    assert "(CURVE)" in "\n".join(running.journal())


def test_an_ea_that_is_not_allowed_is_told_of_the_keys_and_trades_once_it_is(
    remote: Program, terminal: Terminal, bars: Bars, daemon: Daemon, folder: Path
) -> None:
    with attached(remote, terminal, bars, daemon, folder) as running:
        wait_until(running, lambda: any("CURVE keys" in line for line in running.journal()))
        assert not any("lots at" in line for line in running.journal())
        assert "is not allowed here" in daemon.log()
        keys.allow(folder, "laptop", folder / "laptop.public")
        trade_on(running, 5)
        ended(running)
