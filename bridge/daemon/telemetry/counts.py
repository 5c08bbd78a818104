"""What the daemon counts while it serves: written by the loop, read by whoever shows it.

The loop only counts: integers, buckets, and references to the latest answers. Percentiles, rows by
the second and texts are made by readers (`snapshot`, `metrics`), in threads of their own; they
copy what they read in one step, so that the loop never waits for them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from time import perf_counter_ns, time
from typing import NamedTuple

from bridge.daemon.telemetry.histogram import Histogram, exact_percentiles_us, percentile_us
from bridge.wire.errors import Code
from bridge.wire.messages import FLOAT64_BYTES, ForecastRequest

SHOWN_BARS = 96
"""The latest bars that are remembered of a window, for whoever looks at a chart."""

BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64)
"""The largest batch that each bucket of `LaneTelemetry.batch_sizes` counts; one more, the rest."""

STRIP_SECONDS = 300
_MOST_REMEMBERED = 64
_LATEST = 2048
_LATEST_OF_LANE = 1024
_SECOND_NS = 1_000_000_000


class Remembered(NamedTuple):
    """The latest forecast for one symbol, timeframe and model.

    Attributes:
        time: of the window's last bar. asked_at: POSIX seconds of this machine's clock.
        columns, values: the window's latest bars, `SHOWN_BARS` at most, as in the request.
        quantiles, up: [H, Q] and [H], float64 bytes.
    """

    symbol: str
    tf: int
    model: str
    time: int
    asked_at: float
    columns: int
    values: bytes
    levels: tuple[float, ...]
    quantiles: bytes
    up: bytes
    cached: bool
    server_us: int


class Row(NamedTuple):
    """One second of the strip: `t` in POSIX seconds, latencies of the forecasts answered in it."""

    t: int
    requests: int
    errors: int
    p50_us: int
    p99_us: int


class LaneTelemetry:
    """One model's counts. The loop's, like `Telemetry`.

    Attributes:
        failed: windows that were answered with an error (failed, expired, busy): the loop adds.
        cached: forecasts out of the cache; they are in `total` and in no other histogram.
        batches, windows: what the backend was asked, and the windows in it.
        restarts: of what runs the model: whoever restarts it adds.
        queue, infer, total: microseconds in the queue, inside the model, inside the daemon.
    """

    def __init__(self, label: str, telemetry: Telemetry) -> None:
        self.label = label
        self.failed = self.cached = self.batches = self.windows = self.restarts = 0
        self.queue, self.infer, self.total = Histogram(), Histogram(), Histogram()
        self.batch_sizes = [0] * (len(BATCH_BOUNDS) + 1)
        self.latest_queue_us: deque[int] = deque(maxlen=_LATEST_OF_LANE)
        self.latest_infer_us: deque[int] = deque(maxlen=_LATEST_OF_LANE)
        self._telemetry = telemetry

    @property
    def requests(self) -> int:
        """Windows that this model was asked about and that have been answered."""
        return self.total.count + self.failed

    def record(self, queue_us: int, infer_us: int, total_us: int) -> None:
        """Count a forecast that was computed."""
        self.queue.record(queue_us)
        self.latest_queue_us.append(queue_us)
        self.infer.record(infer_us)
        self.latest_infer_us.append(infer_us)
        self.total.record(total_us)
        self._telemetry.record_latency(total_us)

    def record_cached(self, total_us: int) -> None:
        """Count a forecast that the cache answered."""
        self.cached += 1
        self.total.record(total_us)
        self._telemetry.record_latency(total_us)

    def record_batch(self, size: int) -> None:
        """Count what the backend is asked at once: `size` windows."""
        self.batches += 1
        self.windows += size
        self.batch_sizes[min((size - 1).bit_length(), len(BATCH_BOUNDS))] += 1


class Telemetry:
    """The daemon's counts. What records is for the loop alone, what reads for any thread.

    Attributes:
        requests: messages received, good and bad.
        errors: error replies by code, each bad item of a batch counted for itself.
        lanes: by label.
        swaps_done, swaps_refused, last_swap: models exchanged while serving; how the last went.
        started: POSIX seconds.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.errors: dict[Code, int] = dict.fromkeys(Code, 0)
        self.lanes: dict[str, LaneTelemetry] = {}
        self.swaps_done = self.swaps_refused = 0
        self.last_swap: str | None = None
        self.started = time()
        self._started_ns = perf_counter_ns()
        self._second = _Second(self._started_ns // _SECOND_NS)
        self._seconds = deque([self._second], maxlen=STRIP_SECONDS)
        self._latest_us: deque[int] = deque(maxlen=_LATEST)
        self._percentiles = (0, 0)
        self._percentiles_until_ns = 0
        # The fields of `Remembered`, bare, as the least that the loop can do.
        self._remembered: OrderedDict[tuple[str, int, str], tuple[object, ...]] = OrderedDict()

    def lane(self, label: str) -> LaneTelemetry:
        """The counts of one model, from zero where it is new."""
        if label not in self.lanes:
            self.lanes = {**self.lanes, label: LaneTelemetry(label, self)}
        return self.lanes[label]

    def drop_lane(self, label: str) -> None:
        """Forget the counts of a model that is served no more, and its forecasts."""
        self.lanes = {name: lane for name, lane in self.lanes.items() if name != label}
        for key in [key for key in self._remembered if key[2] == label]:
            del self._remembered[key]

    def record_request(self, received_ns: int) -> None:
        """Count a message, received at this time of `perf_counter_ns`."""
        self.requests += 1
        second = self._second
        if received_ns >= second.ends_ns:
            second = self._second = _Second(received_ns // _SECOND_NS)
            self._seconds.append(second)
        second.requests += 1

    def record_error(self, code: Code) -> None:
        """Count an error reply, or a bad item of a batch."""
        self.errors[code] += 1
        self._second.errors += 1

    def record_latency(self, total_us: int) -> None:
        """Count a forecast's time inside the daemon; its lane's `record` calls this."""
        self._latest_us.append(total_us)
        self._second.total.record(total_us)

    def record_swap(self, what: str, *, refused: bool = False) -> None:
        """Count a model that was exchanged, or that stayed because the new one was refused."""
        self.last_swap = what
        if refused:
            self.swaps_refused += 1
        else:
            self.swaps_done += 1

    def remember(
        self,
        request: ForecastRequest,
        model: str,
        levels: tuple[float, ...],
        quantiles: bytes,
        up: bytes,
        cached: bool,
        server_us: int,
    ) -> None:
        """Keep a forecast as the latest for its symbol, timeframe and model (a label).

        Of the window nothing but the bars that are shown is kept alive.
        """
        key = (request.symbol, request.tf, model)
        remembered = self._remembered
        columns = request.columns
        remembered[key] = (
            *(*key, request.time, time(), columns),
            request.values[-SHOWN_BARS * FLOAT64_BYTES * columns :],
            *(levels, quantiles, up, cached, server_us),
        )
        remembered.move_to_end(key)
        if len(remembered) > _MOST_REMEMBERED:
            remembered.popitem(last=False)

    @property
    def failures(self) -> int:
        """Error replies, and bad items of batches, of every code."""
        return sum(self.errors.values())

    @property
    def uptime_s(self) -> int:
        return (perf_counter_ns() - self._started_ns) // _SECOND_NS

    def percentiles_us(self) -> tuple[int, int]:
        """p50 and p99 of the latest forecasts, at most a second old; zeros before the first."""
        now_ns = perf_counter_ns()
        if self._latest_us and now_ns >= self._percentiles_until_ns:
            p50_us, p99_us = exact_percentiles_us(self._latest_us.copy(), 0.5, 0.99)
            self._percentiles = p50_us, p99_us
            self._percentiles_until_ns = now_ns + _SECOND_NS
        return self._percentiles

    def remembered(self) -> list[Remembered]:
        """The latest forecast of each symbol, timeframe and model, the latest asked first."""
        found = [Remembered._make(fields) for fields in self._remembered.copy().values()]
        return found[::-1]

    def strip(self) -> list[Row]:
        """A row for each of the last seconds that are over, oldest first, `STRIP_SECONDS` at most.

        A second in which nothing was asked has a row of zeros.
        """
        now_ns = perf_counter_ns()
        now = now_ns // _SECOND_NS
        clock_s = round(time() - now_ns / _SECOND_NS)  # the same whenever in a second one looks
        there = {second.number: second for second in self._seconds.copy()}
        rows = []
        for number in range(max(now - STRIP_SECONDS, self._started_ns // _SECOND_NS), now):
            t = clock_s + number
            second = there.get(number)
            if second is None:
                rows.append(Row(t, 0, 0, 0, 0))
            else:
                latencies = second.percentiles_us(is_over=second is not self._second)
                rows.append(Row(t, second.requests, second.errors, *latencies))
        return rows


class _Second:
    """What happened in one second of `perf_counter_ns`."""

    __slots__ = ("_percentiles", "ends_ns", "errors", "number", "requests", "total")

    def __init__(self, number: int) -> None:
        self.number = number
        self.ends_ns = (number + 1) * _SECOND_NS
        self.requests = 0
        self.errors = 0
        self.total = Histogram()
        self._percentiles: tuple[int, int] | None = None

    def percentiles_us(self, *, is_over: bool) -> tuple[int, int]:
        """p50 and p99; computed once where nothing more is counted here."""
        found = self._percentiles
        if found is None:
            counts = self.total.counts.copy()
            found = percentile_us(counts, 0.5), percentile_us(counts, 0.99)
            if is_over:
                self._percentiles = found
        return found
