"""A `forecast_batch` is read some items at a time, so that nobody waits for all 1024 of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bridge.wire.codec import MAX_BODY_BYTES
from bridge.wire.errors import Code, WireError
from bridge.wire.replies import batch_reply, error_item

Deliver = Callable[[bytes], None]
Submit = Callable[[dict[Any, Any], Deliver, "BatchReading"], None]
"""Reads an item's map and queues it; raises WireError where it is refused."""

_MOST_REPLY_BYTES = MAX_BODY_BYTES - 1024 * 1024  # a message's limit holds for replies too


class BatchReading:
    """The items of one request, read in their order and answered together.

    Args:
        request: its id.
        items: as they were unpacked.
        arrays: for the items that do not say it themselves.
        submit: where they go.
        refused: told of each item that is refused.
        reply: gets the reply, when all items have their answer.
    """

    def __init__(
        self,
        request: int,
        items: Sequence[Any],
        arrays: bool,
        submit: Submit,
        refused: Callable[[WireError], None],
        reply: Callable[[bytes], None],
    ) -> None:
        self._request = request
        self._items = items
        self._arrays = arrays
        self._submit = submit
        self._refused = refused
        self._reply = reply
        self._answers = [b""] * len(items)
        self._missing = len(items)
        self._read = 0
        self._bytes = 0

    def read(self, count: int) -> bool:
        """Read the next items; whether any is left."""
        first, self._read = self._read, min(self._read + count, len(self._items))
        for index in range(first, self._read):
            self._read_item(index, self._items[index])
        return self._read < len(self._items)

    def make_room(self, size: int) -> None:
        """Count the bytes of an answer.

        Raises:
            WireError: `too_large`: it would make the reply larger than a message may be.
        """
        if self._bytes + size > _MOST_REPLY_BYTES:
            raise WireError(
                Code.TOO_LARGE,
                f"with this item the reply would have over {_MOST_REPLY_BYTES:,} bytes: ask for "
                "fewer at once",
            )
        self._bytes += size

    def _read_item(self, index: int, item: Any) -> None:
        def deliver(answer: bytes) -> None:
            self._answers[index] = answer
            self._missing -= 1
            if not self._missing:
                self._reply(batch_reply(self._request, self._answers))

        try:
            if not isinstance(item, dict):
                raise WireError(
                    Code.BAD_FIELD, f"`items[{index}]` is not a map: expected a forecast's map"
                )
            if self._arrays and "arrays" not in item:
                item["arrays"] = True
            self._submit(item, deliver, self)
        except WireError as error:
            self._refused(error)
            deliver(error_item(error))
