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
        self._stamp: object = None
        self._names: dict[bytes, str] = {}

    def name_of(self, key: bytes) -> str | None:
        """The name of the client with this public key (32 bytes); None where it is not allowed."""
        stamp = allowed_stamp(self._folder)
        if stamp != self._stamp:
            self._read(is_first=self._stamp is None)
            self._stamp = stamp
        return self._names.get(key)

    def _read(self, *, is_first: bool) -> None:
        listed, problems = read_allowed(self._folder)
        for problem in problems:
            self._throttled.log("allowed", problem, f"left out of those allowed: {problem}")
        if not is_first and set(listed) != set(self._names.values()):
            log.info("may connect now: %s", ", ".join(listed) or "nobody")
        self._names = {z85.decode(public): name for name, public in listed.items()}
