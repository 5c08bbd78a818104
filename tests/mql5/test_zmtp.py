"""ZMTP in MQL5 against peers made of bytes: what it sends, what it understands, what it refuses.

Over the terminal's own sockets and over winsock, on Linux and as a Windows program.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
import zmq

from tests.mql5.network import Carrier, build_network
from tests.mql5.peers import (
    COMMAND,
    GREETING_BYTES,
    LONG,
    MORE,
    Behaviour,
    Listener,
    Talk,
    command,
    enveloped,
    frame,
    greeting,
    ready,
    unused_endpoint,
    zeromq,
)
from tests.mql5.terminal import Terminal

ENOUGH_MS = 20_000  # for what must succeed: a loaded machine is slow
LIMIT_MS = 400  # for what must fail when the time is up
ASK = f"ask {ENOUGH_MS} hello"
CONNECT = f"connect {ENOUGH_MS}"


# Whether SocketRead waits for all that it is asked for, the documentation leaves open.
CARRIERS = ["native", "native, short reads", "winsock", "winsock on windows"]


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    settings = {"socket_read_waits": "short reads" not in request.param}
    terminal = Terminal(tmp_path, allow_dll=True, settings=settings)
    platform = "windows" if "windows" in request.param else "linux"
    return Carrier(build_network(platform), terminal, request.param.split()[0].strip(","))


def answer(talk: Talk) -> None:
    """Greets, and answers each request with itself."""
    talk.greet()
    while True:
        talk.reply(talk.request())


def sending(*pieces: bytes) -> Behaviour:
    """Sends something, and no more."""

    def behave(talk: Talk) -> None:
        talk.send(*pieces)
        talk.wait()

    return behave


def readying(ours: bytes) -> Behaviour:
    """Greets, and sends something in READY's place."""

    def behave(talk: Talk) -> None:
        talk.greet(ours_ready=ours)
        talk.wait()

    return behave


def replying(*pieces: bytes) -> Behaviour:
    """Greets, takes a request, and sends something in a reply's place."""

    def behave(talk: Talk) -> None:
        talk.greet()
        talk.request()
        talk.send(*pieces)
        talk.wait()

    return behave


# What it sends


def test_it_greets_as_zmtp_3_1_with_null_and_is_ready_as_a_req_socket(carrier: Carrier) -> None:
    with Listener(answer) as listener:
        carrier.take(listener.endpoint, CONNECT, ASK)
        sent = bytes(listener.talks[0].received)
    assert sent[:GREETING_BYTES] == greeting()
    property_ = b"\x0bSocket-Type\x00\x00\x00\x03REQ"
    assert sent[GREETING_BYTES:] == command(b"READY", property_) + enveloped(b"hello")


def test_a_request_leaves_in_one_piece(carrier: Carrier) -> None:
    pieces: list[bytes] = []

    def note(talk: Talk) -> None:
        talk.greet()
        talk.connection.settimeout(None)
        pieces.append(talk.connection.recv(1 << 16))
        talk.reply(b"noted")

    with Listener(note) as listener:
        carrier.take(listener.endpoint, CONNECT, f"ask {ENOUGH_MS} " + "x" * 300)
    assert pieces == [enveloped(b"x" * 300)]


# What it understands


@pytest.mark.parametrize("kind", ["ROUTER", "REP"])
def test_libzmq_peers_get_and_give_bodies_of_any_size(carrier: Carrier, kind: str) -> None:
    sizes = [1, 255, 256, 65_536, 1 << 20]
    with zeromq(kind=getattr(zmq, kind)) as endpoint:
        steps = [f"echo {ENOUGH_MS} {size}" for size in sizes]
        taken = carrier.take(endpoint, CONNECT, *steps)
    assert [(step.outcome, step.text) for step in taken[1:]] == [("ok", "same")] * len(sizes)


