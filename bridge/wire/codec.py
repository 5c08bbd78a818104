"""msgpack maps to bytes and back, safe against hostile bytes."""

from __future__ import annotations

from typing import Any

import msgpack

from bridge.wire.errors import Code, WireError

MAX_BODY_BYTES = 16 * 1024 * 1024
"""A larger body is answered `too_large` without being decoded."""

_PEEK_BYTES = 4096


def pack(message: dict[str, Any]) -> bytes:
    """A message as msgpack."""
    packed: bytes = msgpack.packb(message)
    return packed


def unpack(body: bytes) -> dict[str, Any]:
    """The one map that `body` holds.

    Lengths are checked against the bytes that are there before anything is allocated, and
    nesting is bounded: a few bytes cannot announce 2^32 entries.

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
        message = msgpack.unpackb(body, strict_map_key=False)
    except msgpack.ExtraData as error:
        extra = len(error.extra)
        raise WireError(
            Code.BAD_MESSAGE, f"{extra} bytes follow the map: send exactly one msgpack map"
        ) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        # FormatError, StackError and UnicodeDecodeError are ValueErrors; an unhashable map key
        # is a TypeError.
        reason = str(error) or "the bytes are cut short or malformed"
        raise WireError(
            Code.BAD_MESSAGE, f"the body is not msgpack ({reason}): send one msgpack map"
        ) from error
    if not isinstance(message, dict):
        raise WireError(
            Code.BAD_MESSAGE,
            f"the body is a msgpack {type(message).__name__}: send one map with string keys",
        )
    return message


def peek_id(body: bytes) -> int:
    """The `id` of a message that was not decoded, where it stands in its first bytes; else 0."""
    unpacker = msgpack.Unpacker(strict_map_key=False)
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
