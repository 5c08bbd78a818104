"""The forecast cache: what was computed once is answered again, bit for bit.

A key is a digest of all that decides an answer: the model's label (its version hashes its very
content), the timeframe, the time, and the bars that the model reads: their bytes, and whether they
are closes or rows of open, high, low, close. So the same window hits whether it came as `bin` or as
an array of numbers, with older bars before it or without, and whatever symbol it was asked for. A
key covers all that was checked before the answer was computed, so a window that would be refused
is never answered from here.

Entries of a model that is gone need not be told to leave: nobody asks for them, so they are the
first to go when there is need of room, and a version that comes back finds them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from threading import Lock

from bridge.wire.messages import FLOAT64_BYTES, ForecastRequest

DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024

TAG_BYTES = 8
DIGEST_BYTES = 24
KEY_BYTES = TAG_BYTES + DIGEST_BYTES
"""A key is the tag of its model, then the digest: 192 bits, too many to find two windows alike."""

CachedForecast = tuple[bytes, bytes, int]
"""Quantiles [H, Q] and up [H] as float64 bytes, and the microseconds that the model took.

A bare tuple: the garbage collector ceases to walk one that holds nothing but bytes and numbers, and
there may be a hundred thousand.
"""

_SALT = Struct("<IqB")
_ENTRY_BYTES = 480  # key, tuple, number, headers of two bytes objects, places in table and list


class ForecastCache:
    """The most recently used forecasts, within a limit of memory.

    `get` and `put` are the loop's. `add_older` may be called from another thread meanwhile.

    Args:
        limit_bytes: of all entries, with what Python needs to hold them; 0 keeps none.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[bytes, CachedForecast] = OrderedDict()  # least recent first
        self._lock = Lock()  # of whoever changes what there is; `get` changes its order alone

    @property
    def entries(self) -> int:
        return len(self._entries)

    @staticmethod
    def key(label: str, context: int, request: ForecastRequest) -> bytes:
        """What `request` is kept under.

        Needs no checks before: a window that they refuse is never put, so it is never found.

        Args:
            label: `name@version` of the model that answers.
            context: how many bars it reads; older ones decide nothing.
            request: its symbol decides nothing either.
        """
        values: bytes | memoryview = request.values
        size = context * request.columns * FLOAT64_BYTES
        if len(values) > size:
            values = memoryview(values)[-size:]
        tag = model_tag(label)
        salt = _SALT.pack(request.tf, request.time, request.columns)
        return tag + blake2b(values, digest_size=DIGEST_BYTES, salt=salt, person=tag).digest()

    def get(self, key: bytes) -> CachedForecast | None:
        """The forecast of this key, which becomes the most recent; None where there is none."""
        found = self._entries.get(key)
        if found is None:
            self.misses += 1
            return None
        self._entries.move_to_end(key)
        self.hits += 1
        return found

    def put(self, key: bytes, quantiles: bytes, up: bytes, infer_us: int) -> None:
        """Keep a forecast as the most recent; the least recent ones make room for it."""
        size = entry_bytes(quantiles, up)
        if size > self.limit_bytes:
            return
        with self._lock:
            before = self._entries.pop(key, None)
            if before is not None:
                self.bytes -= entry_bytes(before[0], before[1])
            self._entries[key] = (quantiles, up, infer_us)
            self.bytes += size
            while self.bytes > self.limit_bytes:
                _, (quantiles, up, _) = self._entries.popitem(last=False)
                self.bytes -= entry_bytes(quantiles, up)

    def add_older(self, key: bytes, forecast: CachedForecast) -> bool:
        """Keep a forecast of an earlier day as the least recent, where there is room.

        Returns:
            Whether there was room. What is kept already stays as it is.
        """
        size = entry_bytes(forecast[0], forecast[1])
        with self._lock:
            if key in self._entries:
                return True
            if self.bytes + size > self.limit_bytes:
                return False
            self._entries[key] = forecast
            self._entries.move_to_end(key, last=False)
            self.bytes += size
        return True

    def items(self) -> list[tuple[bytes, CachedForecast]]:
        """All that is kept, least recent first; from any thread."""
        # A copy is one step of C: nothing changes meanwhile. A list of pairs is not: to make one
        # may collect garbage, and so run what lets the loop go on.
        return list(self._entries.copy().items())

    def recent_keys(self) -> list[bytes]:
        """The keys of the more recent half, least recent first; from any thread."""
        keys = list(self._entries)
        return keys[len(keys) // 2 :]


@lru_cache(maxsize=1024)
def model_tag(label: str) -> bytes:
    """What every key of a model begins with."""
    return blake2b(label.encode(), digest_size=TAG_BYTES).digest()


def model_tags(labels: Iterable[str]) -> set[bytes]:
    """The tags of several models."""
    return set(map(model_tag, labels))


def entry_bytes(quantiles: bytes, up: bytes) -> int:
    """The memory that an entry takes, all in all."""
    return len(quantiles) + len(up) + _ENTRY_BYTES
