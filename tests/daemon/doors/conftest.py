"""Keys for a test's daemon, what is logged, and daemons that are besieged."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zmq

from bridge.bars import Bars
from tests.conftest import StartDaemon
from tests.daemon.doors.guarded import Logged
from tests.daemon.doors.siege import Besieged, Bits, siege
from tests.daemon.ring import Ring


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "keys")


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Logged]:
    """How many lines of the log have this in them."""
    caplog.set_level(logging.INFO)
    yield lambda text: sum(text in record.getMessage() for record in caplog.records)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture(params=["loopback", "CURVE"])
def besieged(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    start_daemon: StartDaemon,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    undisturbed: Sequence[Bits],
) -> Iterator[Besieged]:
    """A daemon without keys, and one with."""
    ring = Ring(tmp_path / "keys") if request.param == "CURVE" else None
    daemon = start_daemon(*([] if ring is None else ["--keys", ring.folder]))
    with siege(daemon, ring, zmq_context, bars, undisturbed) as besieged:
        yield besieged
