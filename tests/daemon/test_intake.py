"""What waits to be read: bounded, and in an order that is fair."""

from __future__ import annotations

import pytest

from bridge.daemon.intake import Intake, Message
from bridge.wire.errors import Code, WireError

MEBIBYTE = 1 << 20


def fill(intake: Intake, peer: bytes, body: bytes = b"x") -> tuple[int, WireError]:
    """How many of a peer's messages it takes, and what it says to the next."""
    for count in range(100_000):
        try:
            intake.put(Message(peer, body, count))
        except WireError as error:
            return count, error
    raise AssertionError("it takes everything")


def test_a_client_that_floods_is_told_busy_with_what_waits() -> None:
    count, error = fill(Intake(), b"flood")
    assert error.code is Code.BUSY
    assert f"{count} requests wait here" in error.message
    assert "yours are 50% of what may" in error.message
    assert "try again" in error.message


def test_beside_a_flood_another_finds_a_place_and_is_the_next() -> None:
    intake = Intake()
    fill(intake, b"flood")
    intake.pop()
    intake.put(Message(b"polite", b"x", 0))
    assert intake.pop().peer == b"polite"


def test_large_messages_take_more_room() -> None:
    count, error = fill(Intake(), b"flood", bytes(MEBIBYTE))
    assert count == 32  # half of the room is 32 MiB
    assert error.code is Code.BUSY


def test_the_largest_message_finds_room_where_little_waits() -> None:
    intake = Intake()
    intake.put(Message(b"small", b"x", 0))
    intake.put(Message(b"large", bytes(16 * MEBIBYTE), 0))
    assert len(intake) == 2


def test_messages_of_one_client_keep_their_order() -> None:
    intake = Intake()
    for number in range(10):
        intake.put(Message(b"a", bytes([number]), number))
    assert [intake.pop().received_ns for _ in range(10)] == list(range(10))


def test_what_is_refused_is_refused_as_a_wire_error() -> None:
    intake = Intake()
    fill(intake, b"a")
    with pytest.raises(WireError, match="busy"):
        intake.put(Message(b"a", b"x", 0))
