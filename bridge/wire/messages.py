"""Requests and replies as typed values: the tables of the protocol, field by field.

A window's numbers stay bytes of little-endian float64, as on the wire and on every machine that
serves; whether they are prices is for the daemon to say.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import is_int
from bridge.wire.errors import Code, WireError

MAX_BATCH_ITEMS = 1024
MAX_SYMBOL_CHARACTERS = 32
FLOAT64_BYTES = 8

_NUMBER_TYPES = {int, float}
_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)
_UINT32 = range(1 << 32)


class Envelope(NamedTuple):
    """What every request carries: its op, the id to echo, and how long the client waits."""

    op: str
    id: int
    ttl_ms: int | None


class ForecastRequest(NamedTuple):
    """One window and the model that is asked.

    Attributes:
        model: `name` or `name@version`; None asks the default.
        symbol: as the broker names it; may be empty.
        tf: seconds per bar.
        time: open time of the window's last bar, POSIX seconds of the server's clock.
        columns: 1 for closes, 4 for rows of open, high, low, close.
        values: the window, little-endian float64, row-major, oldest first.
        arrays: answer with arrays of numbers in place of `bin`.
    """

    model: str | None
    symbol: str
    tf: int
    time: int
    columns: int
    values: bytes
    arrays: bool


def parse_envelope(message: Mapping[Any, Any]) -> Envelope:
    """`v`, `op`, `id` and `ttl_ms` of a request.

    Raises:
        WireError: `bad_version` or `bad_field`.
    """
    version, op = message.get("v"), message.get("op")
    if not is_int(version) or version != PROTOCOL_VERSION:
        found = "is missing" if "v" not in message else f"is {_shown(version)}"
        raise WireError(
            Code.BAD_VERSION, f"`v` {found}: this daemon speaks version {PROTOCOL_VERSION}"
        )
    if type(op) is not str:
        op = _string(message, "op")
    return Envelope(op, request_id(message), _optional(message, "ttl_ms", _UINT32))


def request_id(message: Mapping[Any, Any]) -> int:
    """The request's `id`, 0 where it has none.

    Raises:
        WireError: `bad_field`.
    """
    return _optional(message, "id", _UINT64) or 0


def parse_forecast(message: Mapping[Any, Any]) -> ForecastRequest:
    """A `forecast` request, or an item of `forecast_batch`.

    Raises:
        WireError: `bad_field`, naming the field; `bad_values` for a `bin` of broken length.
    """
    get = message.get
    symbol, arrays, tf, time = get("symbol", ""), get("arrays", False), get("tf"), get("time")
    # Each is asked in a word whether it is right, as most are; what is wrong is told at length.
    if type(symbol) is not str or len(symbol) > MAX_SYMBOL_CHARACTERS:
        _string(message, "symbol")
        raise _bad_field(
            "symbol", f"has {len(symbol)} characters", f"at most {MAX_SYMBOL_CHARACTERS}"
        )
    if type(arrays) is not bool:
        _boolean(message, "arrays")
    columns, values = _window(message)
    if type(tf) is not int or not 0 < tf < _UINT32.stop:
        _integer(message, "tf", _UINT32)
        raise _bad_field("tf", "is 0", "the seconds per bar, such as 3600")
    if type(time) is not int or not _INT64.start <= time < _INT64.stop:
        time = _integer(message, "time", _INT64)
    model = get("model")
    if type(model) is not str and "model" in message:
        _string(message, "model")
    return ForecastRequest(model, symbol, tf, time, columns, values, arrays)


def parse_items(message: Mapping[Any, Any]) -> Sequence[Any]:
    """The items of a `forecast_batch`, not yet read one by one.

    Raises:
        WireError: `bad_field` or `too_large`.
    """
    _boolean(message, "arrays")
    items = message.get("items")
    if not isinstance(items, list):
        found = "is missing" if "items" not in message else f"is {_shown(items)}"
        raise _bad_field("items", found, "an array of 1 to 1024 maps")
    if not items:
        raise _bad_field("items", "is empty", "an array of 1 to 1024 maps")
    if len(items) > MAX_BATCH_ITEMS:
        raise WireError(
            Code.TOO_LARGE,
            f"`items` has {len(items):,} maps and the limit is {MAX_BATCH_ITEMS}: "
            "send them in several batches",
        )
    return items


def ok_reply(request: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that answers."""
    return {"v": PROTOCOL_VERSION, "id": request, "ok": True, **fields}