def test_peers_of_zmtp_3_and_later_are_spoken_to(carrier: Carrier) -> None:
    versions = [(3, 0), (3, 1), (3, 9), (4, 0)]

    def of(major: int, minor: int) -> Behaviour:
        def behave(talk: Talk) -> None:
            talk.greet(greeting(major, minor))
            talk.reply(talk.request())

        return behave

    with Listener(*(of(*version) for version in versions)) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT, ASK, "close"] * len(versions))
    assert [step.text for step in taken[1::3]] == ["hello"] * len(versions)


def test_bytes_may_come_one_at_a_time(carrier: Carrier) -> None:
    def dribble(talk: Talk) -> None:
        talk.send(*each_byte(greeting() + ready()), pause=0.001)
        talk.take(GREETING_BYTES)
        talk.take_frame()
        talk.request()
        reply = frame(b"", MORE | LONG) + frame(b"slowly", LONG)
        talk.send(*each_byte(command(b"PING", b"\0\0x") + reply), pause=0.001)
        talk.wait()

    with Listener(dribble) as listener:
        assert carrier.last(listener.endpoint, CONNECT, ASK).text == "slowly"


def test_a_wait_may_be_given_up_anywhere_in_a_reply_and_taken_up_again(carrier: Carrier) -> None:
    reply = command(b"LATER") + enveloped(b"y" * 300)
    cuts = [1, 2, 5, len(command(b"LATER")), 9, 10, 11, 12, 18, 19, 100, len(reply) - 1]
    seen = threading.Event()

    def cut(talk: Talk) -> None:
        talk.greet()
        for at in cuts:
            talk.request()
            talk.send(reply[:at])
            talk.request()  # the sign that the wait was given up
            talk.send(reply[at:])
        seen.set()
        talk.wait()

    round_of_one = ["ask 60 first", f"send {ENOUGH_MS} second", f"reply {ENOUGH_MS}"]
    with Listener(cut) as listener:
        _, *taken = carrier.take(listener.endpoint, CONNECT, *round_of_one * len(cuts))
    assert seen.is_set()
    assert [step.outcome for step in taken] == ["timeout", "ok", "ok"] * len(cuts)
    assert {step.text for step in taken[2::3]} == {"y" * 300}


def test_a_ping_is_answered_wherever_it_comes(carrier: Carrier) -> None:
    def pinging(context: bytes) -> Behaviour:
        ping = command(b"PING", b"\x00\x10" + context)
        pong = command(b"PONG", context)

        def behave(talk: Talk) -> None:
            talk.send(greeting() + ping + ready())
            talk.take(GREETING_BYTES)
            talk.take_frame()
            assert talk.take(len(pong)) == pong
            talk.request()
            talk.send(ping + frame(b"", MORE) + ping + ping)
            for _ in range(3):
                assert talk.take(len(pong)) == pong
            talk.send(frame(b"done"))
            talk.wait()

        return behave

    contexts = [b"", b"c", b"sixteen letters!"]
    with Listener(*map(pinging, contexts)) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT, ASK, "close"] * len(contexts))
    assert [step.text for step in taken[1::3]] == ["done"] * len(contexts)


def test_commands_that_it_does_not_know_are_passed_over(carrier: Carrier) -> None:
    unknown = command(b"SUBSCRIBE", b"x") + command(b"") + frame(b"\x05LATER" + bytes(7000), 6)

    def behave(talk: Talk) -> None:
        talk.greet(greeting() + unknown)
        talk.request()
        talk.send(unknown + frame(b"", MORE) + unknown + frame(b"here"))
        talk.wait()

    with Listener(behave) as listener:
        assert carrier.last(listener.endpoint, CONNECT, ASK).text == "here"


def test_a_ready_may_have_any_properties_in_any_case(carrier: Carrier) -> None:
    more = b"\x08Identity\x00\x00\x00\x00" + b"\x06X-Long\x00\x00\x01\x2c" + bytes(300)

    def behave(talk: Talk) -> None:
        talk.greet(ours_ready=ready(name=b"SOCKET-TYPE", more=more))
        talk.reply(talk.request())

    with Listener(behave) as listener:
        assert carrier.last(listener.endpoint, CONNECT, ASK).text == "hello"


