"""malformed.json: bytes that are no message."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from tests.wire.vectors.encoding import LENGTHS, Ext, Vector, encode
from tests.wire.vectors.requests import HELLO, NOT_AN_INTEGER, forecast


def malformed() -> Iterator[Vector]:
    for name, body in _malformed_bodies():
        yield {
            "name": f"malformed: {name}",
            "kind": "request",
            "hex": body.hex(),
            "meaning": None,
            "canonical": False,
            "answer": "bad_message",
        }


def _malformed_bodies() -> Iterator[tuple[str, bytes]]:
    hello = encode(HELLO)
    for length in range(len(hello)):
        yield f"hello, its first {length} bytes", hello[:length]
    whole = encode(forecast(id=1 << 40, symbol="EURUSD", ttl_ms=5000, arrays=True))
    for length in range(8, len(whole), 7):
        yield f"forecast, its first {length} bytes", whole[:length]
    for what, value in NOT_AN_INTEGER.items():
        if value != {}:
            yield f"a request {what}", encode(value)
    yield "a request as an integer", encode(1)
    yield "a request as an array of pairs", encode([["v", 1], ["op", "hello"]])
    yield "a byte after the map", hello + b"\x00"
    yield "a map after the map", hello + hello
    yield "half a map after the map", hello + hello[:7]
    yield "c1, the byte that msgpack never uses", b"\xc1"
    yield "c1 as a key", b"\x81\xc1\x00"
    yield "c1 as a value", b"\x82\xa1v\x01\xa1x\xc1"
    yield "c1 in an array", b"\x82\xa1v\x01\xa1x\x91\xc1"
    yield from _false_lengths()
    yield from _bad_strings()
    for what, key in _NOT_A_KEY.items():
        yield f"a key {what}", b"\x83" + encode(key) + b"\x00" + hello[1:]
        yield f"a nested key {what}", b"\x83\xa1x\x81" + encode(key) + b"\x00" + hello[1:]
    yield "4096 nested arrays", b"\x82\xa1v\x01\xa1x" + b"\x91" * 4096 + b"\xc0"
    yield "4096 nested maps", b"\x82\xa1v\x01\xa1x" + b"\x81\xa0" * 4096 + b"\xc0"
    yield "4096 nested maps as keys", b"\x81" * 4096


_NOT_A_KEY = {
    "as nil": None,
    "as a boolean": True,
    "as an integer": 1,
    "as a float": 1.5,
    "as nan": math.nan,
    "as an array": [],
    "as a map": {},
    "as an ext": Ext(1, b"x"),
    "as a timestamp": Ext(-1, bytes(4)),
}


def _false_lengths() -> Iterator[tuple[str, bytes]]:
    most = {">B": 0xFF, ">H": 0xFFFF, ">I": 0xFFFFFFFF}
    for form, (code, layout) in LENGTHS.items():
        for length in (most[layout], most[layout] // 2 + 1, 9):
            head = bytes([code]) + struct.pack(layout, length)
            rest = b"\xa1v\x01\xa1\x01" if form.startswith("map") else b"\xa1vx\x01"
            where = f"{form} of {length}, with {len(rest)} bytes behind it"
            yield where, head + rest
            yield f"{where}, as a value", b"\x82\xa1v\x01\xa1x" + head + rest
    yield "a map of 15 with 2 entries", b"\x8f" + encode(HELLO)[1:]
    yield "a map of 1 with 2 entries", b"\x81" + encode(HELLO)[1:]
    yield "an array of 15 with 1 entry", b"\x82\xa1v\x01\xa1x\x9f\xc0"
    yield "a key of 31 bytes with 1", b"\x81\xbfv"
    thousand = b"\xdd\x00\x00\x10\x00" * 1000
    yield "1000 nested arrays, each of 4096 entries", b"\x82\xa1v\x01\xa1x" + thousand
    yield "1000 nested maps, each of 2048", b"\x81\xa1x" + b"\xdf\x00\x00\x08\x00\xa0" * 1000


def _bad_strings() -> Iterator[tuple[str, bytes]]:
    for what, text in {
        "a lone ff": b"\xff",
        "a lone continuation": b"\x80",
        "a sequence cut short": b"\xe2\x82",
        "an overlong slash": b"\xc0\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "a character beyond 10ffff": b"\xf4\x90\x80\x80",
    }.items():
        string = bytes([0xA0 | len(text)]) + text
        yield f"a key with {what}", b"\x83" + string + b"\x00" + encode(HELLO)[1:]
        yield f"a symbol with {what}", b"\x83\xa6symbol" + string + encode(HELLO)[1:]
