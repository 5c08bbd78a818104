"""Thousands of damaged requests to a live daemon: each is answered, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
import zmq

from bridge import Client
from bridge.answers import Forecast
from bridge.bars import Bars
from bridge.wire.codec import is_int, pack, unpack
from bridge.wire.errors import Code
from bridge.wire.messages import read_numbers
from tests.conftest import Daemon, StartDaemon
from tests.wire.golden import vectors
from tests.wire.mutation import damaged_bytes, damaged_fields

ROUNDS = 4000
SEED = 20_240_229
REQUESTS = [vector.body for vector in vectors("requests.json")]
BODIES = REQUESTS + [vector.body for vector in vectors("malformed.json")]
MESSAGES = [unpack(body) for body in REQUESTS]
CODES = {code.value for code in Code}


@pytest.fixture
def fuzzed(start_daemon: StartDaemon) -> Daemon:
    return start_daemon()


@pytest.fixture
def peer(fuzzed: Daemon) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(fuzzed.endpoint)
        yield socket


def test_every_damaged_request_is_answered_and_no_client_is_disturbed(
    fuzzed: Daemon, peer: zmq.Socket[bytes], bars: Bars
) -> None:
    random = Random(SEED)
    answers: Counter[str] = Counter()
    with Client(fuzzed.endpoint, timeout_ms=30_000, retries=0) as client:
        undisturbed = bits(client.forecast(bars))
        for number in range(ROUNDS):
            for body in (damaged_bytes(BODIES, random), pack(damaged_fields(MESSAGES, random))):
                peer.send(body)
                assert peer.poll(30_000), f"no answer to {body.hex()}"
                answers[judged(peer.recv(), body)] += 1
            if number % 20 == 0:
                assert bits(client.forecast(bars)) == undisturbed
        assert bits(client.forecast(bars)) == undisturbed
    assert fuzzed.process.poll() is None
    assert "internal error" not in fuzzed.log()
    # All that a request can earn: else the damages have lost their bite, or their aim.
    assert {"ok", "bad_message", "bad_version", "unknown_op", "bad_field"} <= answers.keys()
    assert {"short_window", "bad_values", "unknown_model", "wrong_timeframe"} <= answers.keys()


def bits(forecast: Forecast) -> tuple[str, int, bytes, bytes]:
    return forecast.model, forecast.time, forecast.quantiles.tobytes(), forecast.up.tobytes()


def judged(reply: bytes, body: bytes) -> str:
    """`ok` or the code of a reply that is well-formed, down to the items of a batch."""
    message = unpack(reply)
    told = f"{message} to {body.hex()}"
    assert message["v"] == 1, told
    assert is_int(message["id"]), told
    assert 0 <= message["id"] < 1 << 64, told
    for answer in (message, *message.get("items", [])):
        if answer["ok"] is not True:
            assert answer["ok"] is False, told
            assert answer["code"] in CODES - {Code.INTERNAL.value}, told
            assert isinstance(answer["message"], str), told
            assert 0 < len(answer["message"]) < 500, told
        elif "quantiles" in answer:
            assert_well_formed(answer, told)
    return "ok" if message["ok"] else str(message["code"])


def assert_well_formed(forecast: dict[str, Any], told: str) -> None:
    rows = forecast["horizon"], len(forecast["levels"])
    quantiles = np.frombuffer(read_numbers(forecast["quantiles"])).reshape(rows)
    up = np.frombuffer(read_numbers(forecast["up"]))
    assert np.isfinite(quantiles).all(), told
    assert (np.diff(quantiles) >= 0).all(), told
    assert len(up) == forecast["horizon"], told
    assert ((up >= 0) & (up <= 1)).all(), told
