"""The page in a real browser: what it shows of a daemon."""

from __future__ import annotations

import re

import pytest

from bridge.http import LocalServer
from tests.page import statuses
from tests.page.browser import Tab
from tests.page.conftest import Daemon
from tests.page.looking import show, words

MISSING, MINUS = "\u2013", "\u2212"
HOSTILE = "<img src=x onerror=pwned=1>"


def test_a_daemon_at_a_glance(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    show(tab, page, daemon, statuses.busy())

    assert tab.text(".health") == "Degraded"
    assert tab.run("document.title") == "Degraded · eabridge"
    assert "gold-m5@77aa01f2c3d4: restarting" in tab.text("#why")
    assert tab.text("#server") == "eabridge 0.5.0, process 4711"
    figures = words(tab, "#figures")
    rows = statuses.busy()["strip"][-10:]
    assert figures["Requests a second"] == (
        f"{sum(row['requests'] for row in rows) / 10:.0f}|1,234,567 since the start"
    )
    assert figures["Typical latency"] == "0.44 ms|99 of 100 under 1.30 ms"
    assert figures["Waiting in queues"] == "7|12 connected"
    assert figures["From the cache"] == "67.6%|41,208 kept, 61 MB of 67 MB"
    assert figures["Errors"] == "248|212 busy, 31 expired"
    assert figures["Running for"] == "3 d 2 h|using 181 MB"
    assert tab.texts("#models li") == [
        "fx-h1 3f9a1c5e77d2, default",
        "fx-h1-eurgbp 8d01b2c44f60",
        "gold-m5 77aa01f2c3d4, restarting",
    ]
    assert tab.problems() == []


def test_where_no_model_answers_none_is_said_to(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    status = statuses.quiet() | {"health": "degraded"}
    status["lanes"][0]["state"] = "open"
    show(tab, page, daemon, status)

    assert tab.text("#why") == (
        "fx-h1@3f9a1c5e77d2: failing: paused. No model answers at the moment."
    )


@pytest.mark.parametrize(
    ("health", "word"), [("ready", "Ready"), ("degraded", "Degraded"), ("draining", "Stopping")]
)
def test_health_is_told_by_word_and_shape_too(
    tab: Tab, page: LocalServer, daemon: Daemon, health: str, word: str
) -> None:
    show(tab, page, daemon, statuses.quiet() | {"health": health})

    assert tab.text(".health") == word
    assert tab.run("document.querySelector('.health strong').getAttribute('role')") == "status"
    shapes = tab.run("new Set(Object.values(HEALTH).map((each) => each[1])).size")
    assert shapes == len(tab.run("Object.keys(HEALTH)"))
    drawn = tab.run("document.getElementById('health-mark').getAttribute('d')")
    assert drawn == tab.run(f"HEALTH['{health}'][1]")
    assert word in tab.run("document.getElementById('icon').href + document.title")


def test_nobody_has_asked_yet(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    show(tab, page, daemon, statuses.quiet())

    assert "No EA has asked yet." in tab.text("#empty")
    assert "eabridge doctor" in tab.text("#empty")
    assert tab.run("getComputedStyle(document.getElementById('legend')).display") == "none"
    assert tab.texts(".strip svg text")[-1] == "no errors in these minutes"
    assert tab.text("#no-errors") == "None."
    figures = words(tab, "#figures")
    assert figures["Typical latency"] == f"{MISSING}|nothing asked yet"
    assert figures["From the cache"].startswith(f"{MISSING}|")

    daemon.status = statuses.one_ea()
    tab.wait("document.querySelectorAll('.card').length === 1")
    assert tab.run("getComputedStyle(document.getElementById('empty')).display") == "none"


def test_a_card_tells_of_one_forecast(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    made = statuses.forecast(ago_s=127.0)
    show(tab, page, daemon, statuses.one_ea() | {"forecasts": [made]})

    end, median = made["quantiles"][-1], made["quantiles"][-1][4]
    sign = "+" if median > 1.08345 else MINUS
    assert tab.texts(".card h3") == ["EURUSD H1"]
    assert tab.text(".age") == "2 min 7 s ago"
    assert tab.texts(".card-model") == [
        "fx-h1@3f9a1c5e77d2",
        "bar of 2024-05-03 14:00, broker time",
    ]
    assert words(tab, ".facts") == {
        "Last close": "1.08345",
        "Median in 16 bars": f"{median:.5f} {sign}{abs(median - 1.08345):.5f}",
        "80% range in 16 bars": f"{end[0]:.5f} to {end[-1]:.5f}",
        "Rise in 1 bar": "50.3% probability",
        "Rise in 16 bars": "54.8% probability",
        "Answered in": "0.43 ms by the model",
    }


def test_the_fan_is_drawn_where_its_prices_are(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    made = statuses.forecast()
    show(tab, page, daemon, statuses.one_ea() | {"forecasts": [made]})

    ticks = tab.run(
        "[...document.querySelectorAll('.card svg text[x]')].filter((t) => /^[\\d.]+$/.test("
        "t.textContent)).map((t) => [Number(t.textContent), Number(t.getAttribute('y')) - 4])"
    )
    (price, y), (other, below) = ticks[0], ticks[-2]  # the last is the tag, which may be moved
    scale = (below - y) / (other - price)

    def at(path: str, index: int) -> float:
        points = re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path)
        return price + (float(points[index][1]) - y) / scale

    paths = tab.run(
        "[...document.querySelectorAll('.card svg path')].map((p) => [p.className."
        "baseVal, p.getAttribute('d')])"
    )
    bands = [path for kind, path in paths if kind == "band"]
    (median,) = (path for kind, path in paths if kind == "line median")
    (closes,) = (path for kind, path in paths if kind == "line close")
    tolerance = 2e-5
    assert at(closes, -1) == pytest.approx(made["closes"][-1], abs=tolerance)
    assert at(closes, 0) == pytest.approx(made["closes"][-48], abs=tolerance)
    assert at(median, 0) == pytest.approx(made["closes"][-1], abs=tolerance)
    assert at(median, -1) == pytest.approx(made["quantiles"][-1][4], abs=tolerance)
    assert len(bands) == 4
    for band, path in enumerate(bands):  # out along its lower edge, back along its upper one
        assert at(path, 16) == pytest.approx(made["quantiles"][-1][band], abs=tolerance)
        assert at(path, 17) == pytest.approx(made["quantiles"][-1][8 - band], abs=tolerance)
        assert at(path, -1) == pytest.approx(made["quantiles"][0][8 - band], abs=tolerance)


@pytest.mark.parametrize(
    ("last", "digits", "shown"),
    [
        (1.08345, 5, "1.08345"),
        (1.0834, 4, "1.0834"),
        (151.238, 3, "151.238"),
        (2341.07, 2, "2341.07"),
        (64250.1, 1, "64250.1"),
        (18250.0, 0, "18250"),
        (0.00001234, 8, "0.00001234"),
        (0.1 + 0.2, 15, "0.300000"),  # prices of no feed: six digits
    ],
)
def test_prices_have_their_symbols_digits(
    tab: Tab, page: LocalServer, daemon: Daemon, last: float, digits: int, shown: str
) -> None:
    made = statuses.forecast("ANY", last=last, digits=digits)
    show(tab, page, daemon, statuses.one_ea() | {"forecasts": [made]})

    assert words(tab, ".facts")["Last close"] == shown
    assert tab.texts(".card .on-tag") == [shown]
    decimals = len(shown.partition(".")[2])
    assert words(tab, ".facts")["Median in 16 bars"].split()[0] == (
        f"{made['quantiles'][-1][4]:.{decimals}f}"
    )


def test_the_broker_s_clock_is_shown_as_it_is_wherever_the_browser_is(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    tab.call("Emulation.setTimezoneOverride", timezoneId="Pacific/Auckland")
    show(tab, page, daemon, statuses.one_ea())

    assert "2024-05-03 14:00, broker time" in tab.text("article")


def test_a_symbol_s_name_is_text_whatever_it_says(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    status = statuses.busy()
    status["forecasts"] = [
        statuses.forecast(HOSTILE),
        statuses.forecast("</script><script>pwned=1</script>"),
        statuses.forecast("__proto__", model="constructor@1"),
        statuses.forecast(""),
    ]
    status["server"] = HOSTILE
    status["lanes"][0] |= {"model": HOSTILE, "name": HOSTILE, "answers_for": [HOSTILE]}
    status["swaps"]["last"] = HOSTILE
    status["errors"] = {HOSTILE: 3, "constructor": 2, "__proto__": 1}
    show(tab, page, daemon, status)
    tab.wait("document.querySelectorAll('.card').length === 4")

    titles = tab.texts(".card h3")
    assert sorted(titles) == sorted(
        [f"{HOSTILE} H1", "</script><script>pwned=1</script> H1", "__proto__ H1", "no symbol H1"]
    )
    assert HOSTILE in tab.text("#server")
    assert tab.run("typeof pwned") == "undefined"
    assert tab.run("document.querySelectorAll('main img, main script').length") == 0
    assert tab.problems() == []


def test_nothing_is_fetched_from_elsewhere(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    show(tab, page, daemon, statuses.busy())
    tab.wait("answeredAt > 0")

    addresses = [each for each in tab.requested() if not each.startswith("data:")]
    assert set(addresses) == {page.url, f"{page.url}status.json"}
    assert tab.problems() == []


def test_every_price_can_be_read_as_a_table(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    made = statuses.forecast()
    show(tab, page, daemon, statuses.one_ea() | {"forecasts": [made]})
    tab.run("document.querySelector('details').open = true; 0")
    tab.wait("document.querySelectorAll('details tbody tr').length === 16")

    assert tab.texts("details thead th") == [
        *("Bar", "10%", "20%", "30%", "40%", "50%", "60%", "70%", "80%", "90%", "Rise")
    ]
    assert tab.texts("details tbody tr:nth-child(3) > *") == [
        "+3",
        *(f"{price:.5f}" for price in made["quantiles"][2]),
        "50.9%",
    ]


def test_the_models_table(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    show(tab, page, daemon, statuses.busy())

    head = tab.texts("#lanes thead th")
    rows = [
        dict(zip(head, tab.texts(f"#lanes tbody tr:nth-child({row}) > *"), strict=True))
        for row in (1, 2, 3)
    ]
    assert (rows[0]["Model"], rows[0]["Version"]) == ("fx-h1", "3f9a1c5e77d2")
    assert rows[0]["Answers for"] == "any symbol (default)"
    assert rows[1]["Answers for"] == "EURGBP"
    assert rows[2]["State"] == "restarting"
    assert rows[2]["Model p50"] == "7.31 ms"
    assert rows[2]["Bars"] == "M5"
    assert "3 done, 1 refused" in tab.text("#swaps")
    assert tab.texts("#errors tbody tr:first-child > *") == [
        "busy",
        "212",
        "too much was waiting, or one client asked too much: the EA was told to try again",
    ]
