"""Messages between two processes of ours: whole, bounded, and from nobody else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from bridge.backends.channel import Channel, Meeting, as_message, connect, read_arrays


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    meeting = Meeting()
    theirs = connect(meeting.port, meeting.token)
    ours = meeting.accept(lambda: True, 10.0)
    meeting.close()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_arrays_arrive_bit_for_bit(ends: tuple[Channel, Channel]) -> None:
    bars = np.random.default_rng(0).normal(size=(64, 128, 4))
    time = np.arange(64.0)
    sending = threading.Thread(target=ends[0].send, args=as_message(bars=bars, time=time))
    sending.start()  # it is larger than what the system keeps for us
    header, body = ends[1].receive()
    sending.join()
    got_bars, got_time = read_arrays(header, ("bars", "time"), body)
    assert got_bars.tobytes() == bars.tobytes()
    assert got_time.tobytes() == time.tobytes()


def test_an_array_that_is_a_view_arrives_as_what_it_shows(ends: tuple[Channel, Channel]) -> None:
    shown = np.arange(12.0).reshape(3, 4)[::-1, ::2]
    ends[0].send(*as_message(a=shown))
    header, body = ends[1].receive()
    np.testing.assert_array_equal(read_arrays(header, ("a",), body)[0], shown)


@pytest.mark.parametrize(
    "header",
    [{}, {"a": [2]}, {"a": [4]}, {"a": [-1]}, {"a": "3"}, {"a": 3}, {"a": [1 << 62, 1 << 62]}],
    ids=repr,
)
def test_numbers_that_are_not_those_announced_are_refused(header: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_arrays(header, ("a",), bytearray(24))


def test_the_end_of_one_end_is_told_at_the_other(ends: tuple[Channel, Channel]) -> None:
    ends[0].close()
    assert ends[1].wait(10.0)
    with pytest.raises(OSError, match="gone"):
        ends[1].receive()


def test_whoever_waits_is_told_that_its_own_end_was_closed(ends: tuple[Channel, Channel]) -> None:
    told: list[OSError] = []

    def receive() -> None:
        try:
            ends[0].receive()
        except OSError as error:
            told.append(error)

    waiting = threading.Thread(target=receive)
    waiting.start()
    waiting.join(0.1)
    ends[0].close()
    waiting.join(10.0)
    assert len(told) == 1


def test_waiting_takes_nothing_away(ends: tuple[Channel, Channel]) -> None:
    assert not ends[1].wait(0.01)
    ends[0].send({"a": 1}, b"body")
    assert ends[1].wait(10.0)
    assert ends[1].receive() == ({"a": 1}, bytearray(b"body"))


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack("<IQ", 1 << 31, 0),
        struct.pack("<IQ", 0, 1 << 60),
        struct.pack("<IQ", 1, 0) + b"\xc1",
        struct.pack("<IQ", 1, 0) + b"\x01",
        struct.pack("<IQ", 4, 0) + b"\xdf\xff\xff\xff",
    ],
    ids=["a long header", "a long body", "no msgpack", "no map", "a map cut short"],
)
def test_bytes_that_no_end_of_ours_sends_are_refused(sent: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stranger = socket.create_connection(listener.getsockname())
        channel = Channel(listener.accept()[0])
        stranger.sendall(sent)
        stranger.close()
        with pytest.raises(OSError, match=r"announces more|sends no message"):
            channel.receive()
        channel.close()


def test_strangers_are_sent_away_until_the_right_one_comes() -> None:
    meeting = Meeting()
    strangers = [socket.create_connection(("127.0.0.1", meeting.port)) for _ in range(3)]
    strangers[0].sendall(bytes(32))
    strangers[1].close()
    strangers[2].sendall(b"GET / HTTP/1.0\r\n\r\n")
    theirs = connect(meeting.port, meeting.token)
    ours = meeting.accept(lambda: True, 30.0)
    meeting.close()
    ours.send({"hello": True})
    assert theirs.receive()[0] == {"hello": True}
    strangers[0].settimeout(10.0)
    with suppress(ConnectionResetError):
        assert strangers[0].recv(1) == b""
    for each in (ours, theirs, *strangers):
        each.close()


def test_nobody_is_waited_for_who_is_no_more() -> None:
    meeting = Meeting()
    with pytest.raises(OSError, match="does not connect"):
        meeting.accept(lambda: False, 600.0)
    meeting.close()
