"""The page while time goes on: news, a daemon that is lost, a tab that nobody sees."""

from __future__ import annotations

import time
from typing import Any

from bridge.http import LocalServer
from bridge.page import serve_page
from tests.page import statuses
from tests.page.browser import Tab
from tests.page.conftest import Daemon
from tests.page.looking import SHOWN, show, words


def test_it_goes_on_by_itself_and_keeps_what_has_not_changed(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    show(tab, page, daemon, statuses.busy())
    tab.run("window.kept = [...document.querySelectorAll('.card, .card svg, #lanes td')]; 0")
    status = statuses.busy()
    status["now"] += 60.0
    status["queued"] = 1234
    status["forecasts"].append(statuses.forecast("NZDUSD", last=0.60123, ago_s=-60.0))
    daemon.status = status

    tab.wait("document.querySelectorAll('.card').length === 6")
    assert tab.texts(".card h3")[0] == "NZDUSD H1"  # the newest first
    assert tab.run("kept.every((node) => node.isConnected)")
    assert words(tab, "#figures")["Waiting in queues"].startswith("1,234|")

    status = statuses.busy()
    status["forecasts"] = status["forecasts"][:1]
    daemon.status = status
    tab.wait("document.querySelectorAll('.card').length === 1")
    assert tab.texts(".card h3") == ["EURUSD H1"]


def test_a_newer_forecast_takes_the_place_of_the_older(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    show(tab, page, daemon, statuses.one_ea())
    tab.run("window.card = document.querySelector('.card'); 0")
    status = statuses.one_ea()
    status["forecasts"] = [statuses.forecast(last=1.09001, ago_s=0.0, cached=True, server_us=52)]
    daemon.status = status

    tab.wait("document.querySelector('.on-tag').textContent === '1.09001'")
    assert tab.run("card === document.querySelector('.card')")
    assert tab.text(".age") == "just now"
    assert words(tab, ".facts")["Answered in"] == "0.05 ms from the cache"


def test_forecasts_of_one_minute_keep_their_places(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    minute = statuses.NOW - statuses.NOW % 60
    names = ["USDJPY", "AUDUSD", "EURUSD"]
    status = statuses.one_ea()
    for turn in range(3):
        status["forecasts"] = [
            statuses.forecast(name, ago_s=statuses.NOW - minute - (index + turn) % 3)
            for index, name in enumerate(names)
        ]
        daemon.status = status
        if turn == 0:
            tab.open(page.url, SHOWN)
        else:
            known = tab.run("answeredAt")
            tab.wait(f"answeredAt > {known} + 1000")
        assert tab.texts(".card h3") == ["AUDUSD H1", "EURUSD H1", "USDJPY H1"]


def test_a_daemon_that_stops_is_told_and_one_that_comes_back_too(tab: Tab, daemon: Daemon) -> None:
    daemon.status = statuses.one_ea()
    with serve_page("127.0.0.1:0", daemon.snapshot) as page:
        tab.open(page.url, SHOWN)
        endpoint = page.url.removeprefix("http://").rstrip("/")
    tab.wait("document.body.dataset.health === 'lost'")

    assert tab.text(".health") == "No connection"
    assert "No answer since" in tab.text("#why")
    assert f"eabridge serve --page {endpoint}" in tab.text("#why")
    assert "grayscale" in tab.run("getComputedStyle(document.querySelector('main')).filter")
    assert tab.texts(".card h3") == ["EURUSD H1"]  # what was known stays

    with serve_page(endpoint, daemon.snapshot):
        tab.wait("document.body.dataset.health === 'ready'")
        assert tab.run("getComputedStyle(document.querySelector('main')).filter") == "none"
        assert tab.text("#why") == ""


def test_a_status_that_cannot_be_made_counts_as_no_answer(tab: Tab) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError

    with serve_page("127.0.0.1:0", broken) as page:
        tab.open(page.url, "document.body.dataset.health === 'lost'")
        assert "The daemon does not answer" in tab.text("#why")


def test_a_tab_that_nobody_sees_asks_for_nothing(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    show(tab, page, daemon, statuses.quiet())
    hide = (
        "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}}); "
        "document.dispatchEvent(new Event('visibilitychange')); 0"
    )
    tab.run(hide.format("true"))
    tab.wait("!asking")
    asked = daemon.asked
    time.sleep(2.5)
    assert daemon.asked == asked

    tab.run(hide.format("false"))
    tab.wait("asking === false && answeredAt > Date.now() - 2000")
    assert daemon.asked > asked


def test_one_broken_forecast_spoils_no_other(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    status = statuses.busy()
    status["forecasts"][0]["quantiles"][3][2] = None
    status["forecasts"][1]["closes"] = []
    show(tab, page, daemon, status)
    tab.wait("document.querySelectorAll('.card svg').length === 3")

    assert tab.texts(".card h3") == ["EURGBP H1", "XAUUSD M5", "BTCUSD H1"]


def test_a_status_of_another_version_is_told(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    status = statuses.quiet()
    del status["lanes"]
    show(tab, page, daemon, status)

    assert "is it of another version?" in tab.text("#why")
