"""What makes a running daemon renewable: its stores are watched, orders taken, its end noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.daemon.swaps.control import ControlSocket, choose_endpoint
from bridge.daemon.swaps.swap import Swap
from bridge.daemon.swaps.watch import Watch
from bridge.daemon.tether import Tether
from bridge.wire import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from bridge.daemon.start import Running


@dataclass(frozen=True)
class Renewal:
    """A surrounding of `run_daemon`.

    Attributes:
        watch: whether the stores are looked after.
        control: where orders are taken: an endpoint on loopback, `off`, or None for the port after
            the one that is served.
        tethered: whether a supervisor holds the other ends of this process's pipes.

    Raises:
        ControlRefused: `control` is no endpoint on loopback.
    """

    watch: bool = True
    control: str | None = None
    tethered: bool = False

    def __post_init__(self) -> None:
        choose_endpoint(DEFAULT_ENDPOINT, self.control)

    @contextmanager
    def __call__(self, running: Running) -> Iterator[None]:
        server, service = running.server, running.service
        telemetry = service.telemetry
        tether = Tether(server) if self.tethered else None
        swap = Swap(
            server,
            service,
            running.options.stores,
            running.load,
            known=running.known,
            record=lambda text, refused: telemetry.record_swap(text, refused=refused),
            serve_kept=running.serve_kept,
            on_default=_nobody if tether is None else tether.tell_default,
        )
        endpoint = choose_endpoint(server.endpoint, self.control)
        with ExitStack() as around:
            if tether is not None:
                around.enter_context(tether)
            if self.watch:
                around.enter_context(Watch(swap, running.since))
            if endpoint is not None:
                control = ControlSocket(endpoint, service, swap, running.source.snapshot)
                around.enter_context(control)
            yield


def _nobody(model: str) -> None:
    """Where no supervisor starts the next daemon."""
