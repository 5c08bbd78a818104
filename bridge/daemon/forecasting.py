"""From a forecast's map to its answer: read, found in the cache, computed at once, or queued."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from bridge.daemon.batch_reading import BatchReading
from bridge.daemon.books import Books
from bridge.daemon.lanes.batch import Outcome
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.rounds import Rounds
from bridge.daemon.rate import Rate
from bridge.daemon.roster import Roster
from bridge.daemon.telemetry.counts import SHOWN_BARS, Telemetry
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import FLOAT64_BYTES, ForecastRequest, parse_forecast, parse_items
from bridge.wire.replies import batch_reply, error_item

Deliver = Callable[[bytes], None]
"""Takes the item that answers one window: a forecast, or why there is none."""

_ITEMS_AT_ONCE = 16
_MOST_READINGS = 16  # batches that are read side by side; one more is read to its end at once


class Forecasting:
    """Takes up windows, alone and in batches, for the lanes of a roster.

    Args:
        roster: finds the lane that a window is for.
        rounds: is told which lanes have something to do.
        books: what was answered before, and what is answered now.
        telemetry: counts what is refused.
        rate: how much one client may ask; its first window is paid for already.

    Attributes:
        draining: nothing is taken up any more.
    """

    def __init__(
        self,
        roster: Roster,
        rounds: Rounds,
        books: Books,
        telemetry: Telemetry,
        rate: Rate | None,
    ) -> None:
        self.draining = False
        self._roster = roster
        self._rounds = rounds
        self._books = books
        self._telemetry = telemetry
        self._rate = rate
        self._readings: deque[BatchReading] = deque()

    @property
    def is_reading(self) -> bool:
        """Whether a batch was begun that is not read to its end."""
        return bool(self._readings)

    def begin_batch(
        self,
        message: dict[Any, Any],
        request: int,
        ttl_ms: int | None,
        received_ns: int,
        client: bytes,
        reply: Callable[[bytes], None],
    ) -> None:
        """Read the first items of a `forecast_batch`; `reply` gets its reply.

        Raises:
            WireError: there are no items to be read, or more than the client may ask for now.
        """
        items = parse_items(message)
        if self._rate is not None:
            self._rate.spend(client, len(items) - 1, received_ns)

        def submit(item: dict[Any, Any], deliver: Deliver, reading: BatchReading) -> None:
            self.submit(item, ttl_ms, received_ns, client, deliver, reading=reading)

        reading = BatchReading(
            items,
            message.get("arrays", False),
            submit,
            lambda error: self._telemetry.record_error(error.code),
            lambda items: reply(batch_reply(request, items)),
        )
        if len(self._readings) < _MOST_READINGS:
            if reading.read(_ITEMS_AT_ONCE):
                self._readings.append(reading)
        else:
            while reading.read(_ITEMS_AT_ONCE):
                pass

    def read_on(self) -> bool:
        """Read some items of a batch that was begun; whether there are more, of any batch."""
        if self._readings:
            reading = self._readings.popleft()
            if reading.read(_ITEMS_AT_ONCE):
                self._readings.append(reading)
        return bool(self._readings)

    def submit(
        self,
        message: dict[Any, Any],
        ttl_ms: int | None,
        received_ns: int,
        client: bytes,
        deliver: Deliver,
        *,
        alone: bool = False,
        reading: BatchReading | None = None,
    ) -> None:
        """Take up one window; `deliver` gets the item that answers it.

        Args:
            alone: nobody else waits, so that nobody minds if it is computed at once.
            reading: of which it is an item.

        Raises:
            WireError: it is refused.
        """
        if self.draining:
            raise draining()
        request = parse_forecast(message)
        lane = self._roster.find(request.model, request.symbol)
        if ttl_ms == 0:
            raise WireError(Code.EXPIRED, "`ttl_ms` is 0: give the milliseconds you will wait")
        if reading is not None:
            reading.make_room(lane.items.most_bytes)
        found = self._books.find(lane, request)
        if found is not None:
            outcome = Outcome(found[0], found[1], 0)
            self._answer(lane, request, outcome, received_ns, deliver, cached=True)
            return

        try:
            at_once = lane.answer_at_once(request, self._rounds.watchdog) if alone else None
            if at_once is None:
                self._queue(lane, request, ttl_ms, received_ns, client, deliver)
        except WireError:
            self._count_failed(lane)
            raise
        if at_once is not None:
            self._answer(lane, request, at_once, received_ns, deliver)
            lane.note_alone(at_once)

    def _queue(
        self,
        lane: Lane,
        request: ForecastRequest,
        ttl_ms: int | None,
        received_ns: int,
        client: bytes,
        deliver: Deliver,
    ) -> None:
        kept = _kept(request, lane.manifest.context)

        def finish(outcome: Outcome) -> None:
            if outcome.error is None:
                self._answer(lane, kept, outcome, received_ns, deliver)
                return
            self._count_failed(lane)
            self._telemetry.record_error(outcome.error.code)
            deliver(error_item(outcome.error))

        deadline_ns = None if ttl_ms is None else received_ns + ttl_ms * 1_000_000
        lane.submit(request, deadline_ns, finish, client, received_ns)
        self._rounds.add(lane)

    def _answer(
        self,
        lane: Lane,
        request: ForecastRequest,
        outcome: Outcome,
        received_ns: int,
        deliver: Deliver,
        *,
        cached: bool = False,
    ) -> None:
        server_us = (perf_counter_ns() - received_ns) // 1000
        quantiles, up, infer_us, _, _ = outcome
        item = lane.items.item(
            *(request.time, request.tf, quantiles, up, cached, infer_us, server_us, request.arrays)
        )
        deliver(item)
        self._books.note(lane, request, outcome, received_ns, server_us, cached=cached)

    def _count_failed(self, lane: Lane) -> None:
        self._telemetry.lane(lane.label).failed += 1


def _kept(request: ForecastRequest, context: int) -> ForecastRequest:
    """What must be known of a request when it is answered: no bars that neither the cache's key nor
    a chart takes, for thousands may wait, and each of their messages may have 16 MiB."""
    size = max(context, SHOWN_BARS) * request.columns * FLOAT64_BYTES
    if len(request.values) <= size:
        return request
    return request._replace(values=request.values[-size:])


def draining() -> WireError:
    """What those are told whom a daemon that stops does not answer."""
    return WireError(Code.DRAINING, "the daemon is stopping: ask again when it is back")
