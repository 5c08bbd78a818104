"""What each op does: bytes of a request in, bytes of its reply out, at once or through a lane."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from time import perf_counter_ns
from typing import Any

from bridge.bundles import default_model
from bridge.daemon.books import Books, Keep
from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.forecasting import Forecasting, draining
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.rounds import Rounds
from bridge.daemon.lanes.watchdog import Watchdog
from bridge.daemon.rate import Rate
from bridge.daemon.roster import OnGone, Roster
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.snapshot import ServiceFacts
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack, peek_id, unpack
from bridge.wire.errors import Code, WireError, internal_error
from bridge.wire.messages import error_reply, ok_reply, parse_envelope, request_id
from bridge.wire.replies import reply_of

log = logging.getLogger(__name__)

Reply = Callable[[bytes], None]


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
        rate: how much one client may ask; anything, where None.

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
        rate: Rate | None = None,
    ) -> None:
        self.telemetry = telemetry or Telemetry()
        self.unread: Callable[[], int] = lambda: 0
        self.connections: Callable[[], int | None] = lambda: None
        self._books = Books(self.telemetry, cache, keep)
        self._rate = rate
        self._server = f"eabridge {version('eabridge')}"
        self._ring: Callable[[], None] = _nobody
        self._rounds = Rounds()
        loaded = tuple(lanes)
        self._roster = Roster(loaded, default or default_model([each.manifest for each in loaded]))
        self._forecasting = Forecasting(
            self._roster, self._rounds, self._books, self.telemetry, rate
        )
        self._attend()

    @property
    def draining(self) -> bool:
        """Whether forecasts are refused, for the daemon is stopping."""
        return self._forecasting.draining

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Those that are served, in order."""
        return self._roster.lanes

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
        return self._forecasting.is_reading or not all(
            lane.is_idle for lane in self._roster.all_lanes
        )

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
            if self._rate is not None:
                self._rate.spend(client, 1, received_ns)
            message = unpack(body)
            op, request, ttl_ms = parse_envelope(message)
            if op == "forecast":

                def deliver(item: bytes) -> None:
                    reply(reply_of(request, item))

                self._forecasting.submit(message, ttl_ms, received_ns, client, deliver, alone=alone)
            elif op == "forecast_batch":
                self._forecasting.begin_batch(message, request, ttl_ms, received_ns, client, reply)
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
            self._refuse(_id_of(body, message), internal_error(), reply, client)

    def refuse_envelope(self, reply: Reply, client: bytes, received_ns: int) -> None:
        """Answer frames that are not REQ's: the body among them is not even looked for."""
        self.telemetry.record_request(received_ns)
        error = WireError(
            Code.BAD_MESSAGE,
            "the envelope is not REQ's: send one empty delimiter frame and one body frame, as a "
            "REQ socket does by itself",
        )
        try:
            if self._rate is not None:
                self._rate.spend(client, 1, received_ns)
        except WireError as busy:
            error = busy
        self._refuse(0, error, reply, client)

    def refuse_unread(self, body: bytes, error: WireError, reply: Reply, received_ns: int) -> None:
        """Answer a request with `error` that is not even read."""
        self.telemetry.record_request(received_ns)
        self._refuse(peek_id(body), error, reply)

    def run_waiting(self) -> bool:
        """Read some of the batches that were begun, and do some of what waits in the lanes.

        Returns:
            Whether there is more to do at once.
        """
        if self._forecasting.is_reading:
            self._read_on()
        left = self._rounds.run()
        if self._books:
            try:
                self._books.enter()
            except Exception:  # it was answered, whatever the defect: the loop goes on
                log.exception("internal error")
        if self._roster.is_anyone_leaving:
            self._let_go()
        return left or self._forecasting.is_reading

    def tick(self, now_ns: int) -> None:
        """Do what is due by the clock (`perf_counter_ns`); to be called many times a second."""
        self._rounds.tick(self._roster.all_lanes, now_ns)

    def start_draining(self) -> None:
        """Refuse all forecasts that are asked from now on; those that wait are still answered."""
        self._forecasting.draining = True

    def refuse_waiting(self) -> None:
        """Refuse the forecasts that still wait."""
        while self._forecasting.is_reading:
            self._read_on()
        for lane in self._roster.all_lanes:
            lane.refuse_waiting(draining())
        self._let_go()

    def refuse_flying(self) -> None:
        """Refuse the forecasts that workers still compute."""
        for lane in self._roster.all_lanes:
            lane.refuse_flying(draining())
        self._let_go()

    def close(self) -> bool:
        """End the lanes, when the loop has; not for the loop.

        Returns:
            Whether all their threads have ended.
        """
        ended = [lane.close() for lane in self._roster.all_lanes]
        return all(ended)

    def _read_on(self) -> None:
        try:
            self._forecasting.read_on()
        except Exception:  # of one batch, whatever the defect: the loop goes on
            log.exception("internal error")

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
            "models": self._roster.models,
        }


def _id_of(body: bytes, message: dict[str, Any] | None) -> int:
    """The id to echo in an error: 0 where there is none, or none that can be echoed."""
    if message is None:
        return peek_id(body)
    try:
        return request_id(message)
    except WireError:
        return 0


def _nobody() -> None:
    """Where no loop waits."""
