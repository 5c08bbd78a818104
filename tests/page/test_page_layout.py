"""The page on every screen, in both schemes, and for those who do not see it."""

from __future__ import annotations

import itertools

import pytest

from bridge.http import LocalServer
from tests.page import statuses
from tests.page.browser import Browser, Tab
from tests.page.conftest import Daemon
from tests.page.looking import SHOWN, show


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280, 2200])
def test_it_fits_any_screen(
    browser: Browser, page: LocalServer, daemon: Daemon, width: int, dark: bool
) -> None:
    status = statuses.busy()
    status["forecasts"].append(
        statuses.forecast("SHIBUSD.cent-and-a-long-suffix_1", last=0.00001234, digits=8)
    )
    daemon.status = status
    with browser.tab(width=width, dark=dark) as tab:
        tab.open(page.url, SHOWN)
        tab.wait("document.querySelectorAll('.card svg').length === 6")

        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run(CLASHES) == []
        ground = tab.run("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(18, 21, 24)") == dark
        narrower = width // 2 + 200  # a phone that is turned, a window that is pulled
        tab.resize(narrower)
        tab.wait(f"document.documentElement.scrollWidth <= {narrower}")
        assert tab.run(CLASHES) == []


CLASHES = """
(() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    const frame = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll("text")].map((t) => [
      t.textContent, t.getBoundingClientRect(),
    ]);
    boxes.forEach(([text, box], index) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 ||
          box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        found.push(`${text} leaves its chart`);
      for (const [other, at] of boxes.slice(index + 1))
        if (box.left < at.right && at.left < box.right &&
            box.top < at.bottom && at.top < box.bottom)
          found.push(`${text} and ${other} lie over each other`);
    });
  }
  for (const each of document.querySelectorAll(".figures dd, .facts dd, .card h3, .age, .health"))
    if (each.scrollWidth > each.clientWidth + 1) found.push(`${each.textContent} is cut off`);
  return found;
})()
"""


def test_it_can_be_read_without_seeing_it(tab: Tab, page: LocalServer, daemon: Daemon) -> None:
    show(tab, page, daemon, statuses.busy())
    tab.wait("document.querySelectorAll('.card svg').length === 5")

    assert tab.run("document.documentElement.lang") == "en"
    labels = tab.run(
        "[...document.querySelectorAll('svg[role=img]')].map((s) => s.getAttribute('aria-label'))"
    )
    assert len(labels) == 8
    assert labels[1].startswith("EURUSD H1: last close 1.08345; in 16 bars the close is expected")
    assert labels[5].startswith("Latency by second over five minutes: median ")
    assert tab.run("[...document.querySelectorAll('th')].every((th) => th.scope)")
    assert (
        tab.run("document.querySelectorAll('svg:not([role=img]):not([aria-hidden])').length") == 0
    )
    levels = tab.run("[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    names = tab.run("[...document.querySelectorAll('header, main, footer')].map((e) => e.tagName)")
    assert names == ["HEADER", "MAIN", "FOOTER"]


def test_as_many_forecasts_as_a_daemon_remembers(
    tab: Tab, page: LocalServer, daemon: Daemon
) -> None:
    status = statuses.busy()
    status["forecasts"] = [
        statuses.forecast(f"SYMBOL{number:02}", ago_s=float(number)) for number in range(64)
    ]
    show(tab, page, daemon, status)

    tab.wait("document.querySelectorAll('.card svg').length === 64")
    assert tab.problems() == []
