"""Models in one process of their own: what runs them may be killed, and the daemon serves on.

PyTorch is large, slow to import and the first that a system short of memory kills. So a daemon
never imports it: it begins a second process, and asks there. Each model has a connection of its
own, and the death of the process ends them all at once.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgpack
import numpy as np
import psutil
from numpy.typing import NDArray

from bridge.backends.base import BackendDied, BackendError, Forecasts
from bridge.backends.channel import Channel, Meeting, as_message, read_arrays
from bridge.backends.child import gigabytes, memory_of, start_child
from bridge.bundles import Bundle
from bridge.bundles.bundle import WEIGHTS_FILE
from bridge.interpreter import how_it_ended

log = logging.getLogger(__name__)

OPEN_MEMORY_BYTES = 4 << 30
"""What a model may take while it is loaded, beside six times the weights there are: torch itself,
with CUDA, has half of it."""
OPEN_SECONDS = 300.0
"""How long a model may take to be loaded, torch's first import on a cold disk with it."""

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.02
_MOST_LINES, _AN_HOUR = 200, 3600.0  # of what the process says in an hour: more is not told


class ProcessRuntime:
    """Opens bundles in a process of their own: a `TorchRuntime`. Thread-safe.

    The process begins with the first bundle that is opened and ends with the last that is closed.
    Where it died, the next bundle that is opened begins another.

    Args:
        work: `module:function` that calls `bridge.backends.worker.serve_backends`.
        stores: folders of bundles, which `work` gets as its argument.
        memory_bytes, seconds: limits to opening one bundle.
    """

    def __init__(
        self,
        work: str,
        stores: Sequence[str],
        *,
        memory_bytes: int = OPEN_MEMORY_BYTES,
        seconds: float = OPEN_SECONDS,
    ) -> None:
        self._work = work
        self._stores = list(stores)
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # one at a time, as torch's own; so memory has one cause
        self._process: _Process | None = None
        self._is_closed = False
        self._opened: dict[ProcessBackend, str] = {}

    def open(self, bundle: Bundle) -> ProcessBackend:
        """Load a bundle in the process, which is begun where there is none.

        Raises:
            BackendError: it cannot be run, what it needs is not installed, or it took too much.
            BackendDied: the process went away over it.
        """
        with self._loading:
            while True:
                with self._begun() as process:
                    try:
                        return self._load(bundle, process)
                    except BackendDied:
                        # Ended here for the sake of another model, this one had no part in it.
                        if not process.is_told:
                            raise

    def drop(self, label: str) -> None:
        """Close every backend of a bundle. Nothing happens where none is open."""
        with self._lock:
            dropped = [each for each, opened in self._opened.items() if opened == label]
        for backend in dropped:
            backend.close()

    def close(self) -> None:
        """End the process. Whoever waits for a forecast is told that it died."""
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
        if process is not None:
            process.end(wait=True)

    @property
    def pid(self) -> int | None:
        """Of the process that runs; None where there is none."""
        process = self._process
        return process.pid if process is not None and process.is_alive else None

    @contextmanager
    def _begun(self) -> Iterator[_Process]:
        """The process, alive and not to be ended meanwhile."""
        with self._lock:
            if self._is_closed:
                raise BackendError("the daemon is ending: nothing is loaded any more")
            if self._process is None or not self._process.is_alive:
                self._process = _Process(self._work, self._stores)
            process = self._process
            process.models += 1
        try:
            yield process
        finally:
            self._leave(process)

    def _leave(self, process: _Process) -> None:
        with self._lock:
            process.models -= 1
            is_last = process.models == 0
            if is_last and process is self._process:
                self._process = None
        if is_last:
            process.end()

    def _forget(self, backend: ProcessBackend) -> None:
        with self._lock:
            del self._opened[backend]
        self._leave(backend.process)

    def _load(self, bundle: Bundle, process: _Process) -> ProcessBackend:
        channel = process.connect()
        try:
            path = str(bundle.path.absolute())
            channel.send({"path": path, "manifest": bundle.manifest.to_json()})
            self._wait_for_weights(bundle, process, channel)
            reply, _ = channel.receive()
            if "error" in reply:
                raise BackendError(str(reply["error"]))
        except OSError as error:
            channel.close()
            raise BackendDied(process.obituary()) from error
        except BaseException:
            channel.close()
            raise
        backend = ProcessBackend(channel, process, self._forget)
        with self._lock:
            process.models += 1
            self._opened[backend] = bundle.manifest.label
        return backend

    def _wait_for_weights(self, bundle: Bundle, process: _Process, channel: Channel) -> None:
        """Wait until there is a reply; end the process where it takes too much over it."""
        until = time.monotonic() + self._seconds
        allowed = self._memory_bytes + 6 * self._weights_bytes(bundle)
        before = memory_of(process.inner)
        while not channel.wait(_LOOK_SECONDS):
            if memory_of(process.inner) - before > allowed:
                process.kill()
                raise BackendError(
                    f"it took over {gigabytes(allowed)} of memory to load, more than weights of "
                    "its size need: copy it again from where it was made"
                )
            if time.monotonic() > until:
                process.kill()
                raise BackendError(f"it was not loaded after {self._seconds:g} seconds")

    def _weights_bytes(self, bundle: Bundle) -> int:
        """Bytes of the weights that a bundle may read: its own, and those of any base."""
        files = [bundle.path / name for name in bundle.manifest.files]
        for store in {bundle.path.parent, *map(Path, self._stores)}:
            files += store.glob(f"*/{WEIGHTS_FILE}")
        total = 0
        for file in set(files):
            with suppress(OSError):
                total += file.stat().st_size
        return total


