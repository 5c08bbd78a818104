"""Clients that ask without end, each in a thread of its own, and have every answer judged."""

from __future__ import annotations

import itertools
import random
import socket
import threading
import time
from array import array
from collections.abc import Sequence
from typing import Any

import msgpack
import zmq

from bridge.client import Client, ClientError, DaemonError, Unreachable
from bridge.wire.errors import Code
from tests.bench.framing import Zmtp
from tests.torture.excuses import DOWN
from tests.torture.judge import PATIENCE_S, Asked, Judge
from tests.torture.wardrobe import (
    BASE,
    SLOW,
    SMALL,
    SPECIALISTS,
    TF,
    TORCH_ADAPTER,
    TORCH_BASE,
    Wardrobe,
)

SYMBOLS = ("EURGBP", "EURGBPm", "USDCHF.r", "GBPUSD", "XAUUSD", "", "eurgbp", "USDCHFX")
_AGAIN_S = 0.05
_PAUSES_S = (0.0, 0.001, 0.01, 0.03)
_TOLD_S = 5.0  # how soon after a restart the peers of a library have to be back
_ids = itertools.count(1)


class Asker(threading.Thread):
    """Asks until `finish`. What it raises, its own defects included, is a violation.

    Args:
        who: names its kind, in reports.
    """

    def __init__(
        self, who: str, endpoint: str, wardrobe: Wardrobe, judge: Judge, seed: int
    ) -> None:
        super().__init__(name=who, daemon=True)
        self.who = who
        self._endpoint = endpoint
        self._wardrobe = wardrobe
        self._judge = judge
        self._draw = random.Random(seed)
        self._over = threading.Event()

    def finish(self) -> None:
        """Ask no more; `join` waits for the answer to what was asked."""
        self._over.set()

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._ask()
                pause = self._draw.choice(_PAUSES_S)
                if pause:
                    self._over.wait(pause)
        except Exception as error:  # noqa: BLE001  (of a thread nobody else would hear)
            self._judge.record.violation(f"{self.who}: {type(error).__name__}: {error}")
        finally:
            self.close()

    def _ask(self) -> None:
        """Ask once, or a few times at once, and have the answers judged."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the connection."""

    def _pose(self, ttl_ms: int | None = None, **fields: Any) -> Asked:
        """A question to a model that there is."""
        model, kind = self._choose()
        question = self._draw.choice(self._wardrobe.questions[kind])
        symbol = self._draw.choice(SYMBOLS)
        return Asked(self.who, next(_ids), model, symbol, question, ttl_ms, **fields)

    def _choose(self) -> tuple[str | None, str]:
        """A model as it is asked for, and the name of one that takes the same windows."""
        names: list[str | None] = [None, None, BASE, BASE, *SPECIALISTS, SMALL, SLOW]
        if self._wardrobe.has_torch:
            names += [TORCH_BASE, TORCH_ADAPTER]
        name = self._draw.choice(names)
        if name is not None and self._draw.random() < 0.2:  # this very version of it
            served = [label for label in self._judge.shelf.sure if label.startswith(f"{name}@")]
            if served:
                return served[0], name
        return name, name or BASE

    def _message(self, asked: Asked) -> dict[str, Any]:
        """A request, its window in one of the forms that there are."""
        message: dict[str, Any] = {"v": 1, "op": "forecast", "id": asked.id, **self._item(asked)}
        if asked.ttl_ms is not None:
            message["ttl_ms"] = asked.ttl_ms
        return message

    def _item(self, asked: Asked) -> dict[str, Any]:
        item: dict[str, Any] = {"tf": TF, "time": asked.question.time, "symbol": asked.symbol}
        if asked.model is not None:
            item["model"] = asked.model
        name = (asked.model or BASE).partition("@")[0]
        field, values = "ohlc", asked.question.ohlc
        takes_closes = name not in (BASE, *SPECIALISTS)
        if takes_closes and self._draw.random() < 0.5:
            field, values = "close", asked.question.closes
        item[field] = array("d", values).tolist() if self._draw.random() < 0.1 else values
        if self._draw.random() < 0.1:
            item["arrays"] = True
        return item


