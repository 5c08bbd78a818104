"""The threads that compute a lane's batches, so that the loop goes on meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import monotonic

from bridge.daemon.lanes.batch import Batch


class Crew:
    """Threads that take batches and give them back computed. Started when they are needed.

    ONNX Runtime, and whoever waits for another process, lets go of the interpreter meanwhile. All
    methods are the loop's. Nothing here holds a backend, but for the batches that are computed.

    Args:
        name: of the threads.

    Attributes:
        computed: what came back; any number of threads put it there, the loop takes it.
        ring: called by a worker when it has put something there.
    """

    def __init__(self, name: str) -> None:
        self.computed: deque[Batch] = deque()
        self.ring: Callable[[], None] = _nobody
        self._name = name
        self._given: SimpleQueue[Batch | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._free = 0

    def give(self, batch: Batch) -> None:
        """Have a batch computed; by a new thread, where none is free.

        Raises:
            RuntimeError: the system gives no thread.
        """
        if self._free:
            self._free -= 1
        else:
            thread = Thread(target=_work, args=(self, self._given), name=self._name, daemon=True)
            thread.start()
            self._threads = [thread, *(each for each in self._threads if each.is_alive())]
        self._given.put(batch)

    def take(self) -> Batch | None:
        """The next of the batches that came back, but for those that were given up."""
        while self.computed:
            batch = self.computed.popleft()
            self._free += 1
            if not batch.given_up:
                return batch
        return None

    def close(self, patience_s: float) -> bool:
        """End the threads when they have computed what they have; not for the loop.

        Returns:
            Whether they ended in time. One that hangs goes on alone, and keeps nobody from exiting.
        """
        self._given.put(None)
        until = monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def _work(crew: Crew, given: SimpleQueue[Batch | None]) -> None:
    while True:
        batch = given.get()
        if batch is None:
            given.put(None)  # for the next of the crew
            return
        batch.compute()
        if batch.given_up:  # another works in this one's place by now
            return
        crew.computed.append(batch)
        del batch  # or it would keep its backend alive until the next one comes
        crew.ring()


def _nobody() -> None:
    """Where no loop waits."""
