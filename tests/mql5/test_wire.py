"""The wire in MQL5: the same golden vectors as Python's, both ways, and the same judgement of bytes
that are no message.

`programs/Wire.mq5` reads a file of bodies, or of calls that make bodies, and writes a line for
each: what it decoded in the canonical form of `canonical` below, or the bytes that it made in hex.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import pytest

from bridge.wire.codec import unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import parse_envelope, parse_forecast
from tests.mql5.host import Program, build
from tests.mql5.terminal import Terminal
from tests.mql5.toolchain import HERE
from tests.wire.golden import Extension, Vector, vectors
from tests.wire.mutation import damaged_bytes

PROGRAM = HERE / "programs" / "Wire.mq5"
REPLIES = vectors("replies.json")
MESSAGES = vectors("requests.json") + REPLIES
MALFORMED = vectors("malformed.json")


@pytest.fixture(scope="module", params=["linux", "windows"])
def program(request: pytest.FixtureRequest) -> Program:
    return build(PROGRAM, platform=request.param)


class Call(IntEnum):
    """What a packer is told; followed by a 64-bit number and, for some, by as much data."""

    END = 0
    NIL = 1
    BOOL = 2
    INT = 3
    UINT = 4
    FLOAT = 5
    STRING = 6
    BIN = 7
    DOUBLES = 8
    ARRAY = 9
    MAP = 10


def test_golden_bodies_decode_to_their_meaning(program: Program, tmp_path: Path) -> None:
    decoded = run(program, tmp_path, "decode", bodies(MESSAGES))
    for vector, text in zip(MESSAGES, decoded, strict=True):
        assert text == canonical(vector.meaning), vector.name


def test_golden_meanings_encode_to_canonical_bytes(program: Program, tmp_path: Path) -> None:
    # A string of MQL5 ends at a zero: it cannot hold the one vector that has a zero in a name.
    chosen = [v for v in MESSAGES if v.canonical and "\0" not in str(v.meaning.get("op"))]
    encoded = run(program, tmp_path, "encode", b"".join(calls(v.meaning) for v in chosen))
    for vector, text in zip(chosen, encoded, strict=True):
        assert text == vector.body.hex(), vector.name


def test_malformed_golden_bodies_are_refused(program: Program, tmp_path: Path) -> None:
    decoded = run(program, tmp_path, "decode", bodies(MALFORMED))
    accepted = [v.name for v, text in zip(MALFORMED, decoded, strict=True) if text != "broken"]
    assert accepted == []


def test_damaged_bodies_are_refused_where_python_refuses_them(
    program: Program, tmp_path: Path
) -> None:
    random = Random(3)
    sound = [vector.body for vector in MESSAGES if len(vector.body) < 600]
    damaged = [damaged_bytes(sound, random) for _ in range(3000)]
    decoded = run(program, tmp_path, "decode", b"".join(map(framed, damaged)))
    for body, text in zip(damaged, decoded, strict=True):
        read = outcome(body)
        assert (text == "broken") == isinstance(read, WireError), f"{body.hex()}: {read}"
        assert text != "unreadable", body.hex()


HOSTILE = {
    "nothing": b"",
    "a map of 2^32": b"\xdf\xff\xff\xff\xff",
    "an array of 2^32": b"\x81\xa1x\xdd\xff\xff\xff\xff",
    "bin of 2 GiB": b"\x81\xa1x\xc6\x7f\xff\xff\xff",
    "bin of 4 GiB": b"\x81\xa1x\xc6\xff\xff\xff\xff",
    "a string of 2 GiB": b"\x81\xdb\x7f\xff\xff\xff",
    "an ext of 2 GiB": b"\x81\xa1x\xc9\x7f\xff\xff\xff\x05",
    "an ext without its type": b"\x81\xa1x\xc7\x00",
    "800 nested arrays of 80 million": b"\x81\xa1x" + b"\xdd\x05\x00\x00\x00" * 800,
    "one array too deep": b"\x81\xa1x" + b"\x91" * 1023 + b"\x90",
    "one map too deep": b"\x81\xa1x" + b"\x81\xa0" * 1023 + b"\x80",
    "60,000 nested arrays": b"\x81\xa1x" + b"\x91" * 60_000,
    "a timestamp of 5 bytes": b"\x81\xa1x\xc7\x05\xff\0\0\0\0\0",
    "a timestamp of too many nanoseconds": b"\x81\xa1x\xd7\xff" + b"\xff" * 8,
    "one part too many": b"\x81\xa1x\xdd" + struct.pack(">I", 65_534) + b"\x80" * 65_534,
}
HARMLESS = {
    "arrays as deep as may be": b"\x81\xa1x" + b"\x91" * 1022 + b"\x90",
    "as many parts as may be": b"\x81\xa1x\xdd" + struct.pack(">I", 65_533) + b"\x80" * 65_533,
    "a timestamp": b"\x81\xa1x\xd7\xff\xee\x6b\x27\xfc\0\0\0\0",
    "a key of bin": b"\x81\xc4\x02id\x07",
    "a key twice": b"\x82\xa2id\x01\xa2id\x02",
}


def test_the_limits_are_pythons(program: Program, tmp_path: Path) -> None:
    limits = {**HOSTILE, **HARMLESS}
    decoded = run(program, tmp_path, "decode", b"".join(map(framed, limits.values())))
    for (name, body), text in zip(limits.items(), decoded, strict=True):
        assert (text == "broken") == (name in HOSTILE), name
        assert isinstance(outcome(body), WireError) == (name in HOSTILE), name


def test_golden_replies_read_as_values(program: Program, tmp_path: Path) -> None:
    read = run(program, tmp_path, "replies", bodies(REPLIES))
    for vector, line in zip(REPLIES, read, strict=True):
        assert line == read_as(vector.meaning), vector.name


def test_every_code_of_the_wire_is_an_error_by_its_name(program: Program, tmp_path: Path) -> None:
    codes = [code.value for code in Code]
    refusals = [{**OK, "ok": False, "code": code, "message": "why\n so"} for code in codes]
    read = run(program, tmp_path, "replies", packed(refusals))
    assert read == [f"id 7|{code}|why  so" for code in codes]


def test_a_code_of_a_later_daemon_is_told_with_its_message(
    program: Program, tmp_path: Path
) -> None:
    refusals = [{**OK, "ok": False, "code": "brand_new", "message": "x" * 5000}]
    (read,) = run(program, tmp_path, "replies", packed(refusals))
    assert read.startswith("id 7|unknown_code|The daemon answers brand_new: xxxx")
    assert len(read) < 500


OK = {"v": 1, "id": 7, "ok": True}
FORECAST = {
    "model": "m@1",
    "time": 1_700_000_000,
    "tf": 3600,
    "horizon": 1,
    "levels": [0.1, 0.9],
    "quantiles": struct.pack("<2d", 1.0, 1.5),
    "up": struct.pack("<d", 0.5),
}
MODEL = {
    "name": "m",
    "version": "1",
    "task": "forecast",
    "inputs": "ohlc",
    "context": 128,
    "horizon": 2,
    "levels": [0.1, 0.5],
    "tf": 3600,
    "symbols": [],
    "default": True,
}


BAD_ENVELOPES: list[dict[str, Any]] = [
    {},
    {"v": 1, "id": 7},
    {"v": 1, "ok": True},
    {"id": 7, "ok": True},
    {**OK, "v": "1"},
    {**OK, "v": 1.0},
    {**OK, "id": -1},
    {**OK, "id": 1.0},
    {**OK, "id": None},
    {**OK, "ok": 1},
    {**OK, "code": 5},
    {**OK, "message": b"x"},
]


def test_a_reply_without_a_sound_envelope_is_bad(program: Program, tmp_path: Path) -> None:
    read = run(program, tmp_path, "replies", packed(BAD_ENVELOPES))
    for envelope, line in zip(BAD_ENVELOPES, read, strict=True):
        assert line.startswith("bad_reply|"), envelope


def test_a_reply_of_another_version_says_what_to_do(program: Program, tmp_path: Path) -> None:
    (read,) = run(program, tmp_path, "replies", packed([{**OK, "v": 2}]))
    assert read.startswith("bad_version|The daemon speaks version 2")
    assert "update eabridge" in read


WRONG_IN_A_FORECAST: dict[str, tuple[Any, ...]] = {
    "model": (None, 1, b"m@1", ""),
    "time": (None, 1.5, "1", 1 << 63),
    "tf": (None, 1.0, 1 << 63),
    "horizon": (None, 0, -1, 1.0, 65_537, 1 << 40),
    "levels": (None, 0.5, "x", [None], ["x"], [[0.5]]),
    "quantiles": (None, 5, "x", b"1234567", ["x"], [True]),
    "up": (None, b"1", {}),
    "cached": (None, 1),
    "infer_us": (None, -1, 1.5),
}


def test_a_forecast_of_wrong_types_is_not_read(program: Program, tmp_path: Path) -> None:
    wrong = [{field: value} for field, values in WRONG_IN_A_FORECAST.items() for value in values]
    replies = [{**OK, **FORECAST, **fields} for fields in [{}, *wrong]]
    right, *read = run(program, tmp_path, "replies", packed(replies))
    assert "|forecast m@1 " in right
    for fields, line in zip(wrong, read, strict=True):
        assert "|forecast" not in line, fields


def test_models_are_found_by_name_by_label_and_by_default(program: Program, tmp_path: Path) -> None:
    later = {**MODEL, "version": "2", "default": False, "inputs": "close", "tf": 0}
    other = {"name": "p", "version": "9", "task": "parse", "levels": None, "context": "any"}
    hello = packed([{**OK, "models": [other, MODEL, later]}])
    for asked, label, columns in [("", "m@1", 4), ("m", "m@1", 4), ("m@2", "m@2", 1)]:
        (read,) = run(program, tmp_path, "replies", hello, Model=asked)
        assert f"|model {label} {columns} 128 2 " in read
    (read,) = run(program, tmp_path, "replies", hello, Model="nobody")
    assert "|unknown_model The daemon has no model 'nobody': it has m@1, m@2" in read


NO_MODELS: list[dict[str, Any]] = [
    {"context": 0},
    {"context": -5},
    {"context": 1 << 40},
    {"context": 128.0},
    {"horizon": 0},
    {"horizon": 1 << 17},
    {"levels": []},
    {"levels": [0.5, 0.1]},
    {"levels": [0.0, 0.5]},
    {"levels": [float("nan")]},
    {"levels": ["x"]},
    {"inputs": "volume"},
    {"tf": -1},
]


def test_a_model_that_cannot_be_is_not_taken(program: Program, tmp_path: Path) -> None:
    hellos = [{**OK, "models": [{**MODEL, **fields}]} for fields in NO_MODELS]
    read = run(program, tmp_path, "replies", packed(hellos))
    for fields, line in zip(NO_MODELS, read, strict=True):
        assert "|bad_reply" in line, fields


def test_requests_read_as_what_was_asked(program: Program, tmp_path: Path) -> None:
    hello, health, by_label, by_default = (
        unpack(bytes.fromhex(line)) for line in run(program, tmp_path, "requests")
    )
    assert hello == {"v": 1, "op": "hello", "id": 1, "ttl_ms": 250}
    assert health == {"v": 1, "op": "health", "id": (1 << 64) - 1, "ttl_ms": (1 << 32) - 1}
    assert parse_envelope(by_label).ttl_ms == 5000
    asked = parse_forecast(by_label)
    assert (asked.model, asked.symbol, asked.tf) == ("fx-h1@0123456789ab", "EURUSD", 3600)
    assert (asked.time, asked.columns) == (1_700_000_000, 4)
    assert asked.values == struct.pack("<512d", *(1 + i / 1024 for i in range(512)))
    asked = parse_forecast(by_default)
    assert (asked.model, asked.columns) == (None, 1)
    assert asked.values == struct.pack("<300d", *(1 + i / 1024 for i in range(300)))


def run(
    program: Program, folder: Path, scenario: str, data: bytes = b"", **inputs: object
) -> list[str]:
    """The lines that the program writes about `data`."""
    terminal = Terminal(folder)
    (terminal.files / "in.bin").write_bytes(data)
    result = program.script(terminal, inputs={"Scenario": scenario, **inputs}, timeout=120)
    assert (result.code, result.undeleted) == (0, []), result.journal
    return (terminal.files / "out.txt").read_text(encoding="utf-8").splitlines()


def framed(body: bytes) -> bytes:
    return struct.pack("<i", len(body)) + body


def bodies(found: Sequence[Vector]) -> bytes:
    return b"".join(framed(vector.body) for vector in found)


def packed(messages: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(framed(msgpack.packb(message)) for message in messages)


def outcome(body: bytes) -> object:
    try:
        return unpack(body)
    except WireError as error:
        return error


def canonical(value: Any) -> str:
    """A value as one line of text: a letter for its type, and its bits."""
    if value is None:
        return "n"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return "d" + hex_of([value])
    if isinstance(value, str):
        text = value.partition("\0")[0]  # where a string of MQL5 ends
        return "s" + text.encode("utf-16-be").hex()
    if isinstance(value, bytes):
        return "b" + value.hex()
    if isinstance(value, Extension):
        return f"x{value.type}:{value.data.hex()}"
    if isinstance(value, list):
        return " ".join(["[", *map(canonical, value), "]"])
    entries = [canonical(each) for entry in value.items() for each in entry]
    return " ".join(["{", *entries, "}"])


def calls(value: Any) -> bytes:
    """The calls that pack a message, and the one that ends it."""
    return b"".join(_calls(value)) + struct.pack("<iq", Call.END, 0)[:4]


def _calls(value: Any) -> Iterator[bytes]:
    if value is None:
        yield struct.pack("<iq", Call.NIL, 0)
    elif isinstance(value, bool):
        yield struct.pack("<iq", Call.BOOL, value)
    elif isinstance(value, int) and value >= 1 << 63:
        yield struct.pack("<iQ", Call.UINT, value)
    elif isinstance(value, int):
        yield struct.pack("<iq", Call.INT, value)
    elif isinstance(value, float):
        yield struct.pack("<id", Call.FLOAT, value)
    elif isinstance(value, str):
        letters = value.encode("utf-16-le")
        yield struct.pack("<iq", Call.STRING, len(letters) // 2) + letters
    elif isinstance(value, bytes) and value and len(value) % 8 == 0:
        yield struct.pack("<iq", Call.DOUBLES, len(value) // 8) + value
    elif isinstance(value, bytes):
        yield struct.pack("<iq", Call.BIN, len(value)) + value
    elif isinstance(value, list):
        yield struct.pack("<iq", Call.ARRAY, len(value))
        for item in value:
            yield from _calls(item)
    else:
        yield struct.pack("<iq", Call.MAP, len(value))
        for key, item in value.items():
            yield from _calls(key)
            yield from _calls(item)


def read_as(meaning: dict[str, Any]) -> str:
    """What Wire.mq5 says of a reply of this meaning."""
    line = f"id {meaning['id']}"
    if not meaning["ok"]:
        return f"{line}|{meaning['code']}|{meaning['message']}"
    if "quantiles" in meaning:
        words = [meaning[key] for key in ("model", "time", "tf", "horizon")]
        words += [hex_of(numbers(meaning[key])) for key in ("levels", "quantiles", "up")]
        words.append("cached" if meaning["cached"] else "computed")
        words += [meaning["infer_us"], meaning["server_us"]]
        line += "|forecast " + " ".join(map(str, words))
    if "models" in meaning:
        model = next(model for model in meaning["models"] if model["default"])
        words = [f"{model['name']}@{model['version']}", 4 if model["inputs"] == "ohlc" else 1]
        words += [model["context"], model["horizon"], model["tf"], hex_of(model["levels"])]
        line += "|model " + " ".join(map(str, words))
    else:
        line += "|unknown_model The daemon has no model '': it has none that forecasts"
    if "status" in meaning:
        fields = ("status", "uptime_s", "requests", "errors", "queued", "p50_us", "p99_us")
        line += "|health " + " ".join(str(meaning[field]) for field in fields)
    return line


def numbers(field: bytes | list[float]) -> Sequence[float]:
    return [n for (n,) in struct.iter_unpack("<d", field)] if isinstance(field, bytes) else field


def hex_of(values: Sequence[float]) -> str:
    return struct.pack(f">{len(values)}d", *values).hex()