def test_an_empty_body_is_a_body(carrier: Carrier) -> None:
    with Listener(replying(enveloped(b""))) as listener:
        step = carrier.last(listener.endpoint, CONNECT, ASK)
    assert (step.outcome, step.text) == ("ok", "")


def test_several_replies_at_once_are_taken_one_by_one(carrier: Carrier) -> None:
    replies = b"".join(enveloped(bytes([letter]) * 400) for letter in b"abc")
    with Listener(replying(replies)) as listener:
        more = [f"reply {ENOUGH_MS}"] * 2
        taken = carrier.take(listener.endpoint, CONNECT, ASK, *more)
    assert [step.text for step in taken[1:]] == ["a" * 400, "b" * 400, "c" * 400]


# What it refuses


OTHERS = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "another server": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a byte": b"\x00",
    "no signature": b"\xff" + bytes(8) + b"\x7e" + bytes(54),
    "ZMTP 2": b"\xff" + bytes(8) + b"\x7f\x01\x05",
    "ZMTP 1": b"\x01\x00",
}


def test_what_is_no_zeromq_peer_is_told_at_once(carrier: Carrier) -> None:
    with Listener(*map(sending, OTHERS.values())) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT] * len(OTHERS))
    for name, step in zip(OTHERS, taken, strict=True):
        assert step.outcome == "not_zmtp, closed", name
        assert "give the port that eabridge serve names" in step.text
        assert step.milliseconds < ENOUGH_MS / 2, name


def test_a_peer_that_wants_keys_is_told_apart(carrier: Carrier) -> None:
    curve, plain = (sending(greeting(mechanism=name)) for name in (b"CURVE", b"PLAIN"))
    with Listener(curve, plain) as listener:
        asks_for_curve, asks_for_login = carrier.take(listener.endpoint, CONNECT, CONNECT)
    assert asks_for_curve.outcome == asks_for_login.outcome == "not_zmtp, closed"
    assert "EABRIDGE_LIBZMQ" in asks_for_curve.text
    assert "login" in asks_for_login.text


def test_a_socket_of_another_kind_is_told(carrier: Carrier) -> None:
    kinds = ["PUB", "PULL", "REQ", "DEALER"]
    with Listener(*(readying(ready(kind.encode())) for kind in kinds)) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT] * len(kinds))
    for kind, step in zip(kinds, taken, strict=True):
        assert step.outcome == "not_zmtp, closed", kind
        assert f"({kind})" in step.text


def test_an_error_of_the_peers_is_told_in_its_words(carrier: Carrier) -> None:
    with Listener(readying(command(b"ERROR", b"\x0cnot for you!"))) as listener:
        step = carrier.last(listener.endpoint, CONNECT)
    assert step.outcome == "not_zmtp, closed"
    assert "not for you!" in step.text


def test_a_peers_words_are_shown_in_one_short_line(carrier: Carrier) -> None:
    error = readying(command(b"ERROR", b"\xfe" + b"no\n\r\0way" + b"!" * 300))
    kind = readying(ready(b"RO\nUTER" + b"R" * 5000))
    with Listener(error, kind) as listener:
        refused, other = carrier.take(listener.endpoint, CONNECT, CONNECT)
    assert "(no" in refused.text
    assert "(RO UTERRR" in other.text
    assert max(len(refused.text), len(other.text)) < 600


def test_a_closed_channel_says_so(carrier: Carrier) -> None:
    with Listener(replying(frame(b"x" * 300) * 3)) as listener:
        taken = carrier.take(listener.endpoint, CONNECT, ASK, f"reply {ENOUGH_MS}", ASK)
    assert [step.outcome for step in taken[1:]] == ["bad_reply, closed", *["lost, closed"] * 2]


