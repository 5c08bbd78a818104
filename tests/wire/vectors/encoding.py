"""Values to bytes, in any width that is asked for, and to JSON.

Written apart from `bridge.wire` and its msgpack library, so that the vectors judge both.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

Vector = dict[str, Any]


@dataclass(frozen=True)
class As:
    """A value in a wire form of its own choice, such as `As("uint32", 7)`."""

    form: str
    value: Any


@dataclass(frozen=True)
class Ext:
    """An extension value."""

    type: int
    data: bytes


class Numbers(tuple[float, ...]):
    """Numbers that travel as `bin` of little-endian float64."""

    def packed(self) -> bytes:
        return struct.pack(f"<{len(self)}d", *self)


_SCALARS = {
    "uint8": (0xCC, ">B"),
    "uint16": (0xCD, ">H"),
    "uint32": (0xCE, ">I"),
    "uint64": (0xCF, ">Q"),
    "int8": (0xD0, ">b"),
    "int16": (0xD1, ">h"),
    "int32": (0xD2, ">i"),
    "int64": (0xD3, ">q"),
    "float32": (0xCA, ">f"),
    "float64": (0xCB, ">d"),
}
LENGTHS = {
    "str8": (0xD9, ">B"),
    "str16": (0xDA, ">H"),
    "str32": (0xDB, ">I"),
    "bin8": (0xC4, ">B"),
    "bin16": (0xC5, ">H"),
    "bin32": (0xC6, ">I"),
    "array16": (0xDC, ">H"),
    "array32": (0xDD, ">I"),
    "map16": (0xDE, ">H"),
    "map32": (0xDF, ">I"),
    "ext8": (0xC7, ">B"),
    "ext16": (0xC8, ">H"),
    "ext32": (0xC9, ">I"),
}
_FIXED = {"fixstr": 0xA0, "fixarray": 0x90, "fixmap": 0x80}
_FIXEXT = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")


def encode(value: Any) -> bytes:
    """msgpack: in the form that `As` asks for, else in the shortest."""
    form, value = (value.form, value.value) if isinstance(value, As) else ("", value)
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return _scalar(form or _shortest_int(value), value)
    if isinstance(value, float):
        return _scalar(form or "float64", value)
    if isinstance(value, str):
        data = value.encode()
        return _head(form, ("fixstr", "str8", "str16", "str32"), 32, len(data)) + data
    if isinstance(value, Numbers):
        value = value.packed()
    if isinstance(value, bytes):
        return _head(form, ("", "bin8", "bin16", "bin32"), 0, len(value)) + value
    if isinstance(value, list):
        head = _head(form, ("fixarray", "", "array16", "array32"), 16, len(value))
        return head + b"".join(map(encode, value))
    if isinstance(value, dict):
        head = _head(form, ("fixmap", "", "map16", "map32"), 16, len(value))
        return head + b"".join(encode(key) + encode(item) for key, item in value.items())
    assert isinstance(value, Ext), value
    if not form and len(value.data) in _FIXEXT:
        head = bytes([_FIXEXT[len(value.data)]])
    else:
        head = _head(form, ("", "ext8", "ext16", "ext32"), 0, len(value.data))
    return head + struct.pack(">b", value.type) + value.data


def _shortest_int(value: int) -> str:
    if -32 <= value < 128:
        return "fixint"
    sizes = (8, 16, 32, 64)
    if value >= 0:
        return next(f for f, bits in zip(UNSIGNED, sizes, strict=True) if value < 1 << bits)
    return next(f for f, bits in zip(SIGNED, sizes, strict=True) if value >= -(1 << bits - 1))


def _scalar(form: str, value: float) -> bytes:
    if form == "fixint":
        return struct.pack(">b" if value < 0 else ">B", value)
    code, layout = _SCALARS[form]
    return bytes([code]) + struct.pack(layout, value)


def _head(form: str, forms: tuple[str, ...], fixed: int, length: int) -> bytes:
    """The bytes that announce `length`: `forms` are the fixed, 8, 16 and 32 bit ones."""
    room = (fixed, 1 << 8, 1 << 16, 1 << 32)
    form = form or next(f for f, most in zip(forms, room, strict=True) if f and length < most)
    if form in _FIXED:
        return bytes([_FIXED[form] | length])
    code, layout = LENGTHS[form]
    return bytes([code]) + struct.pack(layout, length)


def shortest(value: Any) -> Any:
    """The value without choices of form, or extensions, which encoders need not have."""
    if isinstance(value, As):
        return shortest(value.value)
    if isinstance(value, list):
        return [shortest(item) for item in value]
    if isinstance(value, dict):
        return {shortest(key): shortest(item) for key, item in value.items()}
    return None if isinstance(value, Ext) else value


def meaning(value: Any) -> Any:
    """The value as JSON, tagged where JSON has no word for it."""
    if isinstance(value, As):
        if value.form == "float32":
            (value,) = struct.unpack(">f", struct.pack(">f", value.value))
            return meaning(value)
        return meaning(value.value)
    if isinstance(value, float):
        return {"float": _json_number(value)}
    if isinstance(value, int) and abs(value) > 1 << 53:
        return {"int": str(value)}
    if isinstance(value, Numbers):
        return {"bin": value.packed().hex(), "float64": [_json_number(n) for n in value]}
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, Ext):
        return {"ext": [value.type, value.data.hex()]}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    if isinstance(value, dict):
        return {shortest(key): meaning(item) for key, item in value.items()}
    return value


def _json_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def vector(name: str, kind: str, message: Any) -> Vector:
    body = encode(message)
    return {
        "name": name,
        "kind": kind,
        "hex": body.hex(),
        "meaning": meaning(message),
        "canonical": body == encode(shortest(message)),
    }
