"""The page and `eabridge top` of a real daemon, which a client has asked."""

from __future__ import annotations

import json
import re
import socket
import urllib.request

import pytest

from bridge.bars import Bars
from bridge.cli.main import main
from bridge.client import Client
from tests.conftest import Daemon, StartDaemon, shipped_model
from tests.page.browser import Browser
from tests.page.looking import words


@pytest.fixture
def control() -> str:
    """Where a daemon may take its orders."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def seen(start_daemon: StartDaemon, control: str) -> Daemon:
    return start_daemon("--page", "127.0.0.1:0", "--control", control)


def url(daemon: Daemon) -> str:
    found = re.search(r"the page is at (http://\S+)", daemon.log())
    assert found, daemon.log()
    return found[1]


def test_what_an_ea_was_told_is_shown(browser: Browser, seen: Daemon, bars: Bars) -> None:
    with Client(seen.endpoint) as client:
        first = client.forecast(bars[:-1])
        answer = client.forecast(bars)
    last = float(bars.close[-1])

    with browser.tab() as tab:
        tab.open(url(seen), "document.querySelectorAll('.card svg').length === 1")

        assert first.time < answer.time  # the later one is shown
        assert tab.text(".health") == "Ready"
        assert tab.text(".card h3") == f"{bars.symbol} H1"
        assert tab.texts(".card-model")[0] == answer.model
        facts = words(tab, ".facts")
        low, high = answer.quantiles[-1][[0, -1]]
        assert facts["Last close"] == f"{last:.5f}"
        assert facts["80% range in 16 bars"] == f"{low:.5f} to {high:.5f}"
        assert facts["Median in 16 bars"].startswith(f"{answer.median(16):.5f} ")
        assert facts["Rise in 1 bar"] == f"{100 * answer.prob_up(1):.1f}% probability"
        assert words(tab, "#figures")["Errors"] == "0|none since the start"
        assert tab.text("#lanes tbody th") == shipped_model().manifest.name
        assert tab.problems() == []

        seen.process.kill()
        tab.wait("document.body.dataset.health === 'lost'")


def test_the_status_is_whole(seen: Daemon, bars: Bars) -> None:
    with Client(seen.endpoint) as client:
        answer = client.forecast(bars)
    with urllib.request.urlopen(f"{url(seen)}status.json", timeout=30) as reply:
        status = json.load(reply)

    (forecast,) = status["forecasts"]
    assert forecast["quantiles"] == answer.quantiles.tolist()  # to the last bit
    assert forecast["up"] == answer.up.tolist()
    assert forecast["closes"] == bars.close[-96:].tolist()
    assert forecast["time"] == answer.time
    assert status["requests"] >= 1


def test_top_shows_the_same(
    seen: Daemon, control: str, bars: Bars, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(seen.endpoint) as client:
        answer = client.forecast(bars)

    assert main(["top", "--control", control, "--once"]) == 0
    shown = capsys.readouterr().out
    assert answer.model in shown
    assert f"{answer.median(16):.5f}" in shown
