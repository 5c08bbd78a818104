"""Trading: what is filled at which price, what it earns, and what is refused.

Bars are of bid prices; the spread is 10 points (0.0001), a lot is 100,000 EUR, leverage is 100.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.mql5.expectations import PROGRAMS
from tests.mql5.host import Program, TesterResult, build
from tests.mql5.made_bars import HOUR, START, Bar, export
from tests.mql5.terminal import Terminal

Ohlc = tuple[float, float, float, float]

FLAT: Ohlc = (1.1, 1.1, 1.1, 1.1)
UP: Ohlc = (1.1, 1.105, 1.1, 1.105)

INVALID_VOLUME, INVALID_STOPS, MARKET_CLOSED, NO_MONEY = 10014, 10016, 10018, 10019
NO_CHANGES, AUTOTRADING_OFF, FROZEN, INVALID_FILL = 10025, 10027, 10029, 10030
POSITION_CLOSED, INVALID_CLOSE_VOLUME = 10036, 10038
DONE = 10009


@pytest.fixture(scope="module")
def program() -> Program:
    return build(PROGRAMS / "Trading.mq5")


class Desk:
    """Runs a plan over bars."""

    def __init__(self, program: Program, terminal: Terminal) -> None:
        self._program = program
        self._terminal = terminal

    def trade(
        self, plan: str, ohlc: Sequence[Ohlc], *, tell: bool = False, **settings: object
    ) -> TesterResult:
        bars: list[Bar] = [(START + HOUR * i, *prices, 100) for i, prices in enumerate(ohlc)]
        result = self._program.test(
            self._terminal,
            bars=export(self._terminal.folder / "bars.csv", bars),
            inputs={"Plan": plan, "TellAccount": int(tell)},
            spread_points=10,
            **settings,
        )
        assert result.code == 0, result.journal
        return result

    def retcode(self, plan: str, ohlc: Sequence[Ohlc], **settings: object) -> int:
        """What came of the plan's last step."""
        journal = self.trade(plan, ohlc, **settings).journal
        return int([line.split("|")[1] for line in journal if line.count("|") == 2][-1])


@pytest.fixture
def desk(program: Program, terminal: Terminal) -> Desk:
    return Desk(program, terminal)


def fills(result: TesterResult) -> list[tuple[object, ...]]:
    """Each deal after the deposit: entry, side, reason, volume, price, profit."""
    names = ("entry", "type", "reason", "volume", "price", "profit")
    return [tuple(deal[name] for name in names) for deal in result.deals[1:]]


