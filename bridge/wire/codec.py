"""msgpack maps to bytes and back, safe against hostile bytes."""

from __future__ import annotations

from typing import Any

import msgpack

from bridge.wire.errors import Code, WireError

MAX_BODY_BYTES = 16 * 1024 * 1024
"""A larger body is answered `too_large` without being decoded."""

MAX_PARTS = 65_536
"""Arrays, maps and map entries of one message, together. Past them it is answered `too_large`: 16
MiB of empty maps would take over a gigabyte, and seconds that other clients wait through. A single
map that announces more is `bad_message`, whether its entries are there or not."""

_PEEK_BYTES = 4096


def pack(message: dict[str, Any]) -> bytes:
    """A message as msgpack."""
    packed: bytes = msgpack.packb(message)
    return packed


def unpack(body: bytes) -> dict[str, Any]:
    """The one map that `body` holds.

    Lengths are checked against the bytes that are there before anything is allocated, and
    nesting is bounded: a few bytes cannot announce 2^32 entries. Extension values, which no
    field takes, are read so that an unknown key may have one.

    Raises:
        WireError: `too_large`, or `bad_message` with what is wrong.
    """
    if len(body) > MAX_BODY_BYTES:
        raise WireError(
            Code.TOO_LARGE,
            f"the message has {len(body):,} bytes and the limit is {MAX_BODY_BYTES:,}: "
            "send fewer bars, or fewer items in a batch",
        )
    try:
        if len(body) <= MAX_PARTS:  # each part takes a byte at least: there cannot be too many
            message = msgpack.unpackb(body, ext_hook=_extension)
        else:
            parts = _Parts()
            message = msgpack.unpackb(
                body,
                max_map_len=MAX_PARTS,
                object_hook=parts.count_map,
                list_hook=parts.count_array,
                ext_hook=_extension,
            )
    except msgpack.ExtraData as error:
        extra = len(error.extra)
        raise WireError(
            Code.BAD_MESSAGE, f"{extra} bytes follow the map: send exactly one msgpack map"
        ) from error
    except MemoryError as error:
        raise WireError(
            Code.TOO_LARGE,
            f"there is no memory to read the message's {len(body):,} bytes: send less at once",
        ) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        # FormatError, StackError and UnicodeDecodeError are ValueErrors; an unhashable map key
        # is a TypeError where msgpack is its pure Python self.
        reason = str(error) or "the bytes are malformed, or nested too deep"
        raise WireError(
            Code.BAD_MESSAGE,
            f"the body cannot be read ({reason}): send one msgpack map with string keys",
        ) from error
    if not isinstance(message, dict):
        raise WireError(
            Code.BAD_MESSAGE,
            f"the body is a msgpack {type(message).__name__}: send one map with string keys",
        )
    return message


def peek_id(body: bytes) -> int:
    """The `id` of a message that was not decoded, where it stands in its first bytes; else 0."""
    unpacker = msgpack.Unpacker(max_buffer_size=_PEEK_BYTES)  # it bounds announced lengths too
    unpacker.feed(body[:_PEEK_BYTES])
    try:
        for _ in range(min(unpacker.read_map_header(), 64)):
            if unpacker.unpack() == "id":
                value = unpacker.unpack()
                return value if is_int(value) and 0 <= value < 1 << 64 else 0
            unpacker.skip()
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException):
        pass  # cut short or malformed before an id: there is none to echo
    return 0


def is_int(value: object) -> bool:
    """Whether a decoded value is an integer on the wire; Python's bool is not."""
    return type(value) is int


class _Parts:
    """Counts what a message is made of while it is decoded."""

    def __init__(self) -> None:
        self._left = MAX_PARTS

    def count_map(self, decoded: dict[str, Any]) -> dict[str, Any]:
        self._spend(1 + len(decoded))
        return decoded

    def count_array(self, decoded: list[Any]) -> list[Any]:
        self._spend(1)
        return decoded

    def _spend(self, parts: int) -> None:
        self._left -= parts
        if self._left < 0:
            raise WireError(
                Code.TOO_LARGE,
                f"the message has more than {MAX_PARTS:,} arrays, maps and map entries: "
                "send fewer at once",
            )


def _extension(code: int, data: bytes) -> tuple[int, bytes]:
    # msgpack.ExtType would refuse the codes below 0, which the format reserves.
    return code, data
