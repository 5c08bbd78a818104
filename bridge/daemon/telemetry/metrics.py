"""The daemon's counts as Prometheus' metrics: names, units and labels by its conventions.

`model` and `version` are labels of their own, so that a dashboard keeps its line when a model is
renewed: `sum by (model) (...)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import sleep

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.telemetry.counts import BATCH_BOUNDS, LaneTelemetry, Telemetry
from bridge.daemon.telemetry.histogram import BOUNDS_US, Histogram, cumulative
from bridge.daemon.telemetry.snapshot import ServiceFacts, Source, this_process

_HEALTHS = ("ready", "degraded", "draining")
_STATES = ("ready", "restarting", "open")
_LANE = ["model", "version"]

_TOLD_US = tuple(
    bound
    for bound in BOUNDS_US
    if bound in (5, *(m * 10**e for e in range(6) for m in (10, 15, 22, 33, 47, 68)))
    or bound >= 10_000_000
)
_TOLD = [BOUNDS_US.index(bound) for bound in _TOLD_US]
_PAUSE_S = 0.0005  # between two metrics another thread, the loop's, may take the interpreter

Buckets = list[tuple[str, float]]


class DaemonCollector(Collector):
    """Makes the metrics when they are asked for; from any thread."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        facts, telemetry, cache = self._source.facts(), self._source.telemetry, self._source.cache
        counts = list(telemetry.lanes.values())
        for metrics in (
            _daemon(facts, telemetry),
            _lanes(facts),
            _forecasts(counts),
            _batches(counts),
            () if cache is None else _cache(cache),
            _process(),
        ):
            for metric in metrics:
                yield metric
                sleep(_PAUSE_S)


def _daemon(facts: ServiceFacts, telemetry: Telemetry) -> Iterator[Metric]:
    name, _, version = facts.server.rpartition(" ")
    yield InfoMetricFamily("eabridge", "The daemon.", {"server": name, "version": version})
    yield GaugeMetricFamily(
        "eabridge_start_time_seconds", "When the daemon started, Unix time.", telemetry.started
    )
    health = GaugeMetricFamily(
        "eabridge_health", "1 for what the daemon is, 0 for what it is not.", labels=["status"]
    )
    for status in _HEALTHS:
        health.add_metric([status], facts.health == status)
    yield health
    yield CounterMetricFamily("eabridge_requests", "Messages received.", telemetry.requests)
    errors = CounterMetricFamily(
        "eabridge_errors",
        "Error replies, each bad item of a batch counted for itself.",
        labels=["code"],
    )
    for code, count in telemetry.errors.items():
        errors.add_metric([code.value], count)
    yield errors
    swaps = CounterMetricFamily(
        "eabridge_swaps", "Models exchanged while serving.", labels=["result"]
    )
    swaps.add_metric(["done"], telemetry.swaps_done)
    swaps.add_metric(["refused"], telemetry.swaps_refused)
    yield swaps
    yield GaugeMetricFamily("eabridge_queued", "Requests and windows that wait.", facts.queued)
    if facts.connections is not None:
        yield GaugeMetricFamily("eabridge_connections", "Clients connected.", facts.connections)


def _lanes(facts: ServiceFacts) -> Iterator[Metric]:
    depth = GaugeMetricFamily("eabridge_queue_depth", "Windows that wait.", labels=_LANE)
    in_flight = GaugeMetricFamily("eabridge_in_flight", "Windows being computed.", labels=_LANE)
    state = GaugeMetricFamily(
        "eabridge_model_state",
        "1 for what a model is, 0 for what it is not.",
        labels=[*_LANE, "state"],
    )
    for lane in facts.lanes:
        labels = [lane.manifest.name, lane.manifest.version]
        depth.add_metric(labels, lane.queued)
        in_flight.add_metric(labels, lane.in_flight)
        for name in _STATES:
            state.add_metric([*labels, name], lane.state == name)
    yield from (depth, in_flight, state)


def _forecasts(lanes: Iterable[LaneTelemetry]) -> Iterator[Metric]:
    seconds = HistogramMetricFamily(
        "eabridge_forecast_seconds",
        "Forecasts answered, by the time in the queue, in inference, and in the daemon in all; "
        "those of the cache are in the total alone.",
        labels=[*_LANE, "stage"],
    )
    cached = CounterMetricFamily(
        "eabridge_forecasts_cached", "Forecasts that the cache answered.", labels=_LANE
    )
    failed = CounterMetricFamily(
        "eabridge_forecasts_failed", "Windows answered with an error.", labels=_LANE
    )
    restarts = CounterMetricFamily(
        "eabridge_restarts", "How often what runs the model was replaced.", labels=_LANE
    )
    for lane in lanes:
        labels = _labels(lane)
        stages = {"queue": lane.queue, "inference": lane.infer, "total": lane.total}
        for stage, histogram in stages.items():
            buckets, sum_s = _buckets(histogram)
            seconds.add_metric([*labels, stage], buckets, sum_s)
        cached.add_metric(labels, lane.cached)
        failed.add_metric(labels, lane.failed)
        restarts.add_metric(labels, lane.restarts)
    yield from (seconds, cached, failed, restarts)


def _batches(lanes: Iterable[LaneTelemetry]) -> Iterator[Metric]:
    sizes = HistogramMetricFamily(
        "eabridge_batch_size", "Windows that a model was asked at once.", labels=_LANE
    )
    for lane in lanes:
        counts = cumulative(lane.batch_sizes.copy())
        buckets = _named(BATCH_BOUNDS, counts)
        sizes.add_metric(_labels(lane), buckets, lane.windows)
    yield sizes


def _cache(cache: ForecastCache) -> Iterator[Metric]:
    yield CounterMetricFamily("eabridge_cache_hits", "Forecasts found in the cache.", cache.hits)
    yield CounterMetricFamily("eabridge_cache_misses", "Forecasts not found in it.", cache.misses)
    yield GaugeMetricFamily("eabridge_cache_entries", "Forecasts kept.", cache.entries)
    yield GaugeMetricFamily("eabridge_cache_bytes", "Memory that they take.", cache.bytes)
    yield GaugeMetricFamily("eabridge_cache_limit_bytes", "And may take.", cache.limit_bytes)


def _process() -> Iterator[Metric]:
    process = this_process()
    with process.oneshot():
        times = process.cpu_times()
        memory, threads = process.memory_info().rss, process.num_threads()
    yield GaugeMetricFamily(
        "eabridge_process_resident_memory_bytes", "Memory in use by the daemon's process.", memory
    )
    yield CounterMetricFamily(
        "eabridge_process_cpu_seconds",
        "Processor time that it has used.",
        times.user + times.system,
    )
    yield GaugeMetricFamily("eabridge_process_threads", "Its threads.", threads)


def _buckets(histogram: Histogram) -> tuple[Buckets, float]:
    sum_s = histogram.sum_us / 1e6
    counts = cumulative(histogram.counts.copy())
    bounds = [bound / 1e6 for bound in _TOLD_US]
    return _named(bounds, [*(counts[index] for index in _TOLD), counts[-1]]), sum_s


def _named(bounds: Sequence[float], cumulated: Sequence[int]) -> Buckets:
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, map(float, cumulated), strict=True))


def _labels(lane: LaneTelemetry) -> list[str]:
    name, _, version = lane.label.rpartition("@")
    return [name, version]
