"""The codec: maps to bytes and back, and no bytes that raise anything but a `WireError`."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.wire.codec import MAX_BODY_BYTES, MAX_PARTS, is_int, pack, peek_id, unpack
from bridge.wire.errors import Code, WireError
from tests.wire.golden import vectors

MEBIBYTE = 1 << 20
MALFORMED = [vector.body for vector in vectors("malformed.json")]

# Every type of the protocol's tables, nested as unknown keys may nest them.
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=15,
)
maps = st.dictionaries(st.text(max_size=40), values, max_size=8)
bodies = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda tail: b"\x82\xa1v\x01\xa1x" + tail),
    st.tuples(maps.map(pack), st.integers(0, 200), st.binary(max_size=8)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + len(parts[2]) :]
    ),
    st.sampled_from(MALFORMED),
)


def outcome(body: bytes) -> object:
    try:
        return unpack(body)
    except WireError as error:
        return error


def refusal(body: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        unpack(body)
    return caught.value


@given(maps)
@example({"x": "x" * 70_000, "y": bytes(70_000), "z": [0] * 70_000, "u": {"": {}}})
@example({f"x{number}": number for number in range(300)})
@example({"quantiles": struct.pack("<3d", 1.1, -0.0, math.nan), "id": (1 << 64) - 1})
def test_any_map_of_the_protocols_types_comes_back(message: dict[str, Any]) -> None:
    body = pack(message)
    decoded = unpack(body)
    assert pack(decoded) == body
    assert repr(decoded) == repr(message)  # tells 1 from 1.0 and True, and is alike for nan


@given(bodies)
def test_arbitrary_bytes_are_a_map_or_a_bad_message(body: bytes) -> None:
    read = outcome(body)
    if isinstance(read, WireError):
        assert read.code is Code.BAD_MESSAGE
        assert read.message.endswith(("with string keys", "exactly one msgpack map"))
    else:
        assert isinstance(read, dict)


@given(bodies)
def test_an_id_is_peeked_from_arbitrary_bytes_or_is_zero(body: bytes) -> None:
    assert 0 <= peek_id(body) < 1 << 64


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "incomplete"),
        (b"\x82\xa1v\x01", "incomplete"),
        (b"\xdf\xff\xff\xff\xff", "4294967295 exceeds max_map_len"),
        (b"\x81\xa1x\xdd\xff\xff\xff\xff", "4294967295 exceeds max_array_len"),
        (b"\x81\xa1v", "incomplete"),
        (b"\x80\xc0\xc0", "2 bytes follow the map"),
        (b"\xc1", "cannot be read"),
        (b"\x91\x01", "a msgpack list"),
        (b"\xc0", "a msgpack NoneType"),
        (b"\x81\x05\x00", "is not allowed for map key"),
        (b"\x81\x90\x00", "is not allowed for map key"),
        (b"\x81\xa1\xff\x00", "utf-8"),
        (b"\x81\xa1x" + b"\x91" * 60_000, "nested too deep"),
        (b"\x81\xa1x" + b"\x81\xa0" * 60_000, "nested too deep"),
        (b"\x81\xa1x\xc7\x05\xff\0\0\0\0\0", "imestamp"),
        (b"\x81\xa1x\xd7\xff" + b"\xff" * 8, "nanoseconds"),
    ],
)
def test_a_bad_message_is_told_what_is_wrong(body: bytes, says: str) -> None:
    error = refusal(body)
    assert error.code is Code.BAD_MESSAGE
    assert says in error.message


@pytest.mark.parametrize("code", [-128, -2, 0, 5, 127])
def test_an_extension_of_any_type_may_stand_under_an_unknown_key(code: int) -> None:
    assert list(unpack(b"\x81\xa1x\xd4" + struct.pack(">b", code) + b"\x00")) == ["x"]


@pytest.mark.parametrize("form", ["d6ff00000000", "d7ff0000000000000000", "c70cff" + "00" * 12])
def test_a_timestamp_may_stand_under_an_unknown_key(form: str) -> None:
    assert list(unpack(b"\x81\xa1x" + bytes.fromhex(form))) == ["x"]


def test_the_largest_body_is_read() -> None:
    head = b"\x81\xa1x\xc6"
    length = MAX_BODY_BYTES - len(head) - 4
    body = head + struct.pack(">I", length) + bytes(length)
    assert len(unpack(body)["x"]) == length


def test_a_larger_body_is_too_large() -> None:
    error = refusal(bytes(MAX_BODY_BYTES + 1))
    assert error.code is Code.TOO_LARGE
    assert "16,777,217 bytes" in error.message
    assert "16,777,216" in error.message


def array_of(count: int, each: bytes) -> bytes:
    return b"\x81\xa1x\xdd" + struct.pack(">I", count) + each * count


@pytest.mark.parametrize("part", [b"\x90", b"\x80", b"\x81\xa0\xc0", b"\x91\x90"])
def test_a_message_of_too_many_parts_is_too_large(part: bytes) -> None:
    error = refusal(array_of(MAX_PARTS, part))
    assert error.code is Code.TOO_LARGE
    assert "65,536 arrays, maps and map entries" in error.message


def test_a_message_of_just_few_enough_parts_is_read() -> None:
    # The array and the map around the empty maps are parts too, and so is the map's entry.
    assert len(unpack(array_of(MAX_PARTS - 3, b"\x80"))["x"]) == MAX_PARTS - 3
    assert refusal(array_of(MAX_PARTS - 2, b"\x80")).code is Code.TOO_LARGE


def test_numbers_and_strings_are_no_parts() -> None:
    assert len(unpack(array_of(MAX_PARTS * 2, b"\x01"))["x"]) == MAX_PARTS * 2
    assert len(unpack(array_of(MAX_PARTS * 2, b"\xa1x"))["x"]) == MAX_PARTS * 2


def peak_bytes(read: Callable[[bytes], object], body: bytes) -> int:
    """What reading `body` allocated at most, beside `body` itself."""
    tracemalloc.start()
    try:
        read(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


HOSTILE = {
    "an array of 2^32": b"\x81\xa1x\xdd\xff\xff\xff\xff",
    "a map of 2^32": b"\xdf\xff\xff\xff\xff",
    "an array of 80 million": b"\x81\xa1x\xdd\x05\x00\x00\x00",
    "bin of 2 GiB": b"\x81\xa1x\xc6\x7f\xff\xff\xff",
    "a string of 2 GiB": b"\x81\xdb\x7f\xff\xff\xff",
    "an ext of 2 GiB": b"\x81\xa1x\xc9\x7f\xff\xff\xff\x05",
    "800 nested arrays of 80 million as a key": b"\x81" + b"\xdd\x05\x00\x00\x00" * 800,
    "800 nested arrays of 80 million": b"\x81\xa1x" + b"\xdd\x05\x00\x00\x00" * 800,
    "600 nested maps of 40 million": b"\x81\xa1x" + b"\xdf\x02\x00\x00\x00\xa0" * 600,
    "4000 nested arrays of 1": b"\x81\xa1x" + b"\x91" * 4000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_few_hostile_bytes_allocate_little(name: str) -> None:
    assert peak_bytes(outcome, HOSTILE[name]) < MEBIBYTE
    assert peak_bytes(peek_id, HOSTILE[name]) < MEBIBYTE


def test_nested_arrays_that_each_announce_the_whole_body_allocate_little_more() -> None:
    # msgpack before 1.2.4 made room for all that is announced: here, 8 GB.
    body = (b"\x81\xa1x" + b"\xdd\x00\x0f\xff\x00" * 1000).ljust(MEBIBYTE, b"\x01")
    assert peak_bytes(outcome, body) < 100 * MEBIBYTE


@pytest.mark.parametrize("part", [b"\x90", b"\x80", b"\x81\xa0\xc0", b"\x82\xa0\x90\xa1y\x90"])
def test_the_largest_body_of_empty_parts_allocates_no_multiple_of_itself(part: bytes) -> None:
    body = array_of((MAX_BODY_BYTES - 16) // len(part), part)
    assert peak_bytes(outcome, body) < 10 * MAX_BODY_BYTES  # up to 8 are the outer array's


if sys.platform == "linux":  # elsewhere a process's memory cannot be limited from within

    def test_a_message_that_memory_cannot_hold_is_too_large() -> None:
        script = """