def test_a_buy_opens_at_the_ask_and_closes_at_the_bid(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1;1 close", [FLAT, (1.103, 1.103, 1.103, 1.103)])
    assert fills(result) == [
        ("in", "buy", "expert", 0.1, 1.1001, 0),
        ("out", "sell", "expert", 0.1, 1.103, 29.0),  # 29 pips of 0.1 lots at 1 USD each
    ]
    assert result.balance == 10_029.0


def test_a_sell_opens_at_the_bid_and_closes_at_the_ask(desk: Desk) -> None:
    result = desk.trade("0 sell 0.1;1 close", [FLAT, (1.097, 1.097, 1.097, 1.097)])
    assert fills(result) == [
        ("in", "sell", "expert", 0.1, 1.1, 0),
        ("out", "buy", "expert", 0.1, 1.0971, 29.0),
    ]


def test_deals_carry_what_the_order_said(desk: Desk) -> None:
    deposit, entry, ending = desk.trade("1 buy 0.1 1.09 1.12;2 close", [FLAT] * 3).deals
    assert (deposit["type"], deposit["profit"], deposit["time"]) == ("balance", 10_000, START)
    assert (entry["sl"], entry["tp"], entry["magic"], entry["comment"]) == (1.09, 1.12, 77, "plan")
    assert (entry["time"], ending["time"]) == (START + HOUR, START + 2 * HOUR)
    assert entry["position"] == ending["position"] == entry["order"]


def test_a_stop_is_filled_at_its_own_price_within_a_bar(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1 1.098", [FLAT, (1.1, 1.101, 1.09, 1.1)])
    assert fills(result)[1] == ("out", "sell", "sl", 0.1, 1.098, -21.0)
    assert result.deals[-1]["comment"] == "sl 1.09800"


def test_a_stop_that_the_market_jumps_over_is_filled_at_the_open(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1 1.098", [FLAT, (1.095, 1.1, 1.09, 1.1)])
    assert fills(result)[1] == ("out", "sell", "sl", 0.1, 1.095, -51.0)


def test_a_target_is_filled_at_its_own_price_and_never_better(desk: Desk) -> None:
    within = desk.trade("0 buy 0.1 0 1.104", [FLAT, (1.1, 1.106, 1.1, 1.1)])
    jumped = desk.trade("0 buy 0.1 0 1.104", [FLAT, (1.106, 1.106, 1.106, 1.106)])
    assert fills(within)[1] == fills(jumped)[1] == ("out", "sell", "tp", 0.1, 1.104, 39.0)


def test_a_short_position_is_stopped_by_the_ask(desk: Desk) -> None:
    # The bid reaches 1.1019, so the ask 1.1020.
    touched = desk.trade("0 sell 0.1 1.102", [FLAT, (1.1, 1.1019, 1.1, 1.1)])
    missed = desk.trade("0 sell 0.1 1.102", [FLAT, (1.1, 1.1018, 1.1, 1.1)])
    assert fills(touched)[1] == ("out", "buy", "sl", 0.1, 1.102, -20.0)
    assert fills(missed)[1][2] == "client"  # at the end of the test


def test_the_extreme_nearer_to_the_open_comes_first(desk: Desk) -> None:
    low_first = desk.trade("0 buy 0.1 1.098 1.104", [FLAT, (1.1, 1.105, 1.097, 1.1)])
    high_first = desk.trade("0 buy 0.1 1.098 1.104", [FLAT, (1.102, 1.105, 1.097, 1.1)])
    assert [fills(low_first)[1][2], fills(high_first)[1][2]] == ["sl", "tp"]


def test_a_modified_stop_counts_from_then_on(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1 1.09;1 modify 1.099 1.2", [FLAT, FLAT, (1.1, 1.1, 1.095, 1.1)])
    assert fills(result)[1] == ("out", "sell", "sl", 0.1, 1.099, -11.0)


def test_part_of_a_position_is_closed(desk: Desk) -> None:
    result = desk.trade("0 buy 0.3;1 part 0.1;2 close", [FLAT, UP, UP])
    assert fills(result)[1:] == [
        ("out", "sell", "expert", 0.1, 1.1, -1.0),
        ("out", "sell", "expert", 0.2, 1.1, -2.0),
    ]


def test_what_is_open_at_the_end_is_closed_at_the_last_price(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1", [UP])
    assert fills(result)[1] == ("out", "sell", "client", 0.1, 1.105, 49.0)
    assert result.deals[-1]["comment"] == "end of test"
    assert result.on_tester == 49.0


def test_commission_is_taken_at_both_ends(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1;1 close", [FLAT, FLAT], commission=7)
    assert [deal["commission"] for deal in result.deals[1:]] == [-0.7, -0.7]
    assert result.balance == 10_000 - 1.0 - 1.4


# --- the account ----------------------------------------------------------------------------------


def accounts(result: TesterResult) -> list[str]:
    return [line.removeprefix("account|") for line in result.journal if line.startswith("acc")]


def test_equity_and_margin_follow_the_price(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1", [UP], tell=True)
    # Margin: 10,000 EUR at 1.1001, lent at 100 to 1.
    assert accounts(result) == [
        "10000.00|9999.00|110.01|1",  # the spread is paid
        "10000.00|9999.00|110.01|1",
        "10000.00|10049.00|110.01|1",
        "10000.00|10049.00|110.01|1",
    ]


def test_profit_is_converted_at_the_own_price_where_the_account_is_in_the_base_currency(
    desk: Desk,
) -> None:
    yen: list[Ohlc] = [(110.0,) * 4, (111.0,) * 4]
    result = desk.trade(
        "0 buy 0.1;1 close", yen, symbol="USDJPY", digits=3, tell=True, account_currency="USD"
    )
    # 0.99 yen of 10,000 dollars, at 111 yen a dollar; margin is 10,000 dollars at 100 to 1.
    assert fills(result)[1][-1] == round(0.99 * 10_000 / 111.0, 2)
    assert accounts(result)[0].split("|")[2] == "100.00"


def test_profit_and_margin_in_a_third_currency_are_converted_at_given_rates(desk: Desk) -> None:
    result = desk.trade(
        "0 buy 0.1;1 close",
        [FLAT, UP, UP],
        account_currency="CHF",
        profit_rate=0.9,
        margin_rate=1.08,
        tell=True,
    )
    assert fills(result)[1][-1] == -0.9
    assert accounts(result)[0].split("|")[2] == "108.00"


def test_a_third_currency_without_a_rate_is_a_bad_configuration(
    program: Program, terminal: Terminal
) -> None:
    bars = export(terminal.folder / "bars.csv", [(START, *FLAT, 1)])
    result = program.test(terminal, bars=bars, inputs={"Plan": "0 buy 0.1"}, account_currency="CHF")
    assert result.code == 5
    assert "profit_rate" in result.errors or "margin_rate" in result.errors


def test_the_worst_position_is_closed_when_margin_runs_out(desk: Desk) -> None:
    # 0.5 lots hold 550.05 of 600: at half of that in equity the broker closes.
    result = desk.trade(
        "0 buy 0.5", [FLAT, (1.1, 1.1, 1.08, 1.08), FLAT], deposit=600, leverage=100
    )
    assert fills(result)[1][2] == "so"
    assert fills(result)[1][4] == 1.08
    assert result.deals[-1]["comment"].startswith("so ")  # type: ignore[attr-defined]


def test_statistics_count_closing_deals(desk: Desk) -> None:
    result = desk.trade(
        "0 buy 0.1;1 close;2 buy 0.1;3 close", [FLAT, UP, FLAT, (1.105, 1.105, 1.1, 1.1)]
    )
    # The first closes 10 points below its entry, the second 490 above.
    assert "statistics|48.00|49.00|-1.00|2|1|1" in result.journal


def test_drawdown_is_the_deepest_fall_from_a_peak(desk: Desk) -> None:
    report = desk.trade("0 buy 0.1;2 close", [UP, (1.105, 1.105, 1.1, 1.1), FLAT]).report
    assert report["equity_drawdown"] == 50.0  # from 10,049 to 9,999
    assert report["balance_drawdown"] == 1.0


def test_a_programs_books_say_what_was_traded(terminal: Terminal) -> None:
    hours: list[Bar] = [
        (START + HOUR * i, *[price] * 4, 1)  # type: ignore[misc]
        for i, price in enumerate((1.1, 1.104, 1.108))
    ]
    result = build(PROGRAMS / "Ledger.mq5").test(
        terminal, bars=export(terminal.folder / "bars.csv", hours), spread_points=10
    )
    assert [line for line in result.journal if line.startswith("FAILED")] == []
    assert result.journal[-1].endswith(", failed 0")


# --- hedging and netting --------------------------------------------------------------------------


def test_on_a_hedging_account_opposite_positions_stand_side_by_side(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1;0 sell 0.1", [FLAT], tell=True)
    assert accounts(result)[0] == "10000.00|9998.00|220.01|2"


def test_on_a_netting_account_they_meet(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1;0 sell 0.1", [FLAT], tell=True, margin_mode="netting")
    assert accounts(result)[0] == "9999.00|9999.00|0.00|0"
    assert [deal[0] for deal in fills(result)] == ["in", "out"]


def test_on_a_netting_account_the_price_of_more_is_the_average(desk: Desk) -> None:
    result = desk.trade(
        "0 buy 0.1;1 buy 0.3;2 close-symbol",
        [FLAT, (1.104,) * 4, (1.11,) * 4],
        margin_mode="netting",
    )
    # (0.1 x 1.1001 + 0.3 x 1.1041) / 0.4 = 1.1031; 69 pips of 0.4 lots
    assert fills(result)[2] == ("out", "sell", "expert", 0.4, 1.11, 276.0)


def test_on_a_netting_account_a_larger_opposite_trade_turns_the_position(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1;1 sell 0.3;2 close-symbol", [FLAT] * 3, margin_mode="netting")
    assert fills(result)[1:] == [
        ("inout", "sell", "expert", 0.3, 1.1, -1.0),
        ("out", "buy", "expert", 0.2, 1.1001, -2.0),
    ]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "settings", "retcode"),
    [
        ("0 buy 0.1", {}, DONE),
        ("0 buy 0.001", {}, INVALID_VOLUME),
        ("0 buy 0.015", {}, INVALID_VOLUME),
        ("0 buy 101", {}, INVALID_VOLUME),
        ("0 buy 0.3", {"volume_step": 0.1, "volume_min": 0.1}, DONE),
        ("0 buy 0.1 1.1002", {}, INVALID_STOPS),  # a stop above the bid
        ("0 buy 0.1 0 1.0999", {}, INVALID_STOPS),  # a target below it
        ("0 sell 0.1 1.1000", {}, INVALID_STOPS),  # below the ask
        ("0 sell 0.1 0 1.1002", {}, INVALID_STOPS),
        ("0 buy 0.1 1.098 1.102", {"stops_level": 200}, DONE),  # exactly at the level
        ("0 buy 0.1 1.09801", {"stops_level": 200}, INVALID_STOPS),
        ("0 buy 0.1 0 1.10199", {"stops_level": 200}, INVALID_STOPS),
        ("0 sell 0.1 1.1021 1.0981", {"stops_level": 200}, DONE),
        ("0 sell 0.1 1.10209", {"stops_level": 200}, INVALID_STOPS),
        ("0 buy 0.1 1.0900001", {}, INVALID_STOPS),  # not on the grid of five digits
        ("0 buy 10", {}, NO_MONEY),  # 11,001 of 10,000
        ("0 buy 9", {}, DONE),
        ("0 buy 5;0 sell 5", {}, NO_MONEY),
        ("0 buy 0.1", {"filling": 2}, DONE),  # SetTypeFillingBySymbol chose what is allowed
        ("0 fill 0;0 buy 0.1", {"filling": 2}, INVALID_FILL),
        ("0 fill 2;0 buy 0.1", {}, INVALID_FILL),  # ORDER_FILLING_RETURN
        ("0 buy 0.1 1.09;0 modify 1.09 0", {}, NO_CHANGES),
        ("0 buy 0.1 1.09;0 modify 1.2 0", {}, INVALID_STOPS),
        ("0 buy 0.1 1.0995;0 modify 1.09 0", {"freeze_level": 60}, FROZEN),
        ("0 buy 0.1 1.0995;0 close", {"freeze_level": 60}, FROZEN),
        ("0 buy 0.1 1.0995;0 close", {"freeze_level": 40}, DONE),
        ("0 buy 0.1", {"trade_allowed": 0}, AUTOTRADING_OFF),
    ],
)
def test_the_broker_answers_as_a_trade_server_does(
    desk: Desk, plan: str, settings: dict[str, object], retcode: int
) -> None:
    assert desk.retcode(plan, [FLAT, FLAT], **settings) == retcode


def test_a_refused_order_leaves_no_deal(desk: Desk) -> None:
    assert desk.trade("0 buy 0.001", [FLAT]).deals[1:] == []


def test_no_more_than_the_position_is_closed(desk: Desk) -> None:
    journal = desk.trade("0 buy 0.1;0 part 0.2", [FLAT]).journal
    assert f"part|refused|{INVALID_CLOSE_VOLUME}|0.00000|0.00" in journal


def test_on_trade_follows_what_was_dealt(desk: Desk) -> None:
    result = desk.trade("0 buy 0.1 1.098;1 buy 0.1", [FLAT, FLAT, (1.1, 1.1, 1.09, 1.1)])
    assert [line for line in result.journal if line.startswith("OnTrade")] == [
        "OnTrade|1",
        "OnTrade|2",
        "OnTrade|1",  # the stop, before OnTick
        "OnTrade|0",  # the end of the test
    ]


@pytest.mark.parametrize("platform", ["windows"])
def test_a_windows_build_trades_the_same(terminal: Terminal, platform: str) -> None:
    plan = "0 buy 0.1 1.098 1.104;1 sell 0.2 1.103;2 close"
    ohlc = [FLAT, (1.1, 1.1021, 1.0985, 1.1), (1.1013, 1.1034, 1.1, 1.102)]
    linux = Desk(build(PROGRAMS / "Trading.mq5"), terminal).trade(plan, ohlc)
    windows = Desk(build(PROGRAMS / "Trading.mq5", platform=platform), terminal).trade(plan, ohlc)
    assert linux.deals == windows.deals
    assert linux.balance == windows.balance
