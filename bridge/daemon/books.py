"""What is entered when a reply has left: the counts, the cache, the latest forecasts."""

from __future__ import annotations

from collections.abc import Callable

from bridge.bundles import Manifest
from bridge.daemon.cache.hints import Hints
from bridge.daemon.cache.memory import CachedForecast, ForecastCache, entry_bytes
from bridge.daemon.lanes.batch import Outcome
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.telemetry.counts import LaneTelemetry, Telemetry
from bridge.wire.messages import ForecastRequest

Keep = Callable[[bytes, bytes, bytes, int], None]
"""Is told of each forecast that enters the cache: its key, quantiles, up and microseconds."""

# Counts and manifest of its lane, the request, its outcome, when it was received, the microseconds
# until it was answered, whether it came from the cache.
_Entry = tuple[LaneTelemetry, Manifest, ForecastRequest, Outcome, int, int, bool]


class Books:
    """Forecasts that were answered: entered when nobody waits for it, and found again.

    Args:
        telemetry: counts them, and remembers the latest.
        cache: keeps those that were computed; None where there is none.
        keep: is told of what the cache keeps.
    """

    def __init__(
        self, telemetry: Telemetry, cache: ForecastCache | None, keep: Keep | None
    ) -> None:
        self._telemetry = telemetry
        self._cache = cache
        self._keep = keep
        # Of what a file brings into the cache there are no hints.
        self._hints = None
        if cache is not None and keep is None:
            self._hints = Hints(1 + cache.limit_bytes // entry_bytes(b"", b""))
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        """How many are to be entered."""
        return len(self._entries)

    def find(self, lane: Lane, request: ForecastRequest) -> CachedForecast | None:
        """The forecast of a window that was asked about before; None where it must be computed."""
        cache, hints = self._cache, self._hints
        if cache is None:
            return None
        if hints is not None and not hints.may_know(lane.label, request):
            cache.misses += 1
            return None
        return cache.get(cache.key(lane.label, lane.manifest.context, request))

    def note(
        self,
        lane: Lane,
        request: ForecastRequest,
        outcome: Outcome,
        received_ns: int,
        server_us: int,
        *,
        cached: bool = False,
    ) -> None:
        """Put a forecast down that was answered, to be entered later."""
        counts = self._telemetry.lane(lane.label)
        self._entries.append(
            (counts, lane.manifest, request, outcome, received_ns, server_us, cached)
        )

    def enter(self) -> None:
        """Enter all that was put down."""
        entries, self._entries = self._entries, []
        for counts, manifest, request, outcome, received_ns, server_us, cached in entries:
            quantiles, up, infer_us, begun_ns, _ = outcome
            label = manifest.label
            if cached:
                counts.record_cached(server_us)
            else:
                counts.record((begun_ns - received_ns) // 1000, infer_us, server_us)
            self._telemetry.remember(
                *(request, label, manifest.levels, quantiles, up, cached, server_us)
            )
            if self._cache is not None and not cached:
                self._remember(self._cache, manifest, request, outcome)

    def _remember(
        self, cache: ForecastCache, manifest: Manifest, request: ForecastRequest, outcome: Outcome
    ) -> None:
        quantiles, up, infer_us, _, _ = outcome
        key = cache.key(manifest.label, manifest.context, request)
        cache.put(key, quantiles, up, infer_us)
        if self._hints is not None:
            self._hints.note(manifest.label, request)
        if self._keep is not None:
            self._keep(key, quantiles, up, infer_us)
