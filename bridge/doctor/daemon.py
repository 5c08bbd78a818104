"""The daemon: who listens, what it serves, how long a forecast takes."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version

import numpy as np
import psutil

from bridge.answers import Hello
from bridge.bars import timeframe_name
from bridge.bundles import Bundle
from bridge.client import Client, ClientError, DaemonError, NotAdmitted
from bridge.doctor.findings import Finding, Mark
from bridge.keys import KeyPair
from bridge.synthetic import random_walk_bars
from bridge.wire import DEFAULT_ENDPOINT
from bridge.wire.errors import Code

_ENDPOINT = re.compile(r"(?:tcp://)?(?P<host>\[[0-9a-fA-F:]+\]|[^:/\s]+):(?P<port>\d{1,5})")
_CONNECT_S = 2.0
_GREETING_BYTES = 10
_ANSWER_MS = 2000
_ASKS, _MOST_MS = 50, 3000.0  # as many as fit into that time
_SWIFT_MS, _LIMIT_MS = 20.0, 250.0  # the latter is an EA's own, live


def host_and_port(endpoint: str) -> tuple[str, int] | None:
    """Of an endpoint as the daemon writes it, or as an EA does, without `tcp://`."""
    match = _ENDPOINT.fullmatch(endpoint)
    return (match["host"].strip("[]"), int(match["port"])) if match else None


def examine_daemon(
    endpoint: str,
    bundles: Sequence[Bundle],
    *,
    keys: KeyPair | None = None,
    server_key: str | None = None,
) -> Iterator[Finding]:
    """Look at the daemon on `endpoint`, and compare what it serves with the models on disk.

    `keys` and `server_key` are for a daemon that asks for keys.
    """
    place = host_and_port(endpoint)
    if place is None:
        yield Finding(
            Mark.BROKEN, f"'{endpoint}' is no endpoint", f"give one such as {DEFAULT_ENDPOINT}"
        )
        return
    trouble = _port(*place)
    if trouble is not None:
        yield trouble
        return
    address = endpoint if endpoint.startswith("tcp://") else f"tcp://{endpoint}"
    with Client(
        address, timeout_ms=_ANSWER_MS, retries=0, keys=keys, server_key=server_key
    ) as client:
        try:
            hello, health = client.hello(), client.health()
        except NotAdmitted as error:
            yield Finding(
                Mark.BROKEN,
                f"a daemon on {address} does not let this client in: {error}",
                "what eabridge keys --help shows, step by step",
            )
            return
        except ClientError as error:
            yield _no_daemon(address, place[1], error)
            return
        yield _greeting(hello, health.status, address)
        yield from _served(hello, bundles)
        yield _round_trip(client, hello)


def _no_daemon(address: str, port: int, error: ClientError) -> Finding:
    """What speaks ZeroMQ there, and does not say what a daemon would."""
    if isinstance(error, DaemonError) and error.code is Code.UNKNOWN_OP:
        return Finding(
            Mark.BROKEN,
            f"on {address} is a daemon's control socket, which answers no EA",
            "give the port that eabridge serve prints as ready, here and in the EA's inputs: the "
            "one before, unless it was told otherwise",
        )
    owner = _owner(port)
    said = f" ({owner})" if owner else ""
    return Finding(
        Mark.BROKEN,
        f"what listens on {address}{said} is no eabridge daemon, or hangs: {error}",
        "end that program and give eabridge serve; or choose another port for --bind and in the "
        "EA's inputs",
    )


def _port(host: str, port: int) -> Finding | None:
    """What is wrong with the port; None where something that speaks ZeroMQ listens there."""
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), _CONNECT_S) as connection:
            greeting = _received(connection)
    except (OSError, OverflowError, UnicodeError) as error:
        return Finding(
            Mark.BROKEN,
            f"no daemon on {where} ({getattr(error, 'strerror', None) or error})",
            "start it and leave it running: eabridge serve",
        )
    if greeting[:1] == b"\xff" and greeting[9:10] == b"\x7f":  # ZMTP's signature
        return None
    owner = _owner(port)
    said = f", which says {greeting!r}" if greeting else ""
    return Finding(
        Mark.BROKEN,
        f"{where} is taken by {owner or 'another program'}{said}: it does not speak ZeroMQ",
        "end that program, or choose another port: eabridge serve --bind tcp://127.0.0.1:5656, "
        "and the same in the EA's inputs",
    )


def _received(connection: socket.socket) -> bytes:
    """The first bytes that a server sends by itself: ZMTP's does, a web server does not."""
    greeting = b""
    with suppress(OSError):
        while len(greeting) < _GREETING_BYTES:
            more = connection.recv(_GREETING_BYTES - len(greeting))
            if not more:
                break
            greeting += more
    return greeting


def _owner(port: int) -> str | None:
    """The program that listens on a port, where this user may know."""
    with suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            listens = each.status == psutil.CONN_LISTEN and each.laddr.port == port
            if listens and each.pid is not None:
                return f"{psutil.Process(each.pid).name()} (process {each.pid})"
    return None


def _greeting(hello: Hello, status: str, address: str) -> Finding:
    what = f"daemon on {address}: {hello.server}, {status}"
    if status != "ready":
        return Finding(Mark.CARE, what, "it is stopping: start it again with eabridge serve")
    if hello.server != f"eabridge {version('eabridge')}":
        return Finding(Mark.NOTE, what, "another version than this one: restart it after an update")
    return Finding(Mark.OK, what)


def _served(hello: Hello, bundles: Sequence[Bundle]) -> Iterator[Finding]:
    newest = {bundle.manifest.name: bundle.manifest for bundle in reversed(bundles)}
    for model in hello.models:
        bars = timeframe_name(model.tf) if model.tf else "any"
        default = ", the default" if model.default else ""
        what = f"serves {model.label} for {bars} bars{default}"
        on_disk = newest.get(model.name)
        if on_disk is not None and on_disk.version != model.version:
            yield Finding(
                Mark.CARE, what, f"on disk is {on_disk.label}: restart eabridge serve to serve that"
            )
        else:
            yield Finding(Mark.OK, what)


def _round_trip(client: Client, hello: Hello) -> Finding:
    """How long a forecast by the default model takes, in the steady state."""
    model = next((each for each in hello.models if each.default), None)
    if model is None:
        return Finding(
            Mark.CARE, "the daemon has no default model", "name a model in the EA's inputs"
        )
    bars = random_walk_bars(model.context, model.tf or 3600, seed=0)
    taken_ms: list[float] = []
    try:
        while len(taken_ms) < _ASKS and sum(taken_ms) < _MOST_MS:
            begun = time.perf_counter()
            client.forecast(bars)
            taken_ms.append((time.perf_counter() - begun) * 1000)
    except ClientError as error:
        return Finding(
            Mark.BROKEN, f"no forecast by {model.label}: {error}", "look into the daemon's log"
        )
    p50 = float(np.median(taken_ms))
    what = (
        f"round trip of a forecast: p50 {p50:.2f} ms, slowest of {len(taken_ms)}: "
        f"{max(taken_ms):.1f} ms"
    )
    if p50 <= _SWIFT_MS:
        return Finding(Mark.OK, what)
    if p50 < _LIMIT_MS:
        return Finding(Mark.NOTE, what, "the model is large, or the machine busy")
    return Finding(
        Mark.BROKEN,
        what,
        f"an EA waits {_LIMIT_MS:.0f} ms: raise its time limit, or serve a smaller model",
    )
