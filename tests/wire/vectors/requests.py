"""requests.json: every op, field, width and refusal that the protocol's tables tell of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tests.wire.vectors.encoding import SIGNED, UNSIGNED, As, Ext, Numbers, Vector, vector


def request(
    name: str,
    message: Any,
    answer: str = "ok",
    *,
    field: str | None = None,
    items: list[str] | None = None,
) -> Vector:
    made = vector(name, "request", message) | {"answer": answer}
    if field is not None:
        made["field"] = field
    if items is not None:
        made["items"] = items
    return made


def bad_field(field: str, what: str, message: Any) -> Vector:
    return request(f"{field} {what}", message, "bad_field", field=field)


HELLO = {"v": 1, "op": "hello"}
HEALTH = {"v": 1, "op": "health"}
TIME = 1_699_999_200  # an hour of 2023, on the server's clock
CONTEXT = 128


def bars(count: int, unit: float = 1e-5, digits: int = 5) -> list[list[float]]:
    """Rows of open, high, low, close; with a unit of 1/1024 each is exact in float32."""
    rows = []
    for bar in range(count):
        first, last = (1.09375 + unit * (n * 37 % 101) for n in (bar, bar + 1))
        high, low = max(first, last) + 3 * unit, min(first, last) - 2 * unit
        rows.append([round(price, digits) for price in (first, high, low, last)])
    return rows


def flat(rows: list[list[float]]) -> list[float]:
    return [price for row in rows for price in row]


ONE_BAR = Numbers(bars(1)[0])
WINDOW = Numbers(flat(bars(CONTEXT)))


def forecast(**fields: Any) -> dict[str, Any]:
    """A forecast request of one bar, read whole and answered `short_window`; None leaves out."""
    message = {"v": 1, "op": "forecast", "tf": 3600, "time": TIME, "ohlc": ONE_BAR, **fields}
    return {key: value for key, value in message.items() if value is not None}


def item(**fields: Any) -> dict[str, Any]:
    message = forecast(**fields)
    return {key: value for key, value in message.items() if key not in ("v", "op")}


def requests() -> Iterator[Vector]:
    yield request("hello", HELLO)
    yield request("hello with an id", {**HELLO, "id": 7})
    yield request("health", {**HEALTH, "id": 8})
    yield request("op before v", {"op": "health", "id": 9, "v": 1})
    yield from _forecasts()
    yield from _batches()
    yield from _integer_widths()
    yield from _lengths()
    yield from _unknown_keys()
    yield from _bad_envelopes()
    yield from _bad_forecasts()


def _forecasts() -> Iterator[Vector]:
    full = {"id": 42, "symbol": "EURUSD", "ohlc": WINDOW}
    yield request("forecast from bin", forecast(**full))
    yield request("forecast answered with arrays", forecast(**full, arrays=True))
    yield request("forecast with arrays false", forecast(**full, arrays=False))
    yield request("forecast of a named model in time", forecast(**full, model="fx-h1", ttl_ms=5000))
    yield request("forecast from an array of float64", forecast(**full | {"ohlc": [*WINDOW]}))
    exact = flat(bars(CONTEXT, 1 / 1024, 10))
    yield request(
        "forecast from an array of float32",
        forecast(**full | {"ohlc": [As("float32", price) for price in exact]}),
    )
    integers = [price for bar in range(CONTEXT) for price in (150 + bar % 7, 160, 140.5, 150)]
    yield request(
        "forecast from an array of integers and floats", forecast(**full | {"ohlc": integers})
    )
    ignored = [math.nan, -1.0, math.inf, 0.0]
    yield request(
        "forecast from a longer window, whose oldest bars are ignored",
        forecast(**full | {"ohlc": Numbers([*ignored, *flat(bars(CONTEXT))])}),
    )
    yield request("forecast with no time left", forecast(**full, ttl_ms=0), "expired")
    yield request("ohlc as bin", forecast(), "short_window")
    yield request("ohlc as array", forecast(ohlc=[*ONE_BAR]), "short_window")
    yield request("ohlc empty", forecast(ohlc=b""), "short_window")
    closes = Numbers([1.0723, 1.07219, 1.0726])
    yield request("close as bin", forecast(ohlc=None, close=closes), "short_window")
    yield request("close as array", forecast(ohlc=None, close=[*closes]), "short_window")
    yield request(
        "symbol of 32 characters, each of 3 bytes", forecast(symbol="€" * 32), "short_window"
    )
    yield request("model of another name", forecast(model="nobody"), "unknown_model")
    yield request("model of another version", forecast(model="fx-h1@000000000000"), "unknown_model")
    yield request("tf of another model", forecast(tf=60), "wrong_timeframe")
    spoiled = flat(bars(CONTEXT))
    for what, price in (
        ("nan", math.nan),
        ("infinity", math.inf),
        ("minus infinity", -math.inf),
        ("zero", 0.0),
        ("a negative price", -1.07),
    ):
        values = Numbers([*spoiled[:-2], price, spoiled[-1]])
        yield request(f"ohlc with {what}", forecast(ohlc=values), "bad_values")
    swapped = Numbers([*spoiled[:-3], spoiled[-2], spoiled[-3], spoiled[-1]])
    yield request("ohlc with a high below its low", forecast(ohlc=swapped), "bad_values")


def _batches() -> Iterator[Vector]:
    batch = {"v": 1, "op": "forecast_batch", "id": 43}
    good = item(ohlc=WINDOW)
    yield request("batch of one", {**batch, "items": [good]}, items=["ok"])
    yield request(
        "batch with bad items, which spoil no other",
        {
            **batch,
            "arrays": True,
            "items": [item(), good, {}, item(tf=60), 5, None, [], item(model="nobody")],
        },
        items=[
            "short_window",
            "ok",
            "bad_field",
            "wrong_timeframe",
            "bad_field",
            "bad_field",
            "bad_field",
            "unknown_model",
        ],
    )
    yield request(
        "batch of 1024, the most", {**batch, "items": [{}] * 1024}, items=["bad_field"] * 1024
    )
    yield request("batch of 1025", {**batch, "items": [{}] * 1025}, "too_large")
    yield bad_field("items", "empty", {**batch, "items": []})
    yield bad_field("items", "missing", batch)
    for what, value in (("a map", {}), ("bin", b""), ("nil", None), ("an integer", 1)):
        yield bad_field("items", f"as {what}", {**batch, "items": value})
    for what, value in (("nil", None), ("an integer", 0), ("a string", "true")):
        yield bad_field(
            "arrays", f"of a batch as {what}", {**batch, "items": [item()], "arrays": value}
        )


def _integer_widths() -> Iterator[Vector]:
    edges = [0, 1, 127, 128, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32]
    edges += [1 << 53, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    for value in edges:
        yield request(f"id {value}", {**HEALTH, "id": value})
    for form in (*UNSIGNED, *SIGNED):
        yield request(f"id 7 as {form}", {**HEALTH, "id": As(form, 7)})
        yield request(f"v as {form}", {**HEALTH, "v": As(form, 1)})
        yield request(f"ttl_ms 100 as {form}", {**HEALTH, "ttl_ms": As(form, 100)})
        yield request(f"time 7 as {form}", forecast(time=As(form, 7)), "short_window")
        if form not in ("uint8", "int8"):
            yield request(f"tf as {form}", forecast(tf=As(form, 3600)), "short_window")
    negative = [-1, -32, -33, -128, -129, -32_768, -32_769, -(1 << 31), -(1 << 31) - 1]
    for value in (*negative, -(1 << 53) - 1, -(1 << 63)):
        yield request(f"time {value}", forecast(time=value), "short_window")
    for value in (0, TIME, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 53) + 1, (1 << 63) - 1):
        yield request(f"time {value}", forecast(time=value), "short_window")
    for form in ("uint32", "uint64", "int32", "int64"):
        yield request(f"time as {form}", forecast(time=As(form, TIME)), "short_window")
    for form in SIGNED:
        yield request(f"time -7 as {form}", forecast(time=As(form, -7)), "short_window")
        yield bad_field("id", f"-7 as {form}", {**HEALTH, "id": As(form, -7)})
        yield bad_field("ttl_ms", f"-7 as {form}", {**HEALTH, "ttl_ms": As(form, -7)})
        yield bad_field("tf", f"-7 as {form}", forecast(tf=As(form, -7)))
    yield bad_field("id", "-1", {**HEALTH, "id": -1})
    yield bad_field("tf", "0", forecast(tf=0))
    yield bad_field("time", f"{1 << 63}", forecast(time=1 << 63))


def _lengths() -> Iterator[Vector]:
    for form in ("str8", "str16", "str32"):
        yield request(f"op as {form}", {"v": 1, "op": As(form, "health")})
        yield request(f"keys as {form}", {As(form, "v"): 1, As(form, "op"): "health"})
    for form in ("map16", "map32"):
        yield request(f"request as {form}", As(form, HEALTH))
    for form in ("bin8", "bin16", "bin32"):
        yield request(f"ohlc as {form}", forecast(ohlc=As(form, ONE_BAR)), "short_window")
    for form in ("array16", "array32"):
        yield request(f"ohlc as {form}", forecast(ohlc=As(form, [*ONE_BAR])), "short_window")
        batch = {"v": 1, "op": "forecast_batch", "items": As(form, [As("map16", item())])}
        yield request(f"items as {form}", batch, items=["short_window"])
    for length in (31, 32, 255, 256, 65_536):
        yield request(f"unknown string of {length} bytes", {**HEALTH, "x": "x" * length})
    for length in (15, 16):
        many = {f"x{number}": number for number in range(length - 2)}
        yield request(f"map of {length} entries", {**HEALTH, **many})
        yield request(f"array of {length} entries", {**HEALTH, "x": [0] * length})


def _unknown_keys() -> Iterator[Vector]:
    values = {
        "nil": None,
        "a boolean": True,
        "an integer": 5,
        "a float32": As("float32", 0.5),
        "a float64": 0.1,
        "a string": "€",
        "bin": b"\x00\xff",
        "nested maps and arrays": {"a": [{"b": [[], {}, {"v": 2, "op": None}]}], "": ""},
        "64 nested arrays": nested(64),
    }
    for what, value in values.items():
        yield request(f"unknown key with {what}", {"x": value, **HEALTH})
    for length in (1, 2, 4, 8, 16, 3, 0):
        ext = Ext(5, bytes(range(length)))
        yield request(f"unknown key with an ext of {length} bytes", {"x": ext, **HEALTH})
    for form in ("ext8", "ext16", "ext32"):
        yield request(f"unknown key with {form}", {"x": As(form, Ext(127, b"x")), **HEALTH})
    yield request("unknown key with an ext of type -128", {"x": Ext(-128, b"x"), **HEALTH})
    yield request("unknown key with a timestamp", {"x": Ext(-1, bytes(4)), **HEALTH})
    yield request("unknown key, empty", {"": 0, **HEALTH})
    yield request("unknown key of 300 bytes", {"x" * 300: 0, **HEALTH})
    yield request("unknown key among an item's", {**BATCH_OF_ONE, "x": {}}, items=["short_window"])


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


BATCH_OF_ONE = {"v": 1, "op": "forecast_batch", "items": [item(x=[{}])]}
NOT_AN_INTEGER = {
    "as nil": None,
    "as a boolean": True,
    "as a float": 1.0,
    "as a string": "1",
    "as bin": b"\x01",
    "as an array": [1],
    "as a map": {},
    "as an ext": Ext(1, b"\x01"),
}
_NOT_A_STRING = {
    "as nil": None,
    "as a boolean": False,
    "as an integer": 1,
    "as a float": As("float32", 1.0),
    "as bin": b"fx-h1",
    "as an array": ["fx-h1"],
    "as a map": {"fx-h1": 1},
    "as an ext": Ext(1, b"fx"),
}


def _bad_envelopes() -> Iterator[Vector]:
    yield request("an empty map", {}, "bad_version")
    yield request("v missing", {"op": "hello", "id": 5}, "bad_version")
    for version in (0, 2, -1, 255, (1 << 64) - 1):
        yield request(f"v {version}", {**HELLO, "v": version, "id": 5}, "bad_version")
    for what, value in NOT_AN_INTEGER.items():
        yield request(f"v {what}", {**HELLO, "v": value}, "bad_version")
        yield bad_field("id", what, {**HELLO, "id": value})
        yield bad_field("ttl_ms", what, {**HELLO, "ttl_ms": value})
    for op in ("", "Hello", "hello ", "hello\0", "forecasts", "x" * 300):
        yield request(f"op {op[:10]!r}", {"v": 1, "op": op, "id": 5}, "unknown_op")
    yield bad_field("op", "missing", {"v": 1, "id": 5})
    for what, value in _NOT_A_STRING.items():
        yield bad_field("op", what, {"v": 1, "op": value, "id": 5})


def _bad_forecasts() -> Iterator[Vector]:
    for field in ("tf", "time"):
        yield bad_field(field, "missing", {k: v for k, v in forecast().items() if k != field})
        for what, value in NOT_AN_INTEGER.items():
            yield bad_field(field, what, forecast() | {field: value})
    for field in ("model", "symbol"):
        for what, value in _NOT_A_STRING.items():
            yield bad_field(field, what, forecast() | {field: value})
    yield bad_field("symbol", "of 33 characters", forecast(symbol="x" * 33))
    for what, value in (("nil", None), ("an integer", 1), ("a string", "true"), ("a map", {})):
        yield bad_field("arrays", f"as {what}", forecast() | {"arrays": value})
    yield bad_field("close", "and ohlc both missing", forecast(ohlc=None))
    yield bad_field("close", "and ohlc both given", forecast(close=Numbers([1.0])))
    for field, rest in (("close", {"ohlc": None}), ("ohlc", {})):
        for what, value in _NOT_A_WINDOW.items():
            yield bad_field(field, what, forecast(**rest) | {field: value})
        for what, value in _NOT_A_NUMBER.items():
            numbers = [1.5, value, 1.25, 1.375]
            made = forecast(**rest) | {field: numbers}
            yield request(f"{field}[1] {what}", made, "bad_field", field=f"{field}[1]")
    for count in (1, 7, 9):
        broken = forecast(ohlc=None, close=ONE_BAR.packed()[:count])
        yield request(f"close of {count} bytes", broken, "bad_values")
    for count in (8, 31, 33):
        broken = forecast(ohlc=(ONE_BAR.packed() * 2)[:count])
        yield request(f"ohlc of {count} bytes", broken, "bad_values")
    yield request("ohlc of 5 numbers", forecast(ohlc=[*ONE_BAR, 1.0]), "bad_values")


_NOT_A_WINDOW = {
    "as nil": None,
    "as a boolean": True,
    "as an integer": 1,
    "as a float": 1.5,
    "as a string": "1.5",
    "as a map": {"0": 1.5},
    "as an ext": Ext(1, bytes(8)),
}
_NOT_A_NUMBER = {
    "as nil": None,
    "as a boolean": True,
    "as a string": "1.5",
    "as bin": bytes(8),
    "as an array": [1.5],
    "as a map": {},
    "as an ext": Ext(1, bytes(8)),
}
