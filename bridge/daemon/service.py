"""What each op does: bytes of a request in, bytes of its reply out, at once or through a lane."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib.metadata import version
from time import perf_counter_ns
from typing import Any

from bridge.bundles import default_model
from bridge.daemon.lane import Lane, Outcome
from bridge.daemon.routes import Routes
from bridge.daemon.stats import Stats
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack, peek_id, unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import (
    Envelope,
    error_fields,
    error_reply,
    numbers,
    ok_reply,
    parse_envelope,
    parse_forecast,
    parse_items,
    request_id,
)

log = logging.getLogger(__name__)

Reply = Callable[[bytes], None]


class Service:
    """The protocol over the loaded lanes. Knows no socket: replies go to the callable given.

    Args:
        lanes: in order; where two share a name, the name alone means the first.
        default: `name` or `name@version` of the model asked when a request names none; where
            None, the shipped one if it is among them, else the first.
    """

    def __init__(self, lanes: Iterable[Lane], default: str | None = None) -> None:
        self.draining = False
        self.stats = Stats()
        self._server = f"eabridge {version('eabridge')}"
        self._leaving: list[tuple[Lane, Callable[[], None]]] = []
        loaded = list(lanes)
        self._unnamed = default or default_model([lane.manifest for lane in loaded])
        self._serve(loaded)

    def add_lane(self, lane: Lane) -> None:
        """Serve one more model, from the next request on. To be called from the server's loop.

        Raises:
            ValueError: this very version is served already.
        """
        if any(lane.label == other.label for other in self.lanes):
            raise ValueError(f"{lane.label} is served already")
        self._serve([*self.lanes, lane])

    def remove_lane(self, label: str, on_gone: Callable[[], None] = lambda: None) -> None:
        """Serve a model no more, from the next request on. To be called from the server's loop.

        What waits for it is still answered; then `on_gone` is called, and nothing here holds it
        any longer.

        Raises:
            ValueError: no such model, or requests that name none would be left without one.
        """
        leaving = next((lane for lane in self.lanes if lane.label == label), None)
        if leaving is None:
            raise ValueError(f"there is no {label}: this daemon has {self._labels()}")
        self._serve([lane for lane in self.lanes if lane is not leaving])
        self._leaving.append((leaving, on_gone))
        self._let_go()

    def routed_to(self, lane: Lane) -> list[str]:
        """The symbols for which a lane answers in the place of its base."""
        return [
            symbol
            for model, route in self._by_model.items()
            for symbol, specialist in route.by_symbol.items()
            if specialist is lane and model is not None  # which is another name for one of them
        ]

    def _serve(self, lanes: list[Lane]) -> None:
        """Let requests find these lanes; on an error, those before."""
        routes = Routes(lanes)
        unnamed = routes.by_model.get(self._unnamed)
        if unnamed is None:
            known = ", ".join(lane.label for lane in lanes) or "none"
            raise ValueError(
                f"'{self._unnamed}' is to answer requests that name no model, and there would be: "
                f"{known}"
            )
        routes.by_model[None] = unnamed
        self.lanes, self._by_model = lanes, routes.by_model
        self.default = unnamed.base
        self._models = [self._describe(lane) for lane in lanes]

    def _let_go(self) -> None:
        for entry in [entry for entry in self._leaving if not len(entry[0])]:
            self._leaving.remove(entry)
            entry[1]()

    def handle(self, body: bytes, reply: Reply) -> None:
        """Answer one request: before this returns, or from a lane's batch."""
        received_ns = perf_counter_ns()
        self.stats.requests += 1
        request = 0
        try:
            try:
                message = unpack(body)
            except WireError:
                request = peek_id(body)
                raise
            request = request_id(message)
            envelope = parse_envelope(message)
            if envelope.op == "forecast":
                self._forecast(message, envelope, received_ns, reply)
            elif envelope.op == "forecast_batch":
                self._forecast_batch(message, envelope, received_ns, reply)
            elif envelope.op == "health":
                reply(pack(ok_reply(request, self._health())))
            elif envelope.op == "hello":
                reply(pack(ok_reply(request, self._hello())))
            else:
                raise WireError(
                    Code.UNKNOWN_OP,
                    f"there is no op '{envelope.op[:32]}': this daemon knows hello, health, "
                    "forecast and forecast_batch",
                )
        except WireError as error:
            self._refuse(request, error, reply)
        except Exception:
            # The loop outlives any defect of ours: one client is told, the log has the rest.
            log.exception("internal error")
            message_text = "a defect of the daemon: its log says more"
            self._refuse(request, WireError(Code.INTERNAL, message_text), reply)

    def refuse_envelope(self, reply: Reply) -> None:
        """Answer frames that are not REQ's: the body among them is not even looked for."""
        self.stats.requests += 1
        message = (
            "the envelope is not REQ's: send one empty delimiter frame and one body frame, as a "
            "REQ socket does by itself"
        )
        self._refuse(0, WireError(Code.BAD_MESSAGE, message), reply)

    def run_waiting(self) -> bool:
        """Run one batch of each lane that has work; whether any is left."""
        left = False
        for lane in self.lanes:
            if len(lane):
                lane.run_batch()
                left = left or len(lane) > 0
        if self._leaving:
            left = self._run_leaving() or left
        return left

    def _run_leaving(self) -> bool:
        for lane, _ in self._leaving:
            lane.run_batch()
        self._let_go()
        return bool(self._leaving)

    def start_draining(self) -> None:
        """Refuse the forecasts that still wait, and from now on all that are asked."""
        self.draining = True
        for lane in (*self.lanes, *(lane for lane, _ in self._leaving)):
            lane.refuse_waiting(_draining())
        self._let_go()

    @property
    def queued(self) -> int:
        """Windows that wait, over all lanes."""
        return sum(map(len, self.lanes)) + sum(len(lane) for lane, _ in self._leaving)

    def _labels(self) -> str:
        return ", ".join(lane.label for lane in self.lanes)

    def _forecast(
        self, message: dict[Any, Any], envelope: Envelope, received_ns: int, reply: Reply
    ) -> None:
        def deliver(fields: dict[str, Any]) -> None:
            reply(pack({"v": PROTOCOL_VERSION, "id": envelope.id, **fields}))

        self._submit(message, envelope.ttl_ms, received_ns, deliver)

    def _forecast_batch(
        self, message: dict[Any, Any], envelope: Envelope, received_ns: int, reply: Reply
    ) -> None:
        items = parse_items(message)
        answers: list[dict[str, Any] | None] = [None] * len(items)
        missing = len(items)

        def deliver(index: int, fields: dict[str, Any]) -> None:
            nonlocal missing
            answers[index] = fields
            missing -= 1
            if not missing:
                reply(pack(ok_reply(envelope.id, {"items": answers})))

        arrays = message.get("arrays", False)
        for index, item in enumerate(items):

            def to_index(fields: dict[str, Any], index: int = index) -> None:
                deliver(index, fields)

            try:
                if not isinstance(item, dict):
                    raise WireError(
                        Code.BAD_FIELD, f"`items[{index}]` is not a map: expected a forecast's map"
                    )
                if "arrays" not in item and arrays:
                    item["arrays"] = arrays
                self._submit(item, envelope.ttl_ms, received_ns, to_index)
            except WireError as error:
                self.stats.errors += 1
                to_index(error_fields(error))

    def _submit(
        self,
        message: dict[Any, Any],
        ttl_ms: int | None,
        received_ns: int,
        deliver: Callable[[dict[str, Any]], None],
    ) -> None:
        """Read a forecast's map and queue it; `deliver` gets the fields of its reply."""
        if self.draining:
            raise _draining()
        request = parse_forecast(message)
        route = self._by_model.get(request.model)
        if route is None:
            asked = (request.model or "")[:80]
            raise WireError(
                Code.UNKNOWN_MODEL,
                f"there is no model '{asked}': this daemon has {self._labels()}; one that was "
                "written since it started is there when it starts again",
            )
        lane = route[request.symbol]
        if ttl_ms == 0:
            raise WireError(Code.EXPIRED, "`ttl_ms` is 0: give the milliseconds you will wait")
        deadline_ns = None if ttl_ms is None else received_ns + ttl_ms * 1_000_000

        def finish(outcome: Outcome) -> None:
            if outcome.error is not None or outcome.quantiles is None or outcome.up is None:
                self.stats.errors += 1
                error = outcome.error or WireError(Code.INTERNAL, "no outcome")
                deliver(error_fields(error))
                return
            server_us = (perf_counter_ns() - received_ns) // 1000
            self.stats.record(server_us)
            deliver(
                {
                    "ok": True,
                    "model": lane.label,
                    "time": request.time,
                    "tf": request.tf,
                    "horizon": lane.manifest.horizon,
                    "levels": lane.manifest.levels,
                    "quantiles": numbers(outcome.quantiles.tobytes(), request.arrays),
                    "up": numbers(outcome.up.tobytes(), request.arrays),
                    "cached": False,
                    "infer_us": outcome.infer_us,
                    "server_us": server_us,
                }
            )

        lane.submit(request, deadline_ns, finish)

    def _refuse(self, request: int, error: WireError, reply: Reply) -> None:
        self.stats.errors += 1
        reply(pack(error_reply(request, error)))

    def _health(self) -> dict[str, Any]:
        p50_us, p99_us = self.stats.percentiles_us()
        return {
            "status": "draining" if self.draining else "ready",
            "uptime_s": self.stats.uptime_s,
            "requests": self.stats.requests,
            "errors": self.stats.errors,
            "queued": self.queued,
            "p50_us": p50_us,
            "p99_us": p99_us,
        }

    def _hello(self) -> dict[str, Any]:
        return {
            "server": self._server,
            "protocols": [PROTOCOL_VERSION],
            "models": self._models,
        }

    def _describe(self, lane: Lane) -> dict[str, Any]:
        manifest = lane.manifest
        return {
            "name": manifest.name,
            "version": manifest.version,
            "task": manifest.task,
            "inputs": manifest.inputs,
            "context": manifest.context,
            "horizon": manifest.horizon,
            "levels": manifest.levels,
            "tf": manifest.tf,
            "symbols": manifest.symbols,
            "default": lane is self.default,
        }


def _draining() -> WireError:
    return WireError(Code.DRAINING, "the daemon is stopping: ask again when it is back")
