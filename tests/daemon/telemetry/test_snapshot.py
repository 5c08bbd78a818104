"""The daemon as one value, for those who show it."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.bundles import Manifest
from bridge.daemon.cache.memory import KEY_BYTES, ForecastCache
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.snapshot import LaneFacts, ServiceFacts, Source
from bridge.wire.errors import Code
from bridge.wire.messages import ForecastRequest
from tests.backends import graphs

LEVELS = graphs.LEVELS
QUANTILES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
UP = np.array([0.25, 0.75])


@pytest.fixture
def manifest() -> Manifest:
    return graphs.manifest("fx")


@pytest.fixture
def facts(manifest: Manifest) -> ServiceFacts:
    lane = LaneFacts(manifest, True, ("EURGBP",), 3, 2, "worker", "ready")
    return ServiceFacts("eabridge 1.2.3", "ready", 5, 7, (lane,))


@pytest.fixture
def source(facts: ServiceFacts, telemetry: Telemetry, cache: ForecastCache) -> Source:
    return Source(lambda: facts, telemetry, cache)


def _request(columns: int, values: Any) -> ForecastRequest:
    return ForecastRequest(None, "EURUSD", 3600, 1_700_000_000, columns, values.tobytes(), False)


def _remember(telemetry: Telemetry, request: ForecastRequest, model: str = "fx@1") -> None:
    telemetry.remember(request, model, LEVELS, QUANTILES.tobytes(), UP.tobytes(), True, 9)


def test_it_is_json_and_nothing_else(source: Source, telemetry: Telemetry) -> None:
    _remember(telemetry, _request(1, np.ones(4)))
    telemetry.record_request(0)
    found = source.snapshot()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_it_has_the_fields_that_are_agreed_on(source: Source) -> None:
    assert set(source.snapshot()) == {
        *("server", "pid", "now", "started", "uptime_s", "health", "requests", "errors", "queued"),
        *("connections", "latency_us", "cache", "lanes", "swaps", "memory_bytes", "forecasts"),
        "strip",
    }


def test_it_tells_what_is_so_at_the_moment(source: Source) -> None:
    found = source.snapshot()
    assert (found["server"], found["pid"]) == ("eabridge 1.2.3", os.getpid())
    assert (found["health"], found["queued"], found["connections"]) == ("ready", 5, 7)
    assert found["started"] <= found["now"] <= time.time()
    assert found["memory_bytes"] > 1_000_000


def test_it_tells_what_was_counted(source: Source, telemetry: Telemetry) -> None:
    for _ in range(2):
        telemetry.record_request(0)
    telemetry.record_error(Code.BUSY)
    telemetry.record_swap("fx@2 in the place of fx@1")
    found = source.snapshot()
    assert (found["requests"], found["errors"]) == (2, {"busy": 1})
    assert found["swaps"] == {"done": 1, "refused": 0, "last": "fx@2 in the place of fx@1"}


def test_a_lane_tells_its_model_and_its_counts(
    source: Source, telemetry: Telemetry, manifest: Manifest
) -> None:
    counts = telemetry.lane(manifest.label)
    counts.record_batch(2)
    counts.record(10, 200, 250)
    counts.record(30, 200, 250)
    counts.record_cached(8)
    counts.failed += 1
    counts.restarts += 1
    (lane,) = source.snapshot()["lanes"]
    assert lane == {
        "model": manifest.label,
        "name": "fx",
        "version": manifest.version,
        "default": True,
        "symbols": [],
        "answers_for": ["EURGBP"],
        "tf": manifest.tf,
        "context": graphs.CONTEXT,
        "horizon": graphs.HORIZON,
        "queued": 3,
        "in_flight": 2,
        "mode": "worker",
        "state": "ready",
        "requests": 4,
        "failed": 1,
        "cached": 1,
        "batches": 1,
        "windows": 2,
        "queue_p50_us": 10,
        "infer_p50_us": 200,
        "infer_p99_us": 200,
        "restarts": 1,
    }


def test_a_lane_that_was_never_asked_shows_zeros_and_is_not_made_known(
    source: Source, telemetry: Telemetry
) -> None:
    (lane,) = source.snapshot()["lanes"]
    assert (lane["requests"], lane["infer_p99_us"]) == (0, 0)
    assert telemetry.lanes == {}


def test_the_cache_is_told(source: Source, cache: ForecastCache) -> None:
    cache.put(bytes(KEY_BYTES), b"", b"", 0)
    cache.get(bytes(KEY_BYTES))
    cache.get(b"unknown")
    found = source.snapshot()["cache"]
    assert found == {
        "entries": 1,
        "bytes": cache.bytes,
        "limit_bytes": 1 << 20,
        "hits": 1,
        "misses": 1,
    }


def test_no_cache_is_null(source: Source) -> None:
    assert replace(source, cache=None).snapshot()["cache"] is None


@pytest.mark.parametrize("columns", [1, 4])
def test_a_forecast_is_told_with_its_closes(
    source: Source, telemetry: Telemetry, columns: int
) -> None:
    closes = np.arange(1.0, 5.0)
    values = closes if columns == 1 else np.stack([closes + 9, closes + 8, closes + 7, closes], 1)
    _remember(telemetry, _request(columns, values))
    (forecast,) = source.snapshot()["forecasts"]
    assert forecast.pop("asked_at") <= time.time()
    assert forecast == {
        "symbol": "EURUSD",
        "tf": 3600,
        "model": "fx@1",
        "time": 1_700_000_000,
        "closes": closes.tolist(),
        "levels": list(LEVELS),
        "quantiles": QUANTILES.tolist(),
        "up": UP.tolist(),
        "cached": True,
        "server_us": 9,
    }


def test_of_a_long_window_the_last_96_closes_are_told(source: Source, telemetry: Telemetry) -> None:
    _remember(telemetry, _request(1, np.arange(1.0, 1001.0)))
    (forecast,) = source.snapshot()["forecasts"]
    assert forecast["closes"] == np.arange(905.0, 1001.0).tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_older_bars_that_are_no_prices_are_not_told(
    source: Source, telemetry: Telemetry, bad: float
) -> None:
    closes = np.arange(1.0, 97.0)
    closes[[2, 7]] = bad
    _remember(telemetry, _request(1, closes))
    (forecast,) = source.snapshot()["forecasts"]
    assert forecast["closes"] == closes[8:].tolist()


def test_rows_of_the_strip_are_maps(source: Source, telemetry: Telemetry) -> None:
    telemetry.record_request(0)
    time.sleep(1.1)
    row = source.snapshot()["strip"][0]
    assert set(row) == {"t", "requests", "errors", "p50_us", "p99_us"}


def test_it_is_made_while_the_loop_counts(source: Source, telemetry: Telemetry) -> None:
    ended = threading.Event()

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            telemetry.record_request(time.perf_counter_ns())
            telemetry.lane("fx@1").record(1, 2, 3)
            telemetry.record_error(Code.BUSY)
            _remember(telemetry, _request(1, np.ones(4)), model=f"fx@{number % 100}")
            telemetry.drop_lane(f"fx@{number % 100}")

    loop = threading.Thread(target=count)
    loop.start()
    try:
        for _ in range(50):
            json.dumps(source.snapshot(), allow_nan=False)
    finally:
        ended.set()
        loop.join()