class ProcessBackend:
    """A model in that process. Asked by one thread at a time: others wait."""

    def __init__(
        self, channel: Channel, process: _Process, on_close: Callable[[ProcessBackend], None]
    ) -> None:
        self.process = process
        self._channel: Channel | None = channel
        self._on_close = on_close
        self._turn = threading.Lock()
        self._closing = threading.Lock()

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        with self._turn:
            channel = self._channel
            if channel is None:
                raise BackendError("it was closed while it was asked: ask again")
            try:
                channel.send(*as_message(bars=bars, time=time))
                reply, numbers = channel.receive()
            except OSError as error:
                if self._channel is None:
                    raise BackendError("it was closed while it was asked: ask again") from error
                raise BackendDied(self.process.obituary()) from error
        if "error" in reply:
            raise BackendError(str(reply["error"]))
        try:
            return Forecasts(*read_arrays(reply, ("quantiles", "up"), numbers))
        except (ValueError, TypeError, KeyError) as error:
            raise BackendError(f"its process answers no forecast ({error})") from error

    def abort(self) -> None:
        """End the process where another thread waits for it; its other models go with it."""
        if self._turn.locked():
            self.process.kill()

    def close(self) -> None:
        with self._closing:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
            self._on_close(self)


class _Process:
    """The process itself: begun, watched until it ends, and what it says put in our log."""

    def __init__(self, work: str, argument: Any) -> None:
        self.models = 0  # how many are open or being opened; the runtime counts them
        self.is_told = False  # to end, by us
        self._orders = threading.Lock()
        try:
            self._child = start_child(work)
            self.pid: int = self._child.pid  # on Windows perhaps of what stands between it and us
            self.inner = psutil.Process(self.pid)
        except (OSError, psutil.Error) as error:
            raise BackendError(f"no process can be started for PyTorch: {error}") from error
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._stdin = self._child.stdin
        self._listening = threading.Thread(
            target=self._listen, args=(self._child.stdout,), name="model process", daemon=True
        )
        self._listening.start()
        self._order(argument)

    @property
    def is_alive(self) -> bool:
        return not self.is_told and self._child.poll() is None

    def connect(self) -> Channel:
        """A new connection to it.

        Raises:
            BackendError: the system gives no connection.
            BackendDied: it is gone.
        """
        try:
            meeting = Meeting()
        except OSError as error:
            raise BackendError(f"its process cannot be reached: {error}") from error
        try:
            self._order({"port": meeting.port, "token": meeting.token})
            channel = meeting.accept(lambda: self.is_alive, _START_SECONDS)
            self.pid = int(channel.receive()[0]["pid"])
            self.inner = psutil.Process(self.pid)
            return channel
        except (OSError, psutil.Error) as error:
            raise BackendDied(self.obituary()) from error
        finally:
            meeting.close()

    def end(self, *, wait: bool = False) -> None:
        """Have it end, on its own; with `wait` until it has, in the end by force."""
        self.is_told = True
        with suppress(OSError):
            self._stdin.close()
        if wait:
            try:
                self._child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._listening.join(_END_SECONDS)

    def kill(self) -> None:
        """End it now, whatever it is at."""
        self.is_told = True
        log.warning("ending the process that runs PyTorch's models (process %d)", self.pid)
        self._child.kill()
        with suppress(psutil.Error, OSError):
            self.inner.kill()
            self._stdin.close()

    def obituary(self) -> str:
        """A sentence on how it ended, or that one connection to it did."""
        with suppress(subprocess.TimeoutExpired):
            code = self._child.wait(1.0)
            why = "it was ended here" if self.is_told else how_it_ended(code)
            return f"the process that ran PyTorch's models is gone ({why})"
        return "the process that runs PyTorch's models answers no more for this one"

    def _order(self, order: Any) -> None:
        # That it is gone is told where it is asked.
        with self._orders, suppress(OSError, ValueError):
            self._stdin.write(msgpack.packb(order))
            self._stdin.flush()

    def _listen(self, output: IO[bytes]) -> None:
        """Put what it says into our log, until it ends; and say so where nobody told it to."""
        lines, until = 0, 0.0
        while line := output.readline(4096):
            if time.monotonic() > until:
                lines, until = 0, time.monotonic() + _AN_HOUR
            text = line.decode("utf-8", "replace").rstrip()
            lines += 1
            if text and lines <= _MOST_LINES:
                log.warning("model process %d: %s", self.pid, text)
            elif lines == _MOST_LINES + 1:
                log.warning("model process %d says more, which is not told", self.pid)
        code = self._child.wait()
        output.close()
        if not self.is_told:
            log.error(
                "the process that ran PyTorch's models (process %d) is gone: %s%s",
                *(self.pid, how_it_ended(code), _may_mean(code)),
            )


def _may_mean(code: int) -> str:
    return ": killed, perhaps by a system short of memory" if code == -9 else ""