READIES = {
    "a message in its place": enveloped(b"hello"),
    "no socket type": command(b"READY", b"\x08Identity\0\0\0\0"),
    "nothing in it": command(b"READY"),
    "a name that reaches beyond it": command(b"READY", b"\xffSocket-Type"),
    "a value that reaches beyond it": command(b"READY", b"\x0bSocket-Type\0\0\0\x07ROUTER"),
    "a value of 4 GiB": command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffROUTER"),
    "half a length": command(b"READY", b"\x0bSocket-Type\0\0"),
    "a command's name beyond it": frame(b"\x20READY", COMMAND),
    "an empty command": frame(b"", COMMAND) * 2,
    "a command that has more": frame(b"\x05READY", COMMAND | MORE),
    "a command of 8193 bytes": b"\x06" + (8193).to_bytes(8, "big"),
}


def test_a_ready_that_cannot_be_is_refused(carrier: Carrier) -> None:
    with Listener(*map(readying, READIES.values())) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT] * len(READIES))
    for name, step in zip(READIES, taken, strict=True):
        assert step.outcome == "bad_reply, closed", name
        assert step.milliseconds < ENOUGH_MS / 2, name


BROKEN = {
    "no delimiter": frame(b"hello"),
    "a delimiter that is not empty": frame(b"x", MORE) + frame(b"hello"),
    "an empty message": frame(b"") * 2,
    "three parts": frame(b"", MORE) + frame(b"hello", MORE) + frame(b"more"),
    "flags that are not defined": b"\x08\x02ab",
    "all flags": b"\xff" * 9,
    "a frame of 16 MiB and a byte": frame(b"", MORE) + b"\x02" + ((1 << 24) + 1).to_bytes(8, "big"),
    "a frame of 2^63": frame(b"", MORE) + b"\x02\x80" + bytes(7),
    "a frame of 2^64 - 1": b"\x02" + b"\xff" * 8,
    "a command of 2^32": b"\x06\0\0\0\x01\0\0\0\0",
    "a web server's words": b"HTTP/1.1 200 OK\r\n\r\n",
}


def test_frames_that_cannot_be_close_the_connection(carrier: Carrier) -> None:
    with Listener(*map(replying, BROKEN.values())) as listener:
        taken = carrier.take(listener.endpoint, *[CONNECT, ASK] * len(BROKEN))
    for name, step in zip(BROKEN, taken[1::2], strict=True):
        assert step.outcome == "bad_reply, closed", name
        assert step.milliseconds < ENOUGH_MS / 2, name


# When it gives up


# How much a peer sends before it stops: of its greeting and READY, then of a reply.
GREETED = greeting() + ready()
REPLY = enveloped(b"x" * 300)
BEFORE_READY = [GREETED[:count] for count in (0, 1, 20, GREETING_BYTES, GREETING_BYTES + 9)]
BEFORE_REPLIED = [REPLY[:count] for count in (0, 1, 2, 5, 11, 100)]


def half_a_reply(piece: bytes) -> Behaviour:
    """Sends the beginning of a reply, and leaves."""

    def behave(talk: Talk) -> None:
        talk.greet()
        talk.request()
        talk.send(piece)

    return behave


def half_a_greeting(piece: bytes) -> Behaviour:
    """Sends the beginning of its greeting, and leaves."""

    def behave(talk: Talk) -> None:
        talk.take(GREETING_BYTES)  # what is left unread would turn the end into a reset
        talk.send(piece)

    return behave


def test_a_peer_that_falls_silent_is_given_up_in_time(carrier: Carrier) -> None:
    peers = [*map(sending, BEFORE_READY), *map(replying, BEFORE_REPLIED)]
    early = [f"connect {LIMIT_MS}"] * len(BEFORE_READY)
    late = [CONNECT, f"ask {LIMIT_MS} hello", "close"] * len(BEFORE_REPLIED)
    with Listener(*peers) as listener:
        taken = carrier.take(listener.endpoint, *early, *late)
    greeted, replied = taken[: len(early)], taken[len(early) + 1 :: 3]
    assert [step.outcome for step in greeted] == ["timeout, closed"] * len(greeted)
    assert [step.outcome for step in replied] == ["timeout"] * len(replied)
    for step in greeted + replied:
        assert LIMIT_MS - 20 <= step.milliseconds < LIMIT_MS + 1000


