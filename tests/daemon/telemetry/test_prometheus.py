"""What Prometheus is told, over real HTTP, read by its own library's parsers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from bridge.bundles import Manifest
from bridge.daemon.cache.memory import KEY_BYTES, ForecastCache
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.prometheus import serve_metrics
from bridge.daemon.telemetry.snapshot import LaneFacts, ServiceFacts, Source
from bridge.http import ListenError, LocalServer
from bridge.wire.errors import Code
from tests.backends import graphs
from tests.http.asking import ask

_PATIENCE_S = 30


@pytest.fixture
def manifest() -> Manifest:
    return graphs.manifest("fx-h1")


@pytest.fixture
def source(manifest: Manifest, telemetry: Telemetry, cache: ForecastCache) -> Source:
    lane = LaneFacts(manifest, True, (), 3, 2, "inline", "ready")
    facts = ServiceFacts("eabridge 1.2.3", "degraded", 5, 7, (lane,))
    return Source(lambda: facts, telemetry, cache)


@pytest.fixture
def server(source: Source) -> Iterator[LocalServer]:
    with serve_metrics("127.0.0.1:0", source) as server:
        yield server


def _scrape(server: LocalServer) -> dict[str, Metric]:
    with urlopen(f"{server.url}metrics", timeout=_PATIENCE_S) as answer:
        text = answer.read().decode()
    return {metric.name: metric for metric in text_string_to_metric_families(text)}


def _value(metric: Metric, name: str = "", **labels: str) -> float:
    (sample,) = (
        sample
        for sample in metric.samples
        if sample.name == (name or sample.name) and labels.items() <= sample.labels.items()
    )
    return sample.value


def test_every_metric_has_its_name_its_type_and_a_help(server: LocalServer) -> None:
    metrics = _scrape(server)
    assert {name: metric.type for name, metric in metrics.items()} == {
        "eabridge_info": "gauge",
        "eabridge_start_time_seconds": "gauge",
        "eabridge_health": "gauge",
        "eabridge_requests": "counter",
        "eabridge_errors": "counter",
        "eabridge_swaps": "counter",
        "eabridge_queued": "gauge",
        "eabridge_connections": "gauge",
        "eabridge_queue_depth": "gauge",
        "eabridge_in_flight": "gauge",
        "eabridge_model_state": "gauge",
        "eabridge_forecast_seconds": "histogram",
        "eabridge_forecasts_cached": "counter",
        "eabridge_forecasts_failed": "counter",
        "eabridge_restarts": "counter",
        "eabridge_batch_size": "histogram",
        "eabridge_cache_hits": "counter",
        "eabridge_cache_misses": "counter",
        "eabridge_cache_entries": "gauge",
        "eabridge_cache_bytes": "gauge",
        "eabridge_cache_limit_bytes": "gauge",
        "eabridge_process_resident_memory_bytes": "gauge",
        "eabridge_process_cpu_seconds": "counter",
        "eabridge_process_threads": "gauge",
    }
    assert all(metric.documentation.endswith(".") for metric in metrics.values())


def test_counters_end_in_total(server: LocalServer, telemetry: Telemetry) -> None:
    telemetry.record_request(0)
    assert _value(_scrape(server)["eabridge_requests"], "eabridge_requests_total") == 1


def test_errors_are_told_by_code_from_zero_on(server: LocalServer, telemetry: Telemetry) -> None:
    telemetry.record_error(Code.MODEL_FAILED)
    errors = _scrape(server)["eabridge_errors"]
    assert _value(errors, code="model_failed") == 1
    assert {sample.labels["code"] for sample in errors.samples} == {code.value for code in Code}


def test_the_daemon_is_told(server: LocalServer, telemetry: Telemetry) -> None:
    metrics = _scrape(server)
    assert metrics["eabridge_info"].samples[0].labels == {"server": "eabridge", "version": "1.2.3"}
    health = metrics["eabridge_health"]
    assert [_value(health, status=s) for s in ("ready", "degraded", "draining")] == [0, 1, 0]
    assert _value(metrics["eabridge_start_time_seconds"]) == telemetry.started
    assert (_value(metrics["eabridge_queued"]), _value(metrics["eabridge_connections"])) == (5, 7)
    assert _value(metrics["eabridge_process_resident_memory_bytes"]) > 1_000_000


def test_swaps_are_told_by_result(server: LocalServer, telemetry: Telemetry) -> None:
    telemetry.record_swap("a")
    telemetry.record_swap("b", refused=True)
    telemetry.record_swap("c", refused=True)
    swaps = _scrape(server)["eabridge_swaps"]
    assert [_value(swaps, result=result) for result in ("done", "refused")] == [1, 2]


def test_a_lane_is_told_by_name_and_version(server: LocalServer, manifest: Manifest) -> None:
    metrics = _scrape(server)
    labels = {"model": "fx-h1", "version": manifest.version}
    assert _value(metrics["eabridge_queue_depth"], **labels) == 3
    assert _value(metrics["eabridge_in_flight"], **labels) == 2
    states = metrics["eabridge_model_state"]
    assert [_value(states, state=s, **labels) for s in ("ready", "restarting", "open")] == [1, 0, 0]


@pytest.fixture
def seconds(server: LocalServer, telemetry: Telemetry, manifest: Manifest) -> Metric:
    """The histogram after forecasts of 100, 1,000 and 10,000 us in all, and a cached one."""
    lane = telemetry.lane(manifest.label)
    for total_us in (100, 1_000, 10_000):
        lane.record(total_us // 10, total_us // 2, total_us)
    lane.record_cached(10)
    return _scrape(server)["eabridge_forecast_seconds"]


@pytest.mark.parametrize(
    ("stage", "count", "sum_s"),
    [("queue", 3, 0.00111), ("inference", 3, 0.00555), ("total", 4, 0.01111)],
)
def test_a_stage_has_its_count_and_its_sum(
    seconds: Metric, stage: str, count: int, sum_s: float
) -> None:
    assert _value(seconds, "eabridge_forecast_seconds_count", stage=stage) == count
    assert _value(seconds, "eabridge_forecast_seconds_sum", stage=stage) == pytest.approx(sum_s)


@pytest.mark.parametrize(
    ("le", "count"), [("5e-06", 0), ("1e-05", 1), ("0.0001", 2), ("0.001", 3), ("+Inf", 4)]
)
def test_a_bucket_counts_what_does_not_exceed_its_bound(
    seconds: Metric, le: str, count: int
) -> None:
    name = "eabridge_forecast_seconds_bucket"
    assert _value(seconds, name, stage="total", le=le) == count


def test_buckets_ascend_and_end_with_all(seconds: Metric) -> None:
    for stage in ("queue", "inference", "total"):
        buckets = [
            (float(sample.labels["le"]), sample.value)
            for sample in seconds.samples
            if sample.name.endswith("_bucket") and sample.labels["stage"] == stage
        ]
        assert buckets == sorted(buckets)
        assert all(a[1] <= b[1] for a, b in itertools.pairwise(buckets))
        assert buckets[-1][0] == float("inf")
        assert 20 < len(buckets) < 50


def test_batches_are_told_by_size(
    server: LocalServer, telemetry: Telemetry, manifest: Manifest
) -> None:
    for size in (1, 3, 64):
        telemetry.lane(manifest.label).record_batch(size)
    sizes = _scrape(server)["eabridge_batch_size"]
    counts = [
        _value(sizes, "eabridge_batch_size_bucket", le=le) for le in ("1.0", "2.0", "4.0", "64.0")
    ]
    assert counts == [1, 1, 2, 3]
    assert _value(sizes, "eabridge_batch_size_sum") == 68


def test_the_cache_is_told(server: LocalServer, cache: ForecastCache) -> None:
    cache.put(bytes(KEY_BYTES), b"12345678", b"", 0)
    cache.get(bytes(KEY_BYTES))
    cache.get(b"unknown")
    metrics = _scrape(server)
    found = {
        name: _value(metrics[f"eabridge_cache_{name}"])
        for name in ("hits", "misses", "entries", "bytes", "limit_bytes")
    }
    assert found == {
        "hits": 1,
        "misses": 1,
        "entries": 1,
        "bytes": cache.bytes,
        "limit_bytes": 1 << 20,
    }


def test_without_a_cache_there_is_nothing_of_it(source: Source) -> None:
    without = Source(source.facts, source.telemetry, None)
    with serve_metrics("127.0.0.1:0", without) as server:
        assert not [name for name in _scrape(server) if "cache_" in name]


def test_the_newer_format_is_spoken_where_it_is_asked(
    server: LocalServer, telemetry: Telemetry
) -> None:
    telemetry.lane("fx-h1@1").record(1, 2, 3)
    accept = "application/openmetrics-text; version=1.0.0"
    request = Request(f"{server.url}metrics", headers={"Accept": accept})
    with urlopen(request, timeout=_PATIENCE_S) as answer:
        found = {metric.name for metric in parse_openmetrics(answer.read().decode())}
    assert "eabridge_forecast_seconds" in found


@pytest.mark.parametrize("version", ["newest", "1.a", "\u00e9", ".."])
def test_who_prefers_what_there_is_not_gets_the_older_format(
    server: LocalServer, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    found = ask(
        server, "/metrics", more=f"Accept: application/openmetrics-text;version={version}\r\n"
    )
    assert (found.code, b"eabridge_requests" in found.body) == (200, True)
    assert found.fields["content-type"].startswith("text/plain")
    assert not caplog.records


def test_a_model_that_left_is_told_no_more(server: LocalServer, telemetry: Telemetry) -> None:
    telemetry.lane("gone@1").record(1, 2, 3)
    telemetry.drop_lane("gone@1")
    assert not _scrape(server)["eabridge_forecast_seconds"].samples


def test_a_foreign_name_that_was_pointed_here_learns_nothing(server: LocalServer) -> None:
    found = ask(server, "/metrics", host="evil.example")
    assert (found.code, b"eabridge_requests" in found.body) == (403, False)


def test_there_is_nothing_but_the_metrics(server: LocalServer) -> None:
    assert b"eabridge_requests" in ask(server, "/").body
    assert ask(server, "/status.json").code == 404


def test_a_defect_is_told_to_the_log_alone(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> ServiceFacts:
        raise ZeroDivisionError("secret")

    with serve_metrics("127.0.0.1:0", Source(broken, source.telemetry, None)) as server:
        found = ask(server, "/metrics")
    assert (found.code, b"secret" in found.body) == (503, False)
    assert "the metrics could not be made" in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


def test_an_address_that_will_not_do_is_told(source: Source) -> None:
    with pytest.raises(ListenError, match=r"--metrics 9464: .*give one such as 127\.0\.0\.1:9464"):
        serve_metrics("9464", source)


def test_where_they_are_is_logged(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), serve_metrics("127.0.0.1:0", source) as server:
        assert f"metrics: {server.url}metrics" in caplog.text
