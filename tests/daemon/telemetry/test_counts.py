"""Counts and latencies, with the clock in the test's hand."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from bridge.daemon.telemetry import counts
from bridge.daemon.telemetry.counts import SHOWN_BARS, STRIP_SECONDS, LaneTelemetry, Row, Telemetry
from bridge.wire.errors import Code
from bridge.wire.messages import ForecastRequest

LEVELS = (0.1, 0.5, 0.9)
SetClock = Callable[[float], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the seconds since the tests' beginning, at 1,000,000 seconds POSIX time."""

    def set_seconds(now: float) -> None:
        monkeypatch.setattr(counts, "perf_counter_ns", lambda: round(now * 1e9))
        monkeypatch.setattr(counts, "time", lambda: 1_000_000 + now)

    set_seconds(0.0)
    return set_seconds


@pytest.fixture
def telemetry(set_clock: SetClock) -> Telemetry:
    return Telemetry()


@pytest.fixture
def lane(telemetry: Telemetry) -> LaneTelemetry:
    return telemetry.lane("fx@1")


def _request(symbol: str = "EURUSD", tf: int = 3600, bars: int = 4) -> ForecastRequest:
    closes = np.arange(1.0, bars + 1)
    return ForecastRequest(None, symbol, tf, 0, 1, closes.tobytes(), False)


def _remember(telemetry: Telemetry, request: ForecastRequest, model: str = "fx@1") -> None:
    telemetry.remember(request, model, LEVELS, bytes(48), bytes(16), False, 300)


def test_uptime_counts_from_the_start(telemetry: Telemetry, set_clock: SetClock) -> None:
    set_clock(61.9)
    assert telemetry.uptime_s == 61


def test_requests_are_counted(telemetry: Telemetry) -> None:
    for _ in range(3):
        telemetry.record_request(0)
    assert telemetry.requests == 3


def test_errors_are_counted_by_code_and_in_all(telemetry: Telemetry) -> None:
    for code in (Code.BUSY, Code.EXPIRED, Code.BUSY):
        telemetry.record_error(code)
    assert (telemetry.errors[Code.BUSY], telemetry.errors[Code.EXPIRED]) == (2, 1)
    assert telemetry.failures == 3


def test_every_code_has_its_count_from_the_start(telemetry: Telemetry) -> None:
    assert telemetry.errors == dict.fromkeys(Code, 0)


def test_percentiles_are_zero_before_the_first_forecast(telemetry: Telemetry) -> None:
    assert telemetry.percentiles_us() == (0, 0)


def test_a_single_forecast_is_every_percentile(telemetry: Telemetry, lane: LaneTelemetry) -> None:
    lane.record(1, 2, 300)
    assert telemetry.percentiles_us() == (300, 300)


def test_percentiles_of_a_hundred(telemetry: Telemetry, lane: LaneTelemetry) -> None:
    for total_us in range(100, 0, -1):
        lane.record(1, 2, total_us)
    assert telemetry.percentiles_us() == (50, 99)


def test_percentiles_are_at_most_a_second_old(
    telemetry: Telemetry, lane: LaneTelemetry, set_clock: SetClock
) -> None:
    lane.record(1, 2, 10)
    telemetry.percentiles_us()
    lane.record(1, 2, 30)
    lane.record(1, 2, 30)
    set_clock(1.1)
    assert telemetry.percentiles_us() == (30, 30)


def test_percentiles_are_of_the_latest_forecasts_of_all_models(telemetry: Telemetry) -> None:
    for label, total_us, count in (("a@1", 10, 5000), ("b@1", 20, 1048), ("a@1", 20, 1000)):
        for _ in range(count):
            telemetry.lane(label).record(1, 2, total_us)
    assert telemetry.percentiles_us() == (20, 20)


def test_a_model_keeps_its_counts_under_its_label(telemetry: Telemetry) -> None:
    assert telemetry.lane("fx@1") is telemetry.lane("fx@1")
    assert telemetry.lane("fx@1") is not telemetry.lane("fx@2")


def test_a_computed_forecast_is_in_every_stage(lane: LaneTelemetry) -> None:
    lane.record(10, 200, 250)
    stages = lane.queue, lane.infer, lane.total
    assert [(stage.count, stage.sum_us) for stage in stages] == [(1, 10), (1, 200), (1, 250)]


