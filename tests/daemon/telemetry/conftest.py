"""A log to look at, and its lines; counts and a cache that are told of."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.telemetry.counts import Telemetry
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


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def cache() -> ForecastCache:
    return ForecastCache(1 << 20)


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()
