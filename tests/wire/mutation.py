"""Damages requests, the way broken clients and hostile ones do: their bytes, or their fields."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_HEADS = bytes([*range(0x80, 0xA4), *range(0xC0, 0xE0)])  # whatever announces, and the scalars
_LENGTH_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_LENGTH_BYTES |= {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


def damaged_bytes(bodies: Sequence[bytes], random: Random) -> bytes:
    """One of the bodies, its bytes damaged once or a few times."""
    body = random.choice(bodies)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        body = random.choice(_BYTE_DAMAGES)(body, bodies, random)
    return body


def damaged_fields(messages: Sequence[dict[str, Any]], random: Random) -> dict[str, Any]:
    """One of the messages, a few of its fields lost, exchanged or given a value of any kind."""
    message = dict(random.choice(messages))
    for _ in range(random.choice((1, 1, 2, 5))):
        field = random.choice([*message, random.choice(_FIELDS)])
        other = random.choice(messages)
        choice = random.randrange(5)
        if choice == 0:
            message.pop(field, None)
        elif choice == 1:
            message[field] = random.choice(list(other.values()) or [None])
        elif choice == 2:
            message[field] = random.choice(_EXTREMES)
        elif choice == 3:
            message[random.choice(("ohlc", "close"))] = _wild_prices(random)
        else:
            message["items"] = [damaged_fields(messages, random) for _ in range(2)]
    return message


_FIELDS = ("v", "op", "id", "ttl_ms", "model", "symbol", "tf", "time", "close", "ohlc", "arrays")
_EXTREMES: tuple[Any, ...] = (
    *(None, False, True, "", "x" * 5000, "\0", b"", bytes(5000), [], {}, [[]], [{}], [{}] * 1024),
    *(0, -1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 62, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1),
    *(0.0, -0.0, 0.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
)


def _wild_prices(random: Random) -> bytes | list[float]:
    """Windows of up to some more than 128 bars, of every magnitude, or of noise."""
    bars = random.choice((0, 1, 127, 128, 128, 128, 129, 300))
    if random.random() < 0.2:
        return random.randbytes(bars * 32)
    middle, spread = random.uniform(-1070, 1020), random.choice((0, 1e-9, 1, 1000))
    prices: list[float] = []
    for _ in range(bars):
        low, high = sorted(2.0 ** min(1023, middle + random.uniform(0, spread)) for _ in "lh")
        prices += (low, high, low, high)
    return prices if random.random() < 0.3 else struct.pack(f"<{len(prices)}d", *prices)


def _flip_bits(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    damaged = bytearray(body)
    for _flip in range(random.randint(1, 3) if body else 0):
        damaged[_place(body, random)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _truncate(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    return body[: random.randint(0, len(body))]


def _drop_the_start(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    return body[random.randint(0, min(len(body), 20)) :]


def _splice(body: bytes, bodies: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(bodies)
    return body[: random.randint(0, len(body))] + other[random.randint(0, len(other)) :]


def _insert(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(body, random)
    return body[:at] + random.randbytes(random.randint(1, 9)) + body[at:]


def _cut_out(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(body, random)
    return body[:at] + body[at + random.randint(1, 9) :]


def _repeat(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(body, random)
    piece = body[at : at + random.randint(1, 30)]
    return body[:at] + piece * random.randint(2, 200) + body[at:]


def _change_type(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(body, random)
    return body[:at] + bytes([random.choice(_HEADS)]) + body[at + 1 :]


def _change_length(body: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """A length field, or what looks like one, set to an extreme or moved by one."""
    places = [at for at, byte in enumerate(body[:200]) if byte in _LENGTH_BYTES]
    if not places:
        return body
    at = random.choice(places)
    size = _LENGTH_BYTES[body[at]]
    found = int.from_bytes(body[at + 1 : at + 1 + size], "big")
    most = (1 << 8 * size) - 1
    length = random.choice((0, 1, found - 1, found + 1, most // 2, most // 2 + 1, most)) & most
    return body[: at + 1] + length.to_bytes(size, "big") + body[at + 1 + size :]


def _place(body: bytes, random: Random) -> int:
    """Half the time near the start, where names and types are; else anywhere."""
    reach = min(len(body), 60) if random.random() < 0.5 else len(body)
    return random.randrange(max(1, reach))


_BYTE_DAMAGES: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip_bits,
    _truncate,
    _drop_the_start,
    _splice,
    _insert,
    _cut_out,
    _repeat,
    _change_type,
    _change_length,
)
