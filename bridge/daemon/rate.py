"""How much one client may ask in a second; what goes beyond it is refused, next to unread."""

from __future__ import annotations

from math import ceil

from bridge.wire.errors import Code, WireError
from bridge.wire.messages import MAX_BATCH_ITEMS

_SECOND_NS = 1_000_000_000
_FEW_CLIENTS = 256  # so many may be remembered that could ask anything


class Rate:
    """A bucket of tokens for each client, one token a window, filled at a steady rate.

    A bucket is kept as one number, the time when it will be full again: the generic cell rate
    algorithm (ITU-T I.371). It holds what is filled in a second, or the largest batch.

    Args:
        per_s: windows that one client may ask for in a second, in the long run.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._each_ns = max(1, _SECOND_NS // per_s)
        self._bucket_ns = max(per_s, MAX_BATCH_ITEMS) * self._each_ns
        self._full_at_ns: dict[bytes, int] = {}
        self._sweep_at = _FEW_CLIENTS

    def spend(self, client: bytes, windows: int, now_ns: int) -> None:
        """Take tokens out of a client's bucket.

        Args:
            now_ns: by `perf_counter_ns`.

        Raises:
            WireError: `busy`: there are not as many in it. None is taken then.
        """
        full_at_ns = max(self._full_at_ns.get(client, 0), now_ns) + windows * self._each_ns
        missing_ns = full_at_ns - now_ns - self._bucket_ns
        if missing_ns > 0:
            wait_s = ceil(missing_ns * 10 / _SECOND_NS) / 10
            raise WireError(
                Code.BUSY,
                f"this daemon answers one client {self._per_s:,} windows a second at most, and "
                f"you ask for more: ask again in {wait_s:g} s",
            )
        if len(self._full_at_ns) >= self._sweep_at:
            self._forget_the_full(now_ns)
        self._full_at_ns[client] = full_at_ns

    def _forget_the_full(self, now_ns: int) -> None:
        self._full_at_ns = {
            client: full_at_ns
            for client, full_at_ns in self._full_at_ns.items()
            if full_at_ns > now_ns
        }
        self._sweep_at = 2 * len(self._full_at_ns) + _FEW_CLIENTS