def test_a_peer_that_leaves_is_noticed_at_once(carrier: Carrier) -> None:
    peers = [*map(half_a_greeting, BEFORE_READY), *map(half_a_reply, BEFORE_REPLIED)]
    early, late = [CONNECT] * len(BEFORE_READY), [CONNECT, ASK] * len(BEFORE_REPLIED)
    with Listener(*peers) as listener:
        taken = carrier.take(listener.endpoint, *early, *late)
    for step in taken[: len(early)] + taken[len(early) + 1 :: 2]:
        assert step.outcome == "lost, closed"
        assert step.milliseconds < ENOUGH_MS / 2


def test_a_flood_of_pings_does_not_hold_it(carrier: Carrier) -> None:
    def flood(talk: Talk) -> None:
        talk.greet()
        talk.request()
        while True:
            talk.send(command(b"PING", b"\0\0") * 100)
            talk.take(100 * len(command(b"PONG")))

    with Listener(flood) as listener:
        step = carrier.last(listener.endpoint, CONNECT, f"ask {LIMIT_MS} hello")
    assert step.outcome == "timeout"
    assert step.milliseconds < LIMIT_MS + 1000


def test_a_peer_that_reads_nothing_does_not_hold_it(carrier: Carrier) -> None:
    leave = threading.Event()

    def deaf(talk: Talk) -> None:
        talk.greet()
        leave.wait(30)

    with Listener(deaf) as listener:
        steps = [f"connect {LIMIT_MS}", f"echo {LIMIT_MS} {15 << 20}"]
        step = carrier.last(listener.endpoint, *steps)
        leave.set()
    assert step.outcome in ("lost, closed", "timeout")
    assert step.milliseconds < 2 * LIMIT_MS + 1500


def test_nobody_there_is_told(carrier: Carrier) -> None:
    endpoint = unused_endpoint()
    step = carrier.last(endpoint, f"connect {LIMIT_MS}")
    assert step.outcome == "no_daemon, closed"
    assert endpoint in step.text
    assert "eabridge serve" in step.text
    assert step.milliseconds < LIMIT_MS + 1000


# Whatever comes


def test_noise_ends_in_an_error_and_never_in_a_crash(carrier: Carrier) -> None:
    random = Random(5)
    good = [greeting(), ready(), enveloped(b"hello"), command(b"PING", b"\0\0x"), bytes(40)]
    peers = [sending(*noise(good, random)) for _ in range(60)]
    steps = ["connect 40", "ask 40 hello", "reply 20", "close"]
    with Listener(*peers) as listener:
        taken = carrier.take(listener.endpoint, *steps * len(peers))
    known = {"ok", "not_zmtp", "bad_reply", "timeout", "lost"}
    assert {step.outcome.removesuffix(", closed") for step in taken} <= known
    assert max(step.milliseconds for step in taken) < 2000


def noise(good: Sequence[bytes], random: Random) -> list[bytes]:
    """What a peer sends, with bytes changed, lost and made up."""
    whole = bytearray(good[0] + good[1] + b"".join(random.choices(good, k=3)))
    begin = random.choice((0, 10, GREETING_BYTES, GREETING_BYTES + 27))
    for _ in range(random.choice((0, 1, 3, 20))):
        whole[random.randrange(begin, len(whole))] = random.randrange(256)
    if random.random() < 0.3:
        del whole[random.randrange(begin, len(whole)) :]
    at = random.randrange(len(whole) + 1)
    return [bytes(whole[:at]), bytes(whole[at:])]


def each_byte(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]
