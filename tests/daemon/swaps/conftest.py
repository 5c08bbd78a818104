"""A daemon that serves `base`, whose models can be exchanged, and a peer of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.bundles import Bundle
from tests.daemon.peer import Connect, Peer
from tests.daemon.renewable import Renewable, put, renewable

Lock = Callable[[Path | None], None]


@pytest.fixture
def base(store: Path) -> Bundle:
    return put(store, 1)


@pytest.fixture
def daemon(base: Bundle, store: Path) -> Iterator[Renewable]:
    with renewable(store) as running:
        yield running


@pytest.fixture
def peer(daemon: Renewable, connect: Connect) -> Peer:
    return connect(daemon.endpoint)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Lock:
    """Has a file refused to whoever opens it, as one that a scanner holds on Windows.

    Where None is given, all are free again.
    """
    really, held = Path.open, set[Path]()

    def opened(path: Path, *arguments: Any, **more: Any) -> Any:
        if path in held:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really(path, *arguments, **more)

    def lock(path: Path | None) -> None:
        held.clear()
        held.update([path] if path is not None else [])

    monkeypatch.setattr(Path, "open", opened)
    return lock
