"""ForecastTrader in the tester, on forecasts made up so that every trade can be worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.bars.times import stamp
from tests.mql5.experts import assert_left_nothing, trader_book
from tests.mql5.history import write_export
from tests.mql5.host import Program, TesterResult
from tests.mql5.plans import MOVE, REACH, planned_quantiles, write_plan
from tests.mql5.terminal import Terminal

POINT = 1e-5
SPREAD = 10 * POINT
HELD = 4  # bars, InpHorizon's default
RISK_PERCENT = 0.5
TRADER_MODEL = 2  # of ENUM_TRADER_SOURCE
FIRST_TESTED = 5  # of a history's bars; those before it are known when the test begins


@dataclass(frozen=True)
class Trade:
    """A position from its opening to its end."""

    direction: int
    opened: int
    closed: int
    lots: float
    entry: float
    exit: float
    stop: float
    target: float
    profit: float
    reason: str


@pytest.fixture(scope="module")
def trader() -> Program:
    return trader_book()


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    """A month, from a Monday on."""
    monday = next(row for row in range(1000, 1200) if _is_monday(int(bars.time[row])))
    return bars[monday : monday + 480]


def _is_monday(time: int) -> bool:
    return (time // 86_400 + 3) % 7 == 0 and time % 86_400 == 0


def run(
    trader: Program,
    terminal: Terminal,
    history: Bars,
    signals: Mapping[int, int],
    *,
    holes: frozenset[int] = frozenset(),
    inputs: Mapping[str, object] | None = None,
    **settings: object,
) -> TesterResult:
    write_plan(terminal.files / "forecast.book", history, signals, holes=holes)
    result = trader.test(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs=inputs,
        **{
            "from": stamp(int(history.time[FIRST_TESTED])).replace("-", "."),
            "spread_points": 10,
            **settings,
        },
    )
    assert result.code == 0
    assert_left_nothing(result)
    return result


def trades(result: TesterResult) -> list[Trade]:
    """The trades of a test in which there is never more than one position."""
    deals = [deal for deal in result.deals if deal["type"] in ("buy", "sell")]
    assert [deal["entry"] for deal in deals] == ["in", "out"] * (len(deals) // 2)
    return [
        Trade(
            direction=1 if first["type"] == "buy" else -1,
            opened=int(first["time"]),
            closed=int(second["time"]),
            lots=first["volume"],
            entry=first["price"],
            exit=second["price"],
            stop=first["sl"],
            target=first["tp"],
            profit=second["profit"],
            reason=second["reason"],
        )
        for first, second in zip(deals[::2], deals[1::2], strict=True)
    ]


def test_it_enters_at_the_open_after_a_likely_move_and_at_no_other(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    signals = {10: 1, 30: -1, 60: 1, 90: -1}
    done = trades(run(trader, terminal, history, signals))
    assert [(trade.opened, trade.direction) for trade in done] == [
        (int(history.time[row + 1]), direction) for row, direction in signals.items()
    ]
    for trade, row in zip(done, signals, strict=True):
        bid = float(history.ohlc[row + 1, 0])
        assert trade.entry == pytest.approx(bid + SPREAD if trade.direction == 1 else bid)


def test_stop_and_target_are_the_forecasts_interval_rounded_outward(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    up, down = trades(run(trader, terminal, history, {10: 1, 30: -1}))
    low, *_, high = planned_quantiles(float(history.close[10]), 1)[HELD - 1]
    assert up.stop == pytest.approx(math.floor(low / POINT + 1e-6) * POINT, abs=1e-9)
    assert up.target == pytest.approx(math.ceil(high / POINT - 1e-6) * POINT, abs=1e-9)
    low, *_, high = planned_quantiles(float(history.close[30]), -1)[HELD - 1]
    assert down.stop == pytest.approx(math.ceil(high / POINT - 1e-6) * POINT, abs=1e-9)
    assert down.target == pytest.approx(math.floor(low / POINT + 1e-6) * POINT, abs=1e-9)


def test_prices_are_on_a_coarser_grid_where_the_symbol_has_one(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    (trade,) = trades(run(trader, terminal, history, {10: 1}, tick_size=5 * POINT))
    assert round(trade.stop / POINT) % 5 == 0
    assert round(trade.target / POINT) % 5 == 0


def test_no_target_is_set_where_none_is_wanted(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    (trade,) = trades(run(trader, terminal, history, {10: 1}, inputs={"InpUseTarget": "false"}))
    assert trade.target == 0.0


@pytest.mark.parametrize("direction", [1, -1])
def test_stops_keep_the_brokers_distance_from_the_price_that_triggers_them(
    trader: Program, terminal: Terminal, history: Bars, direction: int
) -> None:
    level = 1000
    result = run(trader, terminal, history, {10: direction}, stops_level=level)
    (trade,) = trades(result)
    bid = float(history.ohlc[11, 0])
    trigger = bid if direction == 1 else bid + SPREAD
    assert abs(trade.stop - trigger) == pytest.approx(level * POINT, abs=1.01 * POINT)
    assert abs(trade.stop - trigger) >= level * POINT - 1e-9
    assert abs(trade.target - trigger) >= level * POINT - 1e-9


def test_stops_keep_a_wide_spread_away(trader: Program, terminal: Terminal, history: Bars) -> None:
    wide = {"InpMaxSpreadPoints": 0, "InpMinMoveSpreads": 0.0}
    (trade,) = trades(run(trader, terminal, history, {10: 1}, inputs=wide, spread_points=900))
    assert float(history.ohlc[11, 0]) - trade.stop == pytest.approx(900 * POINT, abs=1.01 * POINT)


def lots_by_hand(equity: float, trade: Trade, step: float = 0.01) -> float:
    """Half a percent of equity, over what a lot of 100,000 loses at the stop, rounded down."""
    loss_per_lot = abs(trade.entry - trade.stop) * 100_000
    return math.floor(equity * RISK_PERCENT / 100 / loss_per_lot / step + 1e-6) * step


def test_the_stop_costs_a_fixed_share_of_the_equity(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    done = trades(run(trader, terminal, history, {10: 1, 30: -1, 60: 1, 90: -1, 120: 1}))
    equity = 10_000.0
    for trade in done:
        assert trade.lots == pytest.approx(lots_by_hand(equity, trade))
        assert trade.lots * abs(trade.entry - trade.stop) * 100_000 <= equity * RISK_PERCENT / 100
        equity += trade.profit
    assert 0.1 < done[0].lots < 0.2


@pytest.mark.parametrize(
    ("settings", "lots"),
    [
        ({"volume_step": 0.1, "volume_min": 0.1}, 0.1),
        ({"volume_max": 0.05}, 0.05),
        ({"deposit": 1_000_000, "volume_step": 0.5}, 15.5),
    ],
)
def test_volumes_are_on_the_symbols_grid_and_within_its_limits(
    trader: Program,
    terminal: Terminal,
    history: Bars,
    settings: Mapping[str, object],
    lots: float,
) -> None:
    result = run(trader, terminal, history, {10: 1}, **settings)
    (trade,) = trades(result)
    step = float(str(settings.get("volume_step", 0.01)))
    assert trade.lots == pytest.approx(round(trade.lots / step) * step)
    assert trade.lots == pytest.approx(lots, rel=0.05)


def test_nothing_is_traded_where_even_the_smallest_volume_risks_too_much(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    assert not trades(run(trader, terminal, history, {10: 1}, deposit=100))


def test_nothing_is_traded_where_the_margin_is_short(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    assert not trades(run(trader, terminal, history, {10: 1}, leverage=1, deposit=10_000))


def test_a_position_is_closed_when_the_bars_that_were_forecast_have_passed(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    (trade,) = trades(run(trader, terminal, quiet(history), {10: 1}))
    assert trade.closed == int(history.time[11 + HELD])
    assert trade.reason == "expert"


def test_a_weekend_is_no_part_of_the_horizon(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    weekend = next(row for row in range(len(history)) if _gap_after(history, row))
    row = weekend - 3  # enters on the bar after it, three bars before the week's last
    (trade,) = trades(run(trader, terminal, quiet(history), {row: 1}))
    assert trade.closed == int(history.time[row + 1 + HELD])
    assert trade.closed - trade.opened > 2 * 86_400


def test_stop_and_target_end_a_trade_before_its_time(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    drop = moved(quiet(history), 12, -2 * REACH)
    (stopped,) = trades(run(trader, terminal, drop, {10: 1}))
    assert stopped.reason == "sl"
    assert stopped.profit < 0
    rise = moved(quiet(history), 12, 2 * REACH)
    (reached,) = trades(run(trader, terminal, rise, {10: 1}))
    assert reached.reason == "tp"
    assert reached.profit > 0


def test_there_is_one_position_at_a_time(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    signals = dict.fromkeys(range(10, 40), 1)
    done = trades(run(trader, terminal, quiet(history), signals))
    assert all(first.closed <= second.opened for first, second in pairwise(done))
    assert [trade.opened for trade in done[:3]] == [
        int(history.time[row]) for row in (11, 11 + HELD, 11 + 2 * HELD)
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({"InpMinProbability": 0.71}, id="not likely enough"),
        pytest.param({"InpMinMoveSpreads": 11.0}, id="not worth its spread"),
        pytest.param({"InpMaxSpreadPoints": 9}, id="spread too wide"),
        pytest.param({"InpStopInterval": 0.9}, id="an interval that the model does not forecast"),
        pytest.param({"InpHorizon": 7}, id="a bar that the model does not forecast"),
    ],
)
def test_a_move_that_does_not_meet_the_rules_is_not_traded(
    trader: Program, terminal: Terminal, history: Bars, inputs: Mapping[str, object]
) -> None:
    assert pytest.approx(10) == MOVE / SPREAD
    assert not trades(run(trader, terminal, history, {10: 1, 30: -1}, inputs=inputs))


def test_a_forecast_that_is_old_is_not_traded(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    fridays_last = next(row for row in range(len(history)) if _gap_after(history, row))
    assert not trades(run(trader, terminal, history, {fridays_last: 1}))


def test_without_a_forecast_nothing_is_opened_and_the_journal_says_so_once(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    signals = {10: 1, 30: -1, 60: 1}
    result = run(trader, terminal, history, signals, holes=frozenset(range(25, 35)))
    assert [trade.opened for trade in trades(result)] == [
        int(history.time[row]) for row in (11, 61)
    ]
    paused = [line for line in result.journal if line.startswith("Paused")]
    assert len(paused) == 1
    assert "book_no_bar" in paused[0]
    assert result.journal.count("The forecasts are back") == 1


def test_an_open_position_keeps_its_stop_and_its_time_where_forecasts_stop(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    holes = frozenset(range(11, len(history)))
    (trade,) = trades(run(trader, terminal, quiet(history), {10: 1}, holes=holes))
    assert trade.stop > 0
    assert trade.closed == int(history.time[11 + HELD])


def test_it_does_not_start_without_its_book_and_says_how_to_make_one(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    result = trader.test(terminal, bars=write_export(terminal.folder, history))
    assert result.code == 2
    assert any("eabridge book" in line for line in result.journal)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"InpHorizon": 0}, "Bars ahead"),
        ({"InpMinProbability": 0.49}, "probability"),
        ({"InpRiskPercent": 0}, "risk"),
        ({"InpRiskPercent": 50}, "risk"),
        ({"InpStopInterval": 1}, "interval"),
        ({"InpMaxAgeSeconds": -1}, "negative"),
        ({"InpSource": TRADER_MODEL}, "ForecastTraderModel"),
    ],
)
def test_inputs_that_make_no_sense_are_refused_with_a_sentence(
    trader: Program, terminal: Terminal, history: Bars, inputs: Mapping[str, object], word: str
) -> None:
    write_plan(terminal.files / "forecast.book", history, {})
    result = trader.test(terminal, bars=write_export(terminal.folder, history), inputs=inputs)
    assert result.code == 2
    assert any(word in line for line in result.journal)


def test_nothing_is_opened_where_trading_is_not_allowed(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    assert not trades(run(trader, terminal, history, {10: 1}, trade_allowed=False))


def test_a_netting_account_is_traded_like_a_hedging_one(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    signals = {10: 1, 30: -1, 60: 1}
    hedging = trades(run(trader, terminal, history, signals, margin_mode="hedging"))
    assert trades(run(trader, terminal, history, signals, margin_mode="netting")) == hedging


def test_the_criterion_is_how_surely_a_trade_wins(
    trader: Program, terminal: Terminal, history: Bars
) -> None:
    signals = {row: 1 if row % 20 else -1 for row in range(10, 460, 10)}
    result = run(trader, terminal, history, signals)
    profits = [trade.profit for trade in trades(result)]
    assert len(profits) >= 30
    expected = mean(profits) / (stdev(profits) / math.sqrt(len(profits)))
    assert result.on_tester == pytest.approx(expected)


def test_few_trades_prove_nothing(trader: Program, terminal: Terminal, history: Bars) -> None:
    assert run(trader, terminal, history, {10: 1, 30: -1}).on_tester == 0.0
    assert run(trader, terminal, history, {}).on_tester == 0.0


def quiet(history: Bars) -> Bars:
    """The same hours with prices that reach no stop: a flat market."""
    flat = np.full((len(history), 4), 1.2)
    flat[:, 1] += 0.0002
    flat[:, 2] -= 0.0002
    return Bars(history.symbol, history.tf, history.time, flat, history.volume)


def moved(history: Bars, row: int, step: float) -> Bars:
    """The same, with all prices from a bar on moved within that bar."""
    ohlc = history.ohlc.copy()
    ohlc[row:] += step
    ohlc[row, 0] -= step
    ohlc[row, 1] = ohlc[row].max()
    ohlc[row, 2] = ohlc[row].min()
    return Bars(history.symbol, history.tf, history.time, ohlc, history.volume)


def _gap_after(history: Bars, row: int) -> bool:
    return row + 1 < len(history) and int(np.diff(history.time[row : row + 2])[0]) > 86_400
