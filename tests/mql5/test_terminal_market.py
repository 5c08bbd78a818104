"""Prices: how bars become ticks, and that a program never sees what has not happened yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.mql5.expectations import PROGRAMS
from tests.mql5.host import build
from tests.mql5.made_bars import HOUR, START, Bar, export
from tests.mql5.terminal import Terminal


def random_bars(count: int, seed: int = 7) -> list[Bar]:
    """A walk with a gap of a weekend's length in its middle."""
    random = np.random.default_rng(seed)
    bars: list[Bar] = []
    close = 1.1
    for i in range(count):
        time = START + HOUR * (i + (48 if i >= count // 2 else 0))
        path = np.round(close + np.cumsum(random.normal(0, 0.001, 8)), 5)
        open_, close = float(path[0]), float(path[-1])
        high, low = float(path.max()), float(path.min())
        bars.append((time, open_, high, low, close, int(random.integers(100, 1000))))
    return bars


def ticks_of(bar: Bar) -> list[tuple[int, float]]:
    """The documented path: open, the nearer extreme, the other one, close."""
    time, open_, high, low, close, _ = bar
    near, far = (low, high) if abs(open_ - low) <= abs(high - open_) else (high, low)
    stamps = (time, time + HOUR // 3, time + HOUR * 2 // 3, time + HOUR - 1)
    return list(zip(stamps, (open_, near, far, close), strict=True))


def shown(bar: Bar) -> str:
    time, open_, high, low, close, volume = bar
    return f"{time} {open_:.5f} {high:.5f} {low:.5f} {close:.5f} {volume}"


def expected_lines(bars: list[Bar], first: int, spread: int) -> list[str]:
    """What Ticks.mq5 must say: closed bars whole, the forming one from its ticks so far."""
    lines = []
    for i in range(first, len(bars)):
        seen: list[float] = []
        for time, bid in ticks_of(bars[i]):
            seen.append(bid)
            forming = (bars[i][0], seen[0], max(seen), min(seen), bid, len(seen))
            quote = f"tick|{time}|{bid:.5f}|{bid + spread * 1e-5:.5f}"
            lines.append("|".join([quote, *map(shown, bars[:i]), shown(forming)]))
    return lines


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_every_tick_shows_the_closed_bars_and_the_forming_one_so_far(
    terminal: Terminal, tmp_path: Path, platform: str
) -> None:
    bars = random_bars(40)
    result = build(PROGRAMS / "Ticks.mq5", platform=platform).test(
        terminal,
        bars=export(tmp_path / "bars.csv", bars),
        spread_points=12,
        **{"from": bars[15][0]},
    )
    ticks = [line for line in result.journal if line.startswith("tick|")]
    assert ticks == expected_lines(bars, 15, 12)
    # OnInit sees what the first tick shows.
    assert result.journal[0] == ticks[0].replace("tick|", "init|", 1)


def test_each_bar_may_have_its_own_spread(terminal: Terminal, tmp_path: Path) -> None:
    bars = random_bars(4)
    result = build(PROGRAMS / "Ticks.mq5").test(
        terminal, bars=export(tmp_path / "bars.csv", bars, spread=7)
    )
    assert result.journal[1:] == expected_lines(bars, 0, 7)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_exports_are_read_in_each_of_the_terminals_encodings(
    terminal: Terminal, tmp_path: Path, encoding: str
) -> None:
    bars = random_bars(3)
    path = export(tmp_path / "bars.csv", bars, encoding=encoding)
    result = build(PROGRAMS / "Ticks.mq5").test(terminal, bars=path, spread_points=0)
    assert result.journal[1:] == expected_lines(bars, 0, 0)


def test_daily_bars_have_no_time_column(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "daily.csv"
    path.write_text(
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2020.01.02\t1.1\t1.2\t1.0\t1.15\t10\t0\t3\n"
        "2020.01.03\t1.15\t1.2\t1.1\t1.12\t10\t0\t3\n"
    )
    result = build(PROGRAMS / "Ticks.mq5").test(terminal, bars=path, tf=86400)
    last = result.journal[-1].split("|")
    assert last[1] == str(int(np.datetime64("2020-01-03T23:59:59", "s").astype(int)))
    assert last[4] == "1577923200 1.10000 1.20000 1.00000 1.15000 10"


def test_the_end_is_where_it_was_set(terminal: Terminal, tmp_path: Path) -> None:
    bars = random_bars(10)
    result = build(PROGRAMS / "Ticks.mq5").test(
        terminal,
        bars=export(tmp_path / "bars.csv", bars),
        spread_points=10,
        **{"from": bars[2][0], "to": bars[4][0]},
    )
    assert result.journal[1:] == expected_lines(bars[:4], 2, 10)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace("1.10000", "one"), "line 2 is no bar"),
        (lambda text: text + text.splitlines(keepends=True)[1], "not later than the one before"),
        (lambda text: text.replace("<CLOSE>", "<LAST>"), "no column <CLOSE>"),
    ],
)
def test_a_broken_export_is_a_bad_configuration(
    terminal: Terminal, tmp_path: Path, damage: object, said: str
) -> None:
    path = export(tmp_path / "bars.csv", [(START, 1.1, 1.1, 1.1, 1.1, 1)])
    path.write_text(damage(path.read_text()))  # type: ignore[operator]
    result = build(PROGRAMS / "Ticks.mq5").test(terminal, bars=path)
    assert result.code == 5
    assert said in result.errors


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_series_are_read_by_position_and_by_time(
    terminal: Terminal, tmp_path: Path, platform: str
) -> None:
    bars = [
        (START + HOUR * hour, open_, open_ + 0.01, open_ - 0.01, open_ + 0.005, volume)
        for hour, open_, volume in ((0, 1.1, 100), (1, 1.2, 200), (3, 1.3, 300), (4, 1.4, 400))
    ]
    result = build(PROGRAMS / "Series.mq5", platform=platform).script(
        terminal, bars=export(tmp_path / "bars.csv", bars), symbol="EURUSD"
    )
    assert [line for line in result.journal if line.startswith("FAILED")] == []
    assert result.journal[-1].endswith(", failed 0")