class Plain(Asker):
    """A REQ peer on a plain socket, as an EA is one."""

    _socket: socket.socket | None = None
    _since = 0.0

    def _ask(self) -> None:
        asked = self._pose()
        reply = self._round_trip(asked, self._message(asked))
        if reply is not None:
            self._judge.reply(asked, reply)

    def _round_trip(self, asked: Asked, message: dict[str, Any]) -> dict[str, Any] | None:
        """None where nothing was asked, or no answer came, which is judged then."""
        return self._exchange(asked, msgpack.packb(message))

    def _exchange(self, asked: Asked, body: bytes) -> dict[str, Any] | None:
        connection = self._socket or self._connect()
        if connection is None:
            self._over.wait(_AGAIN_S)
            return None
        framing, buffer = Zmtp(), bytearray()
        try:
            connection.sendall(framing.request(body))
            while True:
                more = connection.recv(1 << 16)
                if not more:
                    raise ConnectionResetError("the connection was closed")
                buffer += more
                if (answer := framing.take(buffer)) is not None:
                    if buffer:
                        self._judge.record.violation(f"{self.who}: more came than was asked for")
                    reply: dict[str, Any] = msgpack.unpackb(answer)
                    return reply
        except OSError as error:
            self.close()
            if not self._judge.excuses.covers(DOWN, self._since):
                self._judge.silence(asked, str(error))
            else:
                self._judge.record.count(f"answers to {self.who}", "(none)")
            return None

    def _connect(self) -> socket.socket | None:
        port = int(self._endpoint.rpartition(":")[2])
        self._since = time.monotonic()
        connection = None
        try:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Zmtp().greet(connection)
        except (OSError, AssertionError) as error:
            if connection is not None:
                connection.close()
            self._judge.hung_up(self.who, self._since, f"it could not connect ({error})")
            return None
        self._socket = connection
        return connection

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Prober(Plain):
    """Asks when it is told to: is this version there, and does it answer as it should?"""

    def answers(self, label: str) -> str:
        """Empty if it does, else what came."""
        name = label.partition("@")[0]
        question = self._draw.choice(self._wardrobe.questions[name])
        asked = Asked(self.who, next(_ids), label, "", question)
        reply = self._round_trip(asked, self._message(asked))
        if reply is None:
            return f"{label} gave no answer"
        if not reply.get("ok"):
            return f"{label} answered {reply.get('code')}: {reply.get('message')}"
        self._judge.reply(asked, reply)
        return ""

    def ask_to_hang(self) -> None:
        """Have the slow model compute without end; returns when that is given up."""
        asked = Asked(self.who, next(_ids), SLOW, "", self._wardrobe.hanging)
        reply = self._round_trip(asked, self._message(asked))
        if reply is not None:
            self._judge.reply(asked, reply)


class Hurried(Plain):
    """Asks for what can hardly be in time: it is answered, or told `expired` when it is so late."""

    def _ask(self) -> None:
        ttl_ms = self._draw.choice([0, 1, 1, 2, 5, 20, 100])
        asked = self._pose(ttl_ms, expected=("expired", "unknown_model") if ttl_ms == 0 else ())
        reply = self._round_trip(asked, self._message(asked))
        if reply is not None:
            self._judge.reply(asked, reply)


class Batches(Plain):
    """Asks for many at once, some of which must be refused."""

    def _ask(self) -> None:
        count = self._draw.choice([1, 3, 10, 40, 150])
        items, asked = [], []
        for _ in range(count):
            one = self._pose()
            if one.model is not None and one.model.partition("@")[0] == SLOW and items:
                continue  # one is enough
            item = self._item(one)
            if self._draw.random() < 0.1:
                expected, spoiled = self._draw.choice(_SPOILS)
                item = {**item, **spoiled}
                one = Asked(*(one.who, one.id, one.model, one.symbol, one.question, None, expected))
            items.append(item)
            asked.append(one)
        message = {"v": 1, "op": "forecast_batch", "id": asked[0].id, "items": items}
        reply = self._round_trip(asked[0], message)
        if reply is None:
            return
        if not reply.get("ok") or reply.get("id") != asked[0].id:
            self._judge.reply(asked[0], reply)
            return
        if len(reply["items"]) != len(asked):
            self._judge.record.violation(
                f"{self.who}: {len(asked)} items were asked, {len(reply['items'])} answered"
            )
        for one, item in zip(asked, reply["items"], strict=False):
            self._judge.item(one, item)


_SPOILS: Sequence[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("bad_field",), {"tf": 0}),
    (("bad_field",), {"symbol": 7}),
    (("bad_field",), {"time": "now"}),
    (("bad_field",), {"ohlc": b"", "close": b""}),
    (("unknown_model",), {"model": "nobody"}),
    (("unknown_model",), {"model": f"{BASE}@000000000000"}),
]


