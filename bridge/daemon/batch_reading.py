"""A `forecast_batch` is read some items at a time, so that nobody waits for all 1024 of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from bridge.wire.codec import MAX_BODY_BYTES
from bridge.wire.errors import Code, WireError, internal_error
from bridge.wire.replies import error_item

log = logging.getLogger(__name__)

Deliver = Callable[[bytes], None]
Submit = Callable[[dict[Any, Any], Deliver, "BatchReading"], None]
"""Reads an item's map and queues it; raises WireError where it is refused."""

_MOST_REPLY_BYTES = MAX_BODY_BYTES - 1024 * 1024  # a message's limit holds for replies too


class BatchReading:
    """The items of one request, read in their order and answered together.

    Args:
        items: as they were unpacked.
        arrays: for the items that do not say it themselves.
        submit: where they go.
        refused: told of each item that is refused.
        finish: gets the items that answer them, when all have their answer.
    """

    def __init__(
        self,
        items: Sequence[Any],
        arrays: bool,
        submit: Submit,
        refused: Callable[[WireError], None],
        finish: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._items = deque(items)  # as long as they are not read: those that wait may be many
        self._arrays = arrays
        self._submit = submit
        self._refused = refused
        self._finish = finish
        self._answers = [b""] * len(items)
        self._missing = len(items)
        self._read = 0
        self._bytes = 0

    def read(self, count: int) -> bool:
        """Read the next items; whether any is left."""
        for _ in range(min(count, len(self._items))):
            index, self._read = self._read, self._read + 1
            self._read_item(index, self._items.popleft())
        return bool(self._items)

    def make_room(self, size: int) -> None:
        """Count the bytes of an item's answer; where it is refused after all, they are free again.

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
            if self._answers[index]:  # a defect came to light after it was answered
                return
            self._answers[index] = answer
            self._missing -= 1
            if not self._missing:
                self._finish(self._answers)

        before = self._bytes
        try:
            if not isinstance(item, dict):
                raise WireError(
                    Code.BAD_FIELD, f"`items[{index}]` is not a map: expected a forecast's map"
                )
            if self._arrays and "arrays" not in item:
                item["arrays"] = True
            self._submit(item, deliver, self)
            return
        except WireError as error:
            refusal = error.with_traceback(None)  # in which this very item is kept
        except Exception:
            # Whatever the defect, it is this item's alone: the others are answered.
            log.exception("internal error")
            refusal = internal_error()
        self._bytes = before
        self._refused(refusal)
        deliver(error_item(refusal))