import resource
from bridge.wire.codec import MAX_BODY_BYTES, unpack
from bridge.wire.errors import WireError
count = MAX_BODY_BYTES - 16
body = b"\\x81\\xa1x\\xdd" + count.to_bytes(4, "big") + b"\\x01" * count
with open("/proc/self/statm") as statm:
    pages = int(statm.read().split()[0])
limit = pages * resource.getpagesize() + 32 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    unpack(body)
except WireError as error:
    print(error.code.value)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("too_large\n", "")


@pytest.mark.parametrize(
    "body",
    [
        b"\x82\xa1v\x01\xa2id\xcd\x01\x00",
        b"\x82\xa2id\xcd\x01\x00\xa1x\xc6\xff\xff\xff\xff",
        b"\x82\xa2id\xcd\x01\x00\xc1",
        b"\x82\xa1x\x82\xa2id\x05\xa1y\x90\xa2id\xcd\x01\x00",
        b"\x82\xa2id\xcd\x01\x00\xa1x\xda\xff\xff" + b"x" * 0xFFFF + b"\x00",
    ],
)
def test_the_id_of_a_message_that_is_refused_is_peeked(body: bytes) -> None:
    assert peek_id(body) == 256


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x90",
        b"\x80",
        b"\x81\xa2id",
        b"\x81\xa2id\xff",
        b"\x81\xa2id\xc3",
        b"\x81\xa2id\xca\x3f\x80\x00\x00",
        b"\x81\xa2id\xa17",
        b"\x82\xa1x\xc5\xff\xff" + b"x" * 0xFFFF + b"\xa2id\x07",
        b"\x81\xc4\x02id\x07",
    ],
)
def test_where_no_valid_id_is_near_the_start_it_is_zero(body: bytes) -> None:
    assert peek_id(body) == 0


def test_a_boolean_and_a_float_are_no_integers() -> None:
    assert is_int(1)
    assert not is_int(True)
    assert not is_int(1.0)