class Wrong(Plain):
    """Asks what must be refused, each for its own reason."""

    def _ask(self) -> None:
        asked = self._pose()
        question = asked.question
        good = {**self._message(asked), "model": BASE, "ohlc": question.ohlc, "arrays": False}
        good.pop("close", None)
        packed = msgpack.packb(good)
        long = {**good, "ohlc": self._wardrobe.questions[BASE][0].ohlc}
        bodies: list[tuple[str, bytes | dict[str, Any]]] = [
            ("bad_message", packed[: self._draw.randrange(1, len(packed))]),
            ("bad_message", packed + b"\x00"),
            ("bad_message", b"\xc1" * 9),
            ("bad_version", {**good, "v": 2}),
            ("bad_version", {key: good[key] for key in good if key != "v"}),
            ("unknown_op", {**good, "op": "forget"}),
            ("bad_field", {**good, "op": 1}),
            ("bad_field", {**good, "ttl_ms": -1}),
            ("bad_field", {**good, "symbol": "X" * 33}),
            ("short_window", {**good, "ohlc": question.ohlc[-32:]}),
            ("bad_values", {**good, "ohlc": question.ohlc + b"x"}),
            ("bad_values", {**long, "ohlc": bytes(32 * 128)}),
            ("wrong_timeframe", {**long, "tf": 60}),
            ("unknown_model", {**good, "model": "nobody"}),
            ("too_large", {"v": 1, "op": "forecast_batch", "id": asked.id, "items": [{}] * 1025}),
        ]
        code, body = self._draw.choice(bodies)
        # Of a body that is cut short the id may be lost.
        asked = Asked(*(self.who, asked.id, BASE, "", question, None, (code,)))
        reply = self._exchange(asked, body if isinstance(body, bytes) else msgpack.packb(body))
        if reply is None:
            return
        if code == "bad_message" and reply.get("id") == 0:
            self._judge.item(asked, reply)
        else:
            self._judge.reply(asked, reply)


class Pipelined(Asker):
    """A DEALER that has several requests on their way at a time."""

    _context: zmq.Context[zmq.Socket[bytes]] | None = None
    _socket: zmq.Socket[bytes] | None = None

    def _ask(self) -> None:
        socket = self._socket or self._connect()
        since = time.monotonic()
        waiting: dict[int, Asked] = {}
        for _ in range(self._draw.randrange(1, 12)):
            asked = self._pose(self._draw.choice([None, None, 60_000]))
            socket.send_multipart([b"", msgpack.packb(self._message(asked))])
            waiting[asked.id] = asked
        until = time.monotonic() + PATIENCE_S
        while waiting:
            if socket.poll(200):
                self._take(socket, waiting)
                continue
            broke = self._judge.excuses.covers(DOWN, since)
            is_over = broke and not self._judge.excuses.covers(DOWN, time.monotonic() - _TOLD_S)
            if is_over or time.monotonic() > until:  # they were lost with the daemon, if any was
                for asked in waiting.values():
                    self._judge.silence(asked, f"one of {len(waiting)} that wait")
                self.close()
                return
            if broke:
                until = time.monotonic() + PATIENCE_S

    def _take(self, socket: zmq.Socket[bytes], waiting: dict[int, Asked]) -> None:
        frames = socket.recv_multipart()
        reply = msgpack.unpackb(frames[-1])
        asked = waiting.pop(reply.get("id"), None)
        if len(frames) != 2 or frames[0] or asked is None:
            self._judge.record.violation(f"{self.who}: nobody asked for {str(frames)[:300]}")
            return
        self._judge.reply(asked, reply)

    def _connect(self) -> zmq.Socket[bytes]:
        self._context = self._context or zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(self._endpoint)
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._over.is_set() and self._context is not None:
            self._context.term()


class Library(Asker):
    """`bridge.Client`, which asks again where no answer comes."""

    _client: Client | None = None

    def _ask(self) -> None:
        if self._client is None or self._draw.random() < 0.02:
            self.close()
            model, _ = self._choose()
            self._client = Client(self._endpoint, model=model, timeout_ms=10_000, retries=2)
        client = self._client
        name = (client.model or BASE).partition("@")[0]
        count = self._draw.choice([1, 1, 1, 3])
        asked = [
            Asked(self.who, 0, client.model, symbol, question, client.timeout_ms)
            for symbol, question in zip(
                self._draw.choices(SYMBOLS, k=count),
                self._draw.choices(self._wardrobe.questions[name], k=count),
                strict=True,
            )
        ]
        bars = [each.question.as_bars(each.symbol) for each in asked]
        try:
            answers = [client.forecast(bars[0])] if count == 1 else client.forecast_batch(bars)
        except DaemonError as error:
            answers = [error] * count
        except Unreachable as error:
            for each in asked:
                self._judge.silence(each, str(error))
            return
        except ClientError as error:
            self._judge.record.violation(f"{self.who}: {error}")
            return
        for each, answer in zip(asked, answers, strict=True):
            if isinstance(answer, DaemonError):
                self._judge.refusal(each, answer.code.value, answer.message)
                if answer.code is Code.UNKNOWN_MODEL:
                    self.close()
            else:
                self._judge.forecast(each, answer)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


KINDS: Sequence[tuple[str, type[Asker], int]] = [
    ("plain sockets", Plain, 3),
    ("hurried ones", Hurried, 2),
    ("batches", Batches, 1),
    ("wrong requests", Wrong, 1),
    ("pipelines", Pipelined, 2),
    ("bridge.Client", Library, 2),
]


def askers(endpoint: str, wardrobe: Wardrobe, judge: Judge, draw: random.Random) -> list[Asker]:
    """All of them, not started yet."""
    return [
        kind(who, endpoint, wardrobe, judge, draw.randrange(1 << 30))
        for who, kind, count in KINDS
        for _ in range(count)
    ]
