"""What each op does: bytes of a request in, bytes of its reply out, at once or through a lane."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from time import perf_counter_ns
from typing import Any

from bridge.bundles import default_model
from bridge.daemon.batch_reading import BatchReading
from bridge.daemon.books import Books, Keep
from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.lanes.batch import Outcome
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.rounds import Rounds
from bridge.daemon.lanes.watchdog import Watchdog
from bridge.daemon.roster import OnGone, Roster
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.snapshot import ServiceFacts
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack, peek_id, unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import (
    Envelope,
    ForecastRequest,
    error_reply,
    ok_reply,
    parse_envelope,
    parse_forecast,
    parse_items,
    request_id,
)
from bridge.wire.replies import error_item, reply_of

log = logging.getLogger(__name__)

Reply = Callable[[bytes], None]

_ITEMS_AT_ONCE = 16
_MOST_READINGS = 16  # batches that are read side by side; one more is read to its end at once


class Service:
    """The protocol over the loaded lanes. Knows no socket: replies go to the callable given.

    All methods are the loop's, but for `facts` and what `Roster` lets any thread read, and `close`.

    Args:
        lanes: in order; where two share a name, the name alone means the first.
        default: `name` or `name@version` of the model asked when a request names none; where
            None, the shipped one if it is among them, else the first.
        telemetry: counts.
        cache: answers what was computed before; None computes everything.
        keep: told of what enters the cache.

    Attributes:
        unread: how many requests wait that were not read yet.
        connections: how many clients are connected; None where nobody counts them.
    """

    def __init__(
        self,
        lanes: Iterable[Lane],
        default: str | None = None,
        *,
        telemetry: Telemetry | None = None,
        cache: ForecastCache | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.draining = False
        self.telemetry = telemetry or Telemetry()
        self.cache = cache
        self.unread: Callable[[], int] = lambda: 0
        self.connections: Callable[[], int | None] = lambda: None
        self._books = Books(self.telemetry, cache, keep)
        self._server = f"eabridge {version('eabridge')}"
        self._ring: Callable[[], None] = _nobody
        self._rounds = Rounds()
        self._readings: deque[BatchReading] = deque()
        loaded = tuple(lanes)
        self._roster = Roster(loaded, default or default_model([each.manifest for each in loaded]))
        self._attend()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Those that are served, in order."""
        return self._roster.lanes

    @property
    def models(self) -> tuple[dict[str, Any], ...]:
        """As `hello` tells of them."""
        return self._roster.models

    @property
    def default(self) -> Lane:
        """The lane that is meant where no model is named."""
        return self._roster.default

    @property
    def unnamed(self) -> str:
        """What was given as default: a name, or `name@version`."""
        return self._roster.unnamed

    @property
    def watchdog(self) -> Watchdog:
        """Ends what holds the loop up; whoever runs the loop starts and closes it."""
        return self._rounds.watchdog

    @property
    def queued(self) -> int:
        """Windows that wait, over all lanes."""
        return sum(map(len, self._roster.all_lanes))

    @property
    def is_working(self) -> bool:
        """Whether anything waits in a lane, or is still read or computed."""
        return bool(self._readings) or not all(lane.is_idle for lane in self._roster.all_lanes)

    def wake_with(self, ring: Callable[[], None]) -> None:
        """Have the loop woken by `ring` when a lane's worker is done."""
        self._ring = ring
        self._attend()

    def exchange(
        self,
        lanes: Sequence[Lane],
        *,
        default: str | None = None,
        replaced: Mapping[str, str] | None = None,
        on_gone: OnGone = lambda lane: None,
    ) -> None:
        """Serve exactly these lanes, in this order, from the next request on.

        A lane that was served and is not among them leaves: what waits for it is still answered by
        it; then `on_gone` is called with it, once, and nothing here holds it any longer.

        Args:
            default: what requests that name no model mean from now on; as before where None.
            replaced: label of a version that leaves to that which took its place, for whoever
                goes on asking for it.

        Raises:
            ValueError: a label twice, or no such default. Everything is as it was.
        """
        self._roster.exchange(lanes, default=default, replaced=replaced or {}, on_gone=on_gone)
        self._attend()
        self._let_go()

    def routed_to(self, lane: Lane) -> list[str]:
        """The symbols for which a lane answers in the place of its base."""
        return self._roster.routed_to(lane)

    def facts(self) -> ServiceFacts:
        """What is so at the moment. Any thread may ask."""
        health = "ready" if all(lane.state == "ready" for lane in self.lanes) else "degraded"
        return ServiceFacts(
            server=self._server,
            health="draining" if self.draining else health,
            queued=self.unread() + self.queued,
            connections=self.connections(),
            lanes=self._roster.lane_facts(),
        )

    def handle(
        self,
        body: bytes,
        reply: Reply,
        client: bytes = b"",
        received_ns: int | None = None,
        *,
        alone: bool = False,
    ) -> None:
        """Answer one request: before this returns, or from a lane's batch.

        Args:
            client: who asks: clients are served in turn.
            received_ns: when it came, by `perf_counter_ns`; now, where None.
            alone: nobody else waits, so that nobody minds if it is computed at once.
        """
        if received_ns is None:
            received_ns = perf_counter_ns()
        self.telemetry.record_request(received_ns)
        message: dict[str, Any] | None = None
        try:
            message = unpack(body)
            envelope = parse_envelope(message)
            op, request, ttl_ms = envelope
            if op == "forecast":

                def deliver(item: bytes) -> None:
                    reply(reply_of(request, item))

                self._submit(message, ttl_ms, received_ns, client, deliver, alone=alone)
            elif op == "forecast_batch":
                self._forecast_batch(message, envelope, received_ns, client, reply)
            elif op == "health":
                reply(pack(ok_reply(request, self._health())))
            elif op == "hello":
                reply(pack(ok_reply(request, self._hello())))
            else:
                raise WireError(
                    Code.UNKNOWN_OP,
                    f"there is no op '{op[:32]}': this daemon knows hello, health, forecast and "
                    "forecast_batch",
                )
        except WireError as error:
            self._refuse(_id_of(body, message), error, reply, client)
        except Exception:
            # The loop outlives any defect of ours: one client is told, the log has the rest.
            log.exception("internal error")
            text = "a defect of the daemon: its log says more"
            self._refuse(_id_of(body, message), WireError(Code.INTERNAL, text), reply, client)

    def refuse_envelope(self, reply: Reply, received_ns: int | None = None) -> None:
        """Answer frames that are not REQ's: the body among them is not even looked for."""
        self.telemetry.record_request(perf_counter_ns() if received_ns is None else received_ns)
        message = (
            "the envelope is not REQ's: send one empty delimiter frame and one body frame, as a "
            "REQ socket does by itself"
        )
        self._refuse(0, WireError(Code.BAD_MESSAGE, message), reply)

    def refuse_unread(self, body: bytes, error: WireError, reply: Reply, received_ns: int) -> None:
        """Answer a request with `error` that is not even read."""
        self.telemetry.record_request(received_ns)
        self._refuse(peek_id(body), error, reply)

    def run_waiting(self) -> bool:
        """Read some of the batches that were begun, and do some of what waits in the lanes.

        Returns:
            Whether there is more to do at once.
        """
        if self._readings:
            self.read_on()
        left = self._rounds.run()
        if self._books:
            self._books.enter()
        if self._roster.is_anyone_leaving:
            self._let_go()
        return left or bool(self._readings)

    def read_on(self) -> bool:
        """Read some items of a batch that was begun; whether there are more, of any batch."""
        if self._readings:
            reading = self._readings.popleft()
            if reading.read(_ITEMS_AT_ONCE):
                self._readings.append(reading)
        return bool(self._readings)

    def tick(self, now_ns: int) -> None:
        """Do what is due by the clock (`perf_counter_ns`); to be called many times a second."""
        self._rounds.tick(now_ns)

    def start_draining(self) -> None:
        """Refuse the forecasts that still wait, and from now on all that are asked."""
        self.draining = True
        while self.read_on():
            pass
        for lane in self._roster.all_lanes:
            lane.refuse_waiting(_draining())
        self._let_go()

    def refuse_flying(self) -> None:
        """Refuse the forecasts that workers still compute."""
        for lane in self._roster.all_lanes:
            lane.refuse_flying(_draining())
        self._let_go()

    def close(self) -> bool:
        """End the lanes, when the loop has; not for the loop.

        Returns:
            Whether all their threads have ended.
        """
        ended = [lane.close() for lane in self._roster.all_lanes]
        return all(ended)

    def _attend(self) -> None:
        """Have what the lanes do counted, and the loop woken by them."""
        for lane in self.lanes:
            lane.telemetry = self.telemetry.lane(lane.label)
            lane.ring_with(self._ring)

    def _let_go(self) -> None:
        for lane in self._roster.let_go():
            self._rounds.drop(lane)
            if all(lane.label != other.label for other in self.lanes):
                self.telemetry.drop_lane(lane.label)

    def _forecast_batch(
        self,
        message: dict[Any, Any],
        envelope: Envelope,
        received_ns: int,
        client: bytes,
        reply: Reply,
    ) -> None:
        ttl_ms = envelope.ttl_ms

        def submit(
            item: dict[Any, Any], deliver: Callable[[bytes], None], reading: BatchReading
        ) -> None:
            self._submit(item, ttl_ms, received_ns, client, deliver, reading=reading)

        reading = BatchReading(
            envelope.id,
            parse_items(message),
            message.get("arrays", False),
            submit,
            lambda error: self.telemetry.record_error(error.code),
            reply,
        )
        if len(self._readings) < _MOST_READINGS:
            if reading.read(_ITEMS_AT_ONCE):
                self._readings.append(reading)
        else:
            while reading.read(_ITEMS_AT_ONCE):
                pass

    def _submit(
        self,
        message: dict[Any, Any],
        ttl_ms: int | None,
        received_ns: int,
        client: bytes,
        deliver: Callable[[bytes], None],
        *,
        alone: bool = False,
        reading: BatchReading | None = None,
    ) -> None:
        """Read a forecast's map and queue it; `deliver` gets the item that answers it."""
        if self.draining:
            raise _draining()
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
        if alone:
            at_once = lane.answer_at_once(request, self.watchdog)
            if at_once is not None:
                self._answer(lane, request, at_once, received_ns, deliver)
                lane.note_alone(at_once)
                return

        def finish(outcome: Outcome) -> None:
            if outcome.error is None:
                self._answer(lane, request, outcome, received_ns, deliver)
                return
            self._count_failed(lane)
            self.telemetry.record_error(outcome.error.code)
            deliver(error_item(outcome.error))

        deadline_ns = None if ttl_ms is None else received_ns + ttl_ms * 1_000_000
        try:
            lane.submit(request, deadline_ns, finish, client, received_ns)
        except WireError:
            self._count_failed(lane)
            raise
        self._rounds.add(lane)

    def _answer(
        self,
        lane: Lane,
        request: ForecastRequest,
        outcome: Outcome,
        received_ns: int,
        deliver: Callable[[bytes], None],
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
        self.telemetry.lane(lane.label).failed += 1

    def _refuse(self, request: int, error: WireError, reply: Reply, client: bytes = b"") -> None:
        self.telemetry.record_error(error.code)
        if log.isEnabledFor(logging.DEBUG):
            told = {"request": request, "client": client.hex(), "code": error.code.value}
            log.debug("refused: %s", error.message, extra=told)
        reply(pack(error_reply(request, error)))

    def _health(self) -> dict[str, Any]:
        self._books.enter()
        p50_us, p99_us = self.telemetry.percentiles_us()
        return {
            "status": "draining" if self.draining else "ready",
            "uptime_s": self.telemetry.uptime_s,
            "requests": self.telemetry.requests,
            "errors": self.telemetry.failures,
            "queued": self.unread() + self.queued,
            "p50_us": p50_us,
            "p99_us": p99_us,
        }

    def _hello(self) -> dict[str, Any]:
        return {
            "server": self._server,
            "protocols": [PROTOCOL_VERSION],
            "models": self.models,
        }


def _id_of(body: bytes, message: dict[str, Any] | None) -> int:
    """The id to echo in an error: 0 where there is none, or none that can be echoed."""
    if message is None:
        return peek_id(body)
    try:
        return request_id(message)
    except WireError:
        return 0


def _draining() -> WireError:
    return WireError(Code.DRAINING, "the daemon is stopping: ask again when it is back")


def _nobody() -> None:
    """Where no loop waits."""
