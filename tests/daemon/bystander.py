"""A second client, to show that what one client does harms no other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from tests.daemon.peer import Peer, bits, forecast


class Bystander:
    """Keeps requests in flight from a thread of its own, and compares every answer.

    Args:
        peer: used by the thread alone from here on.
        items: windows to ask for, all of them at once, over and over.
        expected: the bits of the answers that an undisturbed daemon gave.
    """

    def __init__(
        self, peer: Peer, items: Sequence[dict[str, Any]], expected: Sequence[tuple[bytes, bytes]]
    ) -> None:
        self._peer, self._items, self._expected = peer, items, expected
        self._rounds = 0
        self._problem: BaseException | None = None
        self._in_flight, self._finish = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="bystander")

    def start(self) -> None:
        """Returns once requests are in flight."""
        self._thread.start()
        self._in_flight.wait()

    def finish(self) -> None:
        """Answers what is in flight and one more round; raises what went wrong."""
        self._finish.set()
        self._thread.join()
        if self._problem is not None:
            raise AssertionError("a second client was harmed") from self._problem
        assert self._rounds >= 2

    def _run(self) -> None:
        try:
            last = False
            while not last:
                last = self._finish.is_set()
                self._ask_all()
                self._rounds += 1
        except BaseException as problem:  # noqa: BLE001  (raised again in `finish`)
            self._problem = problem
        finally:
            self._in_flight.set()

    def _ask_all(self) -> None:
        messages = [forecast(item) for item in self._items]
        for message in messages:
            self._peer.send_message(message)
        self._in_flight.set()
        for message, expected in zip(messages, self._expected, strict=True):
            reply = self._peer.receive_message()
            assert reply["id"] == message["id"]
            assert bits(reply) == expected