def test_a_cached_forecast_is_in_the_total_alone(telemetry: Telemetry, lane: LaneTelemetry) -> None:
    lane.record_cached(12)
    assert (lane.cached, lane.total.count, lane.total.sum_us) == (1, 1, 12)
    assert (lane.queue.count, lane.infer.count) == (0, 0)
    assert telemetry.percentiles_us() == (12, 12)


def test_a_models_requests_are_those_answered_either_way(lane: LaneTelemetry) -> None:
    lane.record(1, 2, 3)
    lane.record_cached(3)
    lane.failed += 1
    assert lane.requests == 3


@pytest.mark.parametrize(
    ("size", "bucket"),
    [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (32, 5), (33, 6), (64, 6), (65, 7), (1000, 7)],
)
def test_a_batch_is_counted_by_its_size(lane: LaneTelemetry, size: int, bucket: int) -> None:
    lane.record_batch(size)
    assert (lane.batches, lane.windows) == (1, size)
    assert lane.batch_sizes[bucket] == 1


def test_a_model_that_left_leaves_no_counts_and_no_forecasts(telemetry: Telemetry) -> None:
    for label in ("old@1", "new@2"):
        telemetry.lane(label).record(1, 2, 3)
        _remember(telemetry, _request(), model=label)
    telemetry.drop_lane("old@1")
    assert list(telemetry.lanes) == ["new@2"]
    assert [forecast.model for forecast in telemetry.remembered()] == ["new@2"]


def test_a_model_that_left_may_still_be_counted_for(telemetry: Telemetry) -> None:
    leaving = telemetry.lane("old@1")
    telemetry.drop_lane("old@1")
    leaving.record(1, 2, 3)
    assert telemetry.percentiles_us() == (3, 3)


def test_models_that_come_and_go_leave_nothing_behind(telemetry: Telemetry) -> None:
    left = []
    for number in range(10):
        left.append(weakref.ref(telemetry.lane(f"fx@{number}")))
        telemetry.drop_lane(f"fx@{number}")
    gc.collect()
    assert [lane() for lane in left] == [None] * 10


def test_swaps_are_counted_and_the_last_is_told(telemetry: Telemetry) -> None:
    telemetry.record_swap("a@2 in the place of a@1")
    telemetry.record_swap("a@3: not finite", refused=True)
    assert (telemetry.swaps_done, telemetry.swaps_refused) == (1, 1)
    assert telemetry.last_swap == "a@3: not finite"


def test_the_latest_forecast_of_a_symbol_is_remembered(telemetry: Telemetry) -> None:
    telemetry.remember(_request(), "fx@1", LEVELS, b"q" * 48, b"u" * 16, True, 7)
    (forecast,) = telemetry.remembered()
    assert (forecast.symbol, forecast.tf, forecast.model) == ("EURUSD", 3600, "fx@1")
    assert (forecast.quantiles, forecast.up, forecast.levels) == (b"q" * 48, b"u" * 16, LEVELS)
    assert (forecast.cached, forecast.server_us, forecast.asked_at) == (True, 7, 1_000_000)
    assert np.frombuffer(forecast.values).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_one_forecast_is_remembered_for_each_symbol_timeframe_and_model(
    telemetry: Telemetry,
) -> None:
    for _ in range(2):
        _remember(telemetry, _request())
        _remember(telemetry, _request(symbol="GBPUSD"))
        _remember(telemetry, _request(tf=60))
        _remember(telemetry, _request(), model="fx@2")
    assert len(telemetry.remembered()) == 4


def test_the_forecast_asked_last_comes_first(telemetry: Telemetry) -> None:
    for symbol in ("A", "B", "A"):
        _remember(telemetry, _request(symbol))
    assert [forecast.symbol for forecast in telemetry.remembered()] == ["A", "B"]


