"""Models that come and go while the daemon serves."""

from __future__ import annotations

from threading import Event

from bridge.backends import TorchRuntime, open_backend
from bridge.bundles import Bundle
from bridge.daemon.lane import Lane
from bridge.daemon.server import Server
from bridge.daemon.service import Service


class Changes:
    """Adds and removes lanes of a running daemon; from any thread but its own.

    Loading is done in the thread that asks, so that nobody who is served waits for it.

    Args:
        server, service: the daemon's.
        runtime: opens the bundles that PyTorch runs.
    """

    def __init__(self, server: Server, service: Service, runtime: TorchRuntime | None = None):
        self._server = server
        self._service = service
        self._runtime = runtime

    def add(self, bundle: Bundle) -> None:
        """Serve one more model, from now on.

        Raises:
            BackendError: it cannot be run.
            ValueError: this very version is served already.
        """
        lane = Lane(bundle, open_backend(bundle, self._runtime))
        self._server.change(lambda: self._service.add_lane(lane)).result()

    def remove(self, label: str) -> None:
        """Serve `name@version` no more. What waited for it has been answered on return.

        Raises:
            ValueError: there is no such model, or it answers requests that name none.
        """
        gone = Event()
        self._server.change(lambda: self._service.remove_lane(label, gone.set)).result()
        gone.wait()
        if self._runtime is not None:
            self._runtime.drop(label)
