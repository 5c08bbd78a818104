"""Who may connect by CURVE: a folder's list, read again whenever it has changed."""

from __future__ import annotations

import logging
from pathlib import Path

from zmq.utils import z85

from bridge.daemon.telemetry.throttle import Throttled
from bridge.keys import allowed_stamp, read_allowed

log = logging.getLogger(__name__)


class Allowed:
    """The clients that a daemon's owner has allowed: `eabridge keys allow` and `revoke`.

    Args:
        folder: of the daemon's keys.
        throttled: told of files in the list that cannot be used.
    """

    def __init__(self, folder: Path, throttled: Throttled) -> None:
        self._folder = folder
        self._throttled = throttled
        self._stamp = allowed_stamp(folder)
        self._names = self._read()
        if self._names:
            log.info("may connect: %s", self._all_names())
        else:
            log.warning("nobody may connect yet: eabridge keys allow NAME FILE lets a client in")

    def name_of(self, key: bytes) -> str | None:
        """The name of the client with this public key (32 bytes); None where it is not allowed."""
        stamp = allowed_stamp(self._folder)
        if stamp != self._stamp:
            before = self._all_names()
            self._stamp, self._names = stamp, self._read()
            if self._all_names() != before:
                log.info("may connect now: %s", self._all_names() or "nobody")
        return self._names.get(key)

    def _read(self) -> dict[bytes, str]:
        listed, problems = read_allowed(self._folder)
        for problem in problems:
            self._throttled.log("allowed", problem, f"left out of those allowed: {problem}")
        return {z85.decode(public): name for name, public in listed.items()}

    def _all_names(self) -> str:
        return ", ".join(self._names.values())
