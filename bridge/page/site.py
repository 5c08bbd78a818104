"""What is answered to which request: the page, its status, and a sentence for everything else."""

from __future__ import annotations

import ipaddress
import re

from bridge.page.document import document
from bridge.page.messages import Answer, Request
from bridge.page.status import Snapshot, Status, StatusError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::\d{1,5})?", re.ASCII)


class Site:
    """Everything there is to see.

    Args:
        snapshot: the daemon's status.
        address: where it is served, and so the name it may be asked for under.
    """

    def __init__(self, snapshot: Snapshot, address: Address) -> None:
        self._status = Status(snapshot)
        self._address = address

    def answer(self, request: Request) -> Answer:
        """What is served for the request.

        Raises:
            Exception: whatever making a snapshot raises.
        """
        if not self.is_asked_by_its_name(request):
            return Answer.text(403, "This page is served under this machine's own address only.")
        if request.path not in ("/", "/status.json"):
            return Answer.text(404, "There is nothing here but / and /status.json.")
        if request.method not in ("GET", "HEAD"):
            return Answer.text(405, "This page can only be looked at.", Allow="GET, HEAD")
        if request.path == "/":
            page = document()
            return Answer(200, "text/html; charset=utf-8", page.body, page.policy)
        try:
            return Answer(200, "application/json", self._status.body())
        except StatusError as error:
            return Answer.text(503, str(error))

    def is_asked_by_its_name(self, request: Request) -> bool:
        """Whether `Host` names this machine.

        An address or `localhost` cannot be pointed elsewhere by whoever owns a domain; the port is
        free, so that a tunnel may have another.
        """
        named = _HOST.fullmatch(request.host)
        if named is None:
            return False
        host = named[1] or named[2]
        if host.lower() == "localhost":
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if self._address.is_unspecified:
            return True
        return address == self._address or (address.is_loopback and self._address.is_loopback)
