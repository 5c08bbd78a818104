"""A log to look at, and its lines."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.daemon.telemetry.logs import Logging, configure_logging

Start = Callable[..., Logging]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def started(stream: io.StringIO) -> Iterator[Start]:
    """Begins logs to `stream`, and ends them after the test."""
    begun: list[Logging] = []

    def start(**options: Any) -> Logging:
        begun.append(configure_logging(**{"stream": stream, **options}))
        return begun[-1]

    yield start
    for each in begun:
        each.close()


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()
