"""A bounded queue that is fair between clients: who asks seldom goes ahead of those that flood.

Each client has a queue of its own, and the next to be served is who was served longest ago, as a
client always was that asks for less than its share. One that is new goes ahead, as in FlowQueue
(RFC 8290), though not two of them in a row: a flood of newcomers starves nobody.

What waits is bounded by what is free (A. K. Choudhury, E. L. Hahne: Dynamic queue length thresholds
for shared-memory packet switches, 1998): a client may have as much waiting as there is room left.
One alone fills half of it, two a third each. When all is taken, a reserve is left: half of it for
those that have a few waiting, the other half for those that have nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

_NEVER = 1 << 63  # a deadline beyond every clock's
_FEW_CLIENTS = 256  # so many may be remembered that have nothing waiting


class Full(Exception):
    """There is no room for the item.

    Attributes:
        waiting: what waits, in units of cost. of_client: what of it is this client's.
    """

    def __init__(self, waiting: int, of_client: int) -> None:
        super().__init__(f"{waiting} wait, {of_client} of them of this client")
        self.waiting = waiting
        self.of_client = of_client


class _Client(Generic[Item]):
    """What waits of one client, in its order, and since when it is its turn.

    Attributes:
        items: each with its cost and its deadline. waiting: their costs together.
        due: how much work was done, of all clients, when it was its turn again, or when it came.
    """

    __slots__ = ("due", "items", "waiting")

    def __init__(self, due: int) -> None:
        self.items: deque[tuple[Item, int, int]] = deque()
        self.waiting = 0
        self.due = due


class FairQueue(Generic[Item]):
    """Items of clients, each with a cost, served fairly.

    Args:
        room: how much may wait, in units of cost. A quarter as much again is the reserve.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._reserve = room // 4
        self._few = room // 256
        self.waiting = 0
        self._count = 0
        self._clients: dict[Hashable, _Client[Item]] = {}
        self._new: deque[_Client[Item]] = deque()  # never served, or long ago
        self._served: list[tuple[int, int, _Client[Item]]] = []  # a heap, by when they are due
        self._pushed = 0  # breaks ties
        self._went_ahead = False
        self._work = 0
        self._soonest_ns = _NEVER  # no deadline is before this
        self._sweep_at = _FEW_CLIENTS

    def __len__(self) -> int:
        """How many items wait."""
        return self._count

    def put(
        self, client: Hashable, item: Item, cost: int = 1, deadline_ns: int | None = None
    ) -> None:
        """Let an item wait.

        Args:
            client: whose it is.
            cost: how much work it is, and how much room it takes.
            deadline_ns: when `drop_expired` takes it out.

        Raises:
            Full: the client has as much waiting as there is room left for it.
        """
        found = self._clients.get(client)
        of_client = 0 if found is None else found.waiting
        wanted = of_client + cost
        left = self.room - self.waiting
        if wanted > left and wanted > left + self._reserved(of_client, wanted):
            raise Full(self.waiting, of_client)
        if found is None:
            if len(self._clients) >= self._sweep_at:
                self._forget_the_quiet()
            found = self._clients[client] = _Client(self._work)
            self._new.append(found)
        elif not of_client:
            self._push(found)
        if deadline_ns is None:
            deadline_ns = _NEVER
        elif deadline_ns < self._soonest_ns:
            self._soonest_ns = deadline_ns
        found.items.append((item, cost, deadline_ns))
        found.waiting = of_client + cost
        self.waiting += cost
        self._count += 1

    def pop(self) -> Item:
        """Take out the item whose turn it is.

        Raises:
            IndexError: none waits.
        """
        client = self._next()
        item, cost, _ = client.items.popleft()
        client.waiting -= cost
        self.waiting -= cost
        self._count -= 1
        self._work += cost
        # What costs more is as many turns: meanwhile each of the others is served as often.
        client.due = self._work + (cost - 1) * (len(self._served) + len(self._new))
        if client.items:
            self._push(client)
        return item

    def pop_all(self) -> Iterator[Item]:
        """Take out all items, each in its turn."""
        while self._count:
            yield self.pop()

    def drop_expired(self, now_ns: int) -> list[Item]:
        """Take out the items whose deadline has come; the others keep their turns."""
        if now_ns < self._soonest_ns:
            return []
        expired: list[Item] = []
        soonest_ns = _NEVER
        for client in self._clients.values():
            kept: deque[tuple[Item, int, int]] = deque()
            for entry in client.items:
                item, cost, deadline_ns = entry
                if deadline_ns <= now_ns:
                    expired.append(item)
                    client.waiting -= cost
                    self.waiting -= cost
                    self._count -= 1
                else:
                    kept.append(entry)
                    soonest_ns = min(soonest_ns, deadline_ns)
            client.items = kept
        self._soonest_ns = soonest_ns
        self._new = deque(client for client in self._new if client.items)
        self._served = [entry for entry in self._served if entry[2].items]
        heapify(self._served)
        return expired

    def _reserved(self, of_client: int, wanted: int) -> int:
        """How much of the reserve a client may use that has `of_client` and would have `wanted`."""
        if not of_client:
            return self._reserve
        return self._reserve // 2 if wanted <= self._few else 0

    def _next(self) -> _Client[Item]:
        if not self._new:
            self._went_ahead = False
            return heappop(self._served)[2]
        if self._served and self._served[0][0] <= self._new[0].due:  # it would be the other's turn
            self._went_ahead = not self._went_ahead
            if not self._went_ahead:
                return heappop(self._served)[2]
        return self._new.popleft()

    def _push(self, client: _Client[Item]) -> None:
        self._pushed += 1
        heappush(self._served, (client.due, self._pushed, client))

    def _forget_the_quiet(self) -> None:
        """Forget the clients that would be first if they asked, as they are when they are new."""
        first = self._served[0][0] if self._served else self._work + 1
        self._clients = {
            key: client
            for key, client in self._clients.items()
            if client.items or client.due >= first
        }
        self._sweep_at = 2 * len(self._clients) + _FEW_CLIENTS
