"""Holds every answer, refusal and silence against what was asked, what is served, what was done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.answers import Forecast
from bridge.wire.codec import is_int
from bridge.wire.errors import Code
from bridge.wire.messages import read_numbers
from tests.torture.excuses import DOWN, DRAINING, Excuses, failing
from tests.torture.record import Record
from tests.torture.shelf import Shelf
from tests.torture.wardrobe import Question, Wardrobe

PATIENCE_S = 45.0
"""How long an answer may take that nothing excuses: a hang is found, a slow machine is borne."""

_MOST_MESSAGE = 600
_CODES = {code.value for code in Code}


@dataclass(frozen=True)
class Asked:
    """A request for one forecast, and when it was sent (`monotonic`).

    Attributes:
        expected: the codes of which one must come, where it is asked for what must be refused.
        ttl_ms: as it was sent, for the whole message.
    """

    who: str
    id: int
    model: str | None
    symbol: str
    question: Question
    ttl_ms: int | None = None
    expected: tuple[str, ...] = ()
    sent: float = field(default_factory=time.monotonic)


class Judge:
    """One for all clients; thread-safe as what it asks is."""

    def __init__(self, wardrobe: Wardrobe, shelf: Shelf, excuses: Excuses, record: Record) -> None:
        self._wardrobe = wardrobe
        self.shelf = shelf
        self.excuses = excuses
        self.record = record

    def reply(self, asked: Asked, reply: Mapping[str, Any]) -> None:
        """The reply to a request for one forecast."""
        if reply.get("v") != 1 or reply.get("id") != asked.id:
            self._wrong(asked, f"v {reply.get('v')!r} and id {reply.get('id')!r} came back")
        else:
            self.item(asked, reply)

    def item(self, asked: Asked, reply: Mapping[str, Any]) -> None:
        """The same, or an item of a batch, whose `v` and `id` were judged."""
        if reply.get("ok") is True:
            self._answer(asked, reply)
        elif reply.get("ok") is False:
            self.refusal(asked, reply.get("code"), reply.get("message"))
        else:
            self._wrong(asked, f"`ok` is {reply.get('ok')!r}")

    def forecast(self, asked: Asked, forecast: Forecast) -> None:
        """What the Python client made of an answer."""
        reply = {**vars(forecast), "levels": list(forecast.levels)}
        reply["quantiles"] = forecast.quantiles.tobytes()
        reply["up"] = forecast.up.tobytes()
        self._answer(asked, reply)

    def refusal(self, asked: Asked, code: object, message: object) -> None:
        """An error, in place of a forecast."""
        if code not in _CODES:
            self._wrong(asked, f"{code!r} is no code of the protocol")
            return
        self.record.count(f"answers to {asked.who}", str(code))
        if not isinstance(message, str) or not 0 < len(message) < _MOST_MESSAGE:
            self._wrong(asked, f"{code} with the message {message!r}")
        elif "\n" in message or "Traceback" in message:
            self._wrong(asked, f"{code} with a message of several lines: {message!r}")
        elif not self._is_sensible(asked, Code(code)):
            self._wrong(asked, f"{code} for no reason: {message}")

    def silence(self, asked: Asked, what: str) -> None:
        """No answer came: the connection broke, or the time was over."""
        self.record.count(f"answers to {asked.who}", "(none)")
        if not self.excuses.covers(DOWN, asked.sent):
            after = time.monotonic() - asked.sent
            self._wrong(asked, f"no answer: {what}, after {after:.1f} s in which it was up")

    def hung_up(self, who: str, since: float, what: str) -> None:
        """A connection that was open, or tried, since then was cut or refused."""
        if not self.excuses.covers(DOWN, since):
            self.record.violation(f"{who}: {what}, though the daemon was up")

    def _answer(self, asked: Asked, reply: Mapping[str, Any]) -> None:
        now = time.monotonic()
        label = reply.get("model")
        piece = self._wardrobe.by_label.get(str(label))
        self.record.count(f"answers to {asked.who}", "ok, cached" if reply.get("cached") else "ok")
        if asked.expected:
            self._wrong(asked, f"it was answered, and should be refused: {asked.expected}")
            return
        answering = self.shelf.answering(asked.model, asked.symbol, asked.sent, now)
        if piece is None or label not in answering.labels:
            self._wrong(asked, f"{label} answered, where {sorted(answering.labels)} may")
            return
        manifest = piece.bundle.manifest
        if (reply["time"], reply["tf"]) != (asked.question.time, manifest.tf):
            self._wrong(asked, f"time {reply['time']} and tf {reply['tf']} came back")
        if (reply["horizon"], tuple(reply["levels"])) != (manifest.horizon, manifest.levels):
            self._wrong(asked, f"horizon {reply['horizon']} and levels {reply['levels']}")
        bits = (read_numbers(reply["quantiles"]), read_numbers(reply["up"]))
        if bits != piece.bits[asked.question.number]:
            known = [
                f"{other.label} on question {number}"
                for other in self._wardrobe.by_label.values()
                for number, each in enumerate(other.bits)
                if each == bits
            ]
            self._wrong(
                asked,
                f"{label} answers otherwise than offline (cached: {reply['cached']}); this is the "
                f"answer of {known or 'nobody'}",
            )
        took_us = (now - asked.sent) * 1e6
        times = (reply["infer_us"], reply["server_us"])
        if not all(is_int(each) and 0 <= each <= took_us + 1000 for each in times):
            self._wrong(asked, f"infer_us and server_us are {times}, and it took {took_us:.0f}")

    def _is_sensible(self, asked: Asked, code: Code) -> bool:
        now = time.monotonic()
        if code is Code.DRAINING:
            return self.excuses.covers(DRAINING, asked.sent, now)
        if asked.expected:
            return code.value in asked.expected
        answering = self.shelf.answering(asked.model, asked.symbol, asked.sent, now)
        if code is Code.EXPIRED:
            return asked.ttl_ms is not None and (now - asked.sent) * 1000 >= asked.ttl_ms
        if code is Code.UNKNOWN_MODEL:
            return answering.may_be_unknown
        if code is Code.MODEL_FAILED:
            by_label = self._wardrobe.by_label
            names = {by_label[label].name for label in answering.labels if label in by_label}
            return any(self.excuses.covers(failing(name), asked.sent, now) for name in names)
        return False  # nothing else is an answer to what these clients ask

    def _wrong(self, asked: Asked, what: str) -> None:
        ttl = "" if asked.ttl_ms is None else f", ttl_ms {asked.ttl_ms}"
        self.record.violation(
            f"{asked.who}: asked {asked.model or 'the default'} for {asked.symbol or 'no symbol'}, "
            f"question {asked.question.number}, id {asked.id}{ttl}: {what}"
        )