def error_reply(request: int, error: WireError) -> dict[str, Any]:
    """A reply that says why there is no answer."""
    return {"v": PROTOCOL_VERSION, "id": request, **error_fields(error)}


def error_fields(error: WireError) -> dict[str, Any]:
    """The error map, as it also stands among the items of a batch's reply."""
    return {"ok": False, "code": error.code.value, "message": error.message}


def read_numbers(field: object) -> bytes:
    """Float64 bytes of a reply's field, whichever of the two forms it came in.

    Raises:
        TypeError: neither `bin` nor an array of numbers.
    """
    if isinstance(field, bytes):
        return field
    if isinstance(field, list):
        return array("d", field).tobytes()
    raise TypeError(f"expected bin or an array of numbers, not {type(field).__name__}")


def _window(message: Mapping[Any, Any]) -> tuple[int, bytes]:
    field, columns = ("ohlc", 4) if "ohlc" in message else ("close", 1)
    if field not in message or (columns == 4 and "close" in message):
        found = "and `ohlc` are both given" if columns == 4 else "and `ohlc` are both missing"
        raise _bad_field("close", found, "one of the two")
    value = message[field]
    if isinstance(value, bytes):
        unit = columns * FLOAT64_BYTES
        if len(value) % unit:
            raise WireError(
                Code.BAD_VALUES,
                f"`{field}` has {len(value)} bytes: send a whole number of rows of {unit} bytes, "
                f"{columns} little-endian float64 each",
            )
        return columns, value
    if not isinstance(value, list):
        raise _bad_field(field, f"is {_shown(value)}", "`bin` or an array of numbers")
    if not _NUMBER_TYPES.issuperset(map(type, value)):  # as fast as a long window needs
        index = next(i for i, number in enumerate(value) if type(number) not in _NUMBER_TYPES)
        raise _bad_field(f"{field}[{index}]", f"is {_shown(value[index])}", "a number")
    if len(value) % columns:
        raise WireError(
            Code.BAD_VALUES,
            f"`{field}` has {len(value)} numbers: send a whole number of rows of {columns}",
        )
    return columns, array("d", value).tobytes()


def _string(message: Mapping[Any, Any], field: str, default: str | None = None) -> str:
    value: object = message.get(field, default)
    if not isinstance(value, str):
        found = "is missing" if field not in message else f"is {_shown(value)}"
        raise _bad_field(field, found, "a string")
    return value


def _boolean(message: Mapping[Any, Any], field: str) -> bool:
    value = message.get(field, False)
    if not isinstance(value, bool):
        raise _bad_field(field, f"is {_shown(value)}", "true or false")
    return value


def _integer(message: Mapping[Any, Any], field: str, allowed: range) -> int:
    value = message.get(field)
    if type(value) is not int:
        found = "is missing" if field not in message else f"is {_shown(value)}"
        raise _bad_field(field, found, "an integer")
    if value not in allowed:
        raise _bad_field(field, f"is {value}", f"from {allowed.start} to {allowed.stop - 1}")
    return value


def _optional(message: Mapping[Any, Any], field: str, allowed: range) -> int | None:
    return _integer(message, field, allowed) if field in message else None


def _bad_field(field: str, found: str, expected: str) -> WireError:
    return WireError(Code.BAD_FIELD, f"`{field}` {found}: expected {expected}")


def _shown(value: object) -> str:
    """A value of the wrong kind, short enough for a sentence."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return f"the string '{value}'" if len(value) <= 24 else "a string"
    kinds: dict[type, str] = {bytes: "bin", list: "an array", dict: "a map"}
    return kinds.get(type(value), "of another type")