def test_of_many_symbols_those_asked_last_are_remembered(telemetry: Telemetry) -> None:
    _remember(telemetry, _request("FIRST"))
    for number in range(63):
        _remember(telemetry, _request(str(number)))
    _remember(telemetry, _request("FIRST"))
    _remember(telemetry, _request("LAST"))
    symbols = [forecast.symbol for forecast in telemetry.remembered()]
    assert len(symbols) == 64
    assert symbols[:2] == ["LAST", "FIRST"]
    assert "0" not in symbols


@pytest.mark.parametrize("columns", [1, 4])
def test_of_a_long_window_the_latest_bars_alone_are_remembered(
    telemetry: Telemetry, columns: int
) -> None:
    values = np.arange(1000.0 * columns)
    request = ForecastRequest(None, "", 3600, 0, columns, values.tobytes(), False)
    _remember(telemetry, request)
    (forecast,) = telemetry.remembered()
    shown = np.frombuffer(forecast.values)
    assert shown.tolist() == values[-SHOWN_BARS * columns :].tolist()


def _at(telemetry: Telemetry, set_clock: SetClock, now: float) -> None:
    set_clock(now)
    telemetry.record_request(round(now * 1e9))


def test_the_strip_has_no_row_of_a_second_that_is_not_over(telemetry: Telemetry) -> None:
    telemetry.record_request(0)
    assert telemetry.strip() == []


def test_the_strip_has_a_row_for_each_second_oldest_first(
    telemetry: Telemetry, lane: LaneTelemetry, set_clock: SetClock
) -> None:
    _at(telemetry, set_clock, 0.1)
    lane.record(1, 2, 8)
    _at(telemetry, set_clock, 0.9)
    telemetry.record_error(Code.BUSY)
    _at(telemetry, set_clock, 2.5)
    set_clock(3.0)
    assert [row._replace(p50_us=0, p99_us=0) for row in telemetry.strip()] == [
        Row(1_000_000, 2, 1, 0, 0),
        Row(1_000_001, 0, 0, 0, 0),
        Row(1_000_002, 1, 0, 0, 0),
    ]


def test_a_second_is_the_same_whenever_one_looks(
    telemetry: Telemetry, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(telemetry, set_clock, 0.5)
    told = set()
    for now in (1.0, 1.3, 1.5, 1.9, 2.3, 2.5):
        set_clock(now)
        clock = 1_000_000.6 + now  # its seconds begin within the other clock's
        monkeypatch.setattr(counts, "time", lambda clock=clock: clock)
        told |= {row.t for row in telemetry.strip() if row.requests}
    assert len(told) == 1


def test_a_row_tells_the_latencies_of_its_second(
    telemetry: Telemetry, lane: LaneTelemetry, set_clock: SetClock
) -> None:
    for second, usual_us in enumerate((100, 1000)):
        _at(telemetry, set_clock, second)
        for _ in range(98):
            lane.record(1, 2, usual_us)
        for _ in range(2):
            lane.record(1, 2, 50 * usual_us)
    set_clock(2.0)
    for row, usual_us in zip(telemetry.strip(), (100, 1000), strict=True):
        assert row.p50_us == pytest.approx(usual_us, rel=0.2)
        assert row.p99_us == pytest.approx(50 * usual_us, rel=0.2)


def test_a_late_answer_is_in_the_row_of_the_last_request(
    telemetry: Telemetry, lane: LaneTelemetry, set_clock: SetClock
) -> None:
    _at(telemetry, set_clock, 0.0)
    set_clock(2.0)
    assert telemetry.strip()[0].p50_us == 0
    lane.record(1, 2, 100)
    assert telemetry.strip()[0].p50_us > 0


def test_the_strip_goes_back_five_minutes(telemetry: Telemetry, set_clock: SetClock) -> None:
    for second in range(STRIP_SECONDS + 50):
        _at(telemetry, set_clock, second)
    set_clock(STRIP_SECONDS + 50)
    strip = telemetry.strip()
    assert [row.t for row in strip] == list(range(1_000_050, 1_000_350))
    assert {row.requests for row in strip} == {1}


def test_after_a_silence_the_strip_is_of_zeros(telemetry: Telemetry, set_clock: SetClock) -> None:
    _at(telemetry, set_clock, 0.0)
    set_clock(10_000.0)
    assert {row.requests for row in telemetry.strip()} == {0}
    assert len(telemetry.strip()) == STRIP_SECONDS
