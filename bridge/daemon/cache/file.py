"""The cache file: forecasts that outlive the daemon.

One thread owns the file. It loads what was kept, newest first, while the daemon serves already, and
from then on writes what the loop hands over, a second's worth at a time. Whatever is wrong with the
file, the daemon serves: the log says it once, and forecasts are kept in memory alone. Killed at any
time, the daemon leaves a file that is whole, and has lost the last second or two of it.

Forecasts of models that are not served now stay in the file until newer ones need their room.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from bridge.daemon.cache.memory import ForecastCache, model_tags
from bridge.daemon.cache.rows import (
    CacheFileError,
    CacheRows,
    DamagedFileError,
    Entry,
    LockedFileError,
    computing_here,
)

log = logging.getLogger(__name__)

_TURN_S = 1.0
_WAITING_BYTES = 16 * 1024 * 1024  # a disk slower than the models loses forecasts, not memory
_BATCH_BYTES = 4 * 1024 * 1024
_UNLOCKED_S = 5.0  # how long the daemon before may take to let go of the file
_RENEW_S = 300.0
_PAUSE_S = 600.0  # after a disk that was full
_MOST_SET_ASIDE = 3
_CLOSE_S = 10.0


class CacheFile:
    """Keeps a cache's forecasts across restarts. Nothing here raises because of the file.

    Args:
        path: of the file; it is made where it does not exist.
        cache: is filled from it, and read again when a damaged file is replaced.
        limit_bytes: of the file, about: beyond it the oldest forecasts are deleted.
        computed_with: what forecasts depend on beside the model; those computed with anything else
            are deleted at the start, as their last bits may differ.
    """

    def __init__(
        self,
        path: Path,
        cache: ForecastCache,
        limit_bytes: int,
        computed_with: str | None = None,
    ) -> None:
        self.path = path
        self._cache = cache
        self._limit_bytes = limit_bytes
        self._computed_with = computed_with
        self._waiting: deque[Entry] = deque()
        self._put_bytes = 0  # counted by the loop alone,
        self._taken_bytes = 0  # and by the thread alone
        self._taking = True
        self._served: deque[frozenset[bytes]] = deque(maxlen=64)  # tags of models to load for
        self._renew_at = monotonic() + _RENEW_S
        self._renewed_hits = 0
        self._damaged = 0
        self._rescue = False
        self._troubled = False
        self._paused_until = 0.0
        self._closing = Event()
        self._wake = Event()  # there is enough to write, or it is time to close
        self._thread = Thread(target=self._run, name="cache-file", daemon=True)

    def start(self, labels: Iterable[str]) -> None:
        """Begin to load what is kept for these models, and to write. Returns at once."""
        self.serve(labels)
        self._thread.start()

    def serve(self, labels: Iterable[str]) -> None:
        """Load what is kept for these models too: they are served from now on."""
        self._served.append(frozenset(model_tags(labels)))

    def put(self, key: bytes, quantiles: bytes, up: bytes, infer_us: int) -> None:
        """Have a forecast written, soon, where the file can be written. For the loop alone."""
        size = len(key) + len(quantiles) + len(up)
        waiting = self._put_bytes - self._taken_bytes + size
        if self._taking and waiting <= _WAITING_BYTES:
            self._put_bytes += size
            self._waiting.append((key, (quantiles, up, infer_us)))
            if waiting > _BATCH_BYTES and not self._wake.is_set():
                self._wake.set()

    def close(self) -> None:
        """Write what waits and let go of the file; gives up after some seconds."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    @property
    def is_open(self) -> bool:
        """Whether forecasts are being written, as far as anybody knows."""
        return self._taking and self._thread.is_alive()

    def _run(self) -> None:
        try:
            rows = self._open()
            while rows is not None:
                try:
                    self._keep(rows)
                    return
                except DamagedFileError as error:
                    damage = error
                finally:
                    rows.close()
                rows = self._replaced(damage)
        except CacheFileError as error:
            log.warning("%s: %s; forecasts are kept in memory alone", self.path, error)
        except Exception:  # the daemon serves without a file, whatever the defect
            log.exception("%s: internal error; forecasts are kept in memory alone", self.path)
        finally:
            self._taking = False
            self._drop_waiting()

    def _open(self) -> CacheRows | None:
        """The file, damaged ones replaced; None where it was locked until `close`.

        Raises:
            CacheFileError: it cannot be used.
        """
        if self._computed_with is None:
            self._computed_with = computing_here()
        until = monotonic() + _UNLOCKED_S
        while True:
            try:
                rows = CacheRows(self.path, self._limit_bytes, self._computed_with)
            except LockedFileError:
                if monotonic() > until:
                    raise
                if self._closing.wait(_TURN_S / 4):
                    return None
            except DamagedFileError as error:
                return self._replaced(error)
            else:
                if rows.outdated:
                    log.info(
                        "%s: its forecasts were computed with other libraries or on another "
                        "processor: they were deleted, as their last digits may differ",
                        self.path,
                    )
                return rows

    def _replaced(self, damage: DamagedFileError) -> CacheRows | None:
        """A new file with what is in memory, the damaged one set aside.

        Raises:
            CacheFileError: it cannot be moved, or it is the last of too many.
        """
        self._damaged += 1
        if self._damaged > _MOST_SET_ASIDE:
            raise CacheFileError(f"{damage}, once again: examine the disk")
        aside = set_aside(self.path)
        log.warning("%s: %s; it was set aside as %s", self.path, damage, aside.name)
        self._rescue = True
        return self._open()

    def _keep(self, rows: CacheRows) -> None:
        """Load and write until told to close.

        Raises:
            DamagedFileError: the file must be replaced.
        """
        closing = self._closing.is_set()
        while True:
            self._take_turn(rows, closing)
            if closing:
                return
            self._wake.wait(_TURN_S)
            self._wake.clear()
            closing = self._closing.is_set()

    def _take_turn(self, rows: CacheRows, closing: bool) -> None:
        if not self._taking:
            self._taking = monotonic() > self._paused_until
            return
        try:
            if self._rescue:  # what is in memory is right, and the new file has nothing yet
                rows.add(self._cache.items())
                self._rescue = False
            self._load(rows)
            if self._write(rows) and self._troubled:
                self._troubled = False
                log.info("%s: it is written again", self.path)
            if closing or monotonic() > self._renew_at:
                self._renew(rows)
        except DamagedFileError:
            raise
        except CacheFileError as error:
            self._taking = False
            self._drop_waiting()
            self._paused_until = monotonic() + _PAUSE_S
            if not self._troubled:  # told once, until it is written again
                self._troubled = True
                log.warning("%s: %s; forecasts are kept in memory alone", self.path, error)

    def _load(self, rows: CacheRows) -> None:
        tags: set[bytes] = set()
        while self._served:
            tags |= self._served.popleft()
        if not tags:
            return
        loaded = 0
        for key, forecast in rows.newest(tags):
            if self._closing.is_set() or not self._cache.add_older(key, forecast):
                break
            loaded += 1
        if loaded:
            log.info("%s: %d forecasts loaded", self.path, loaded)

    def _write(self, rows: CacheRows) -> bool:
        """Write what waits; whether anything did."""
        written = False
        while self._waiting:
            batch: list[Entry] = []
            size = 0
            while self._waiting and size < _BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += _size(batch[-1])
            try:
                rows.add(batch)
            finally:
                self._taken_bytes += size
            written = True
        return written

    def _renew(self, rows: CacheRows) -> None:
        """Have those that are often asked for outlive the others in the file as in memory."""
        self._renew_at = monotonic() + _RENEW_S
        if self._cache.hits != self._renewed_hits and rows.is_half_full:
            self._renewed_hits = self._cache.hits
            rows.renew(self._cache.recent_keys())

    def _drop_waiting(self) -> None:
        while self._waiting:
            self._taken_bytes += _size(self._waiting.popleft())


def set_aside(path: Path) -> Path:
    """Give a damaged file, and what SQLite keeps beside it, another name; the name.

    Raises:
        CacheFileError: it cannot be renamed.
    """
    stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    names = (
        f"{path.name}.damaged-{stamp}{more}" for more in ("", *map("-{}".format, range(2, 99)))
    )
    aside = next(free for name in names if not (free := path.with_name(name)).exists())
    try:
        for suffix in ("-journal", "-wal", "-shm", ""):  # the file itself last: until then, again
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheFileError(f"it is damaged, and cannot be renamed ({reason})") from error
    return aside


def _size(entry: Entry) -> int:
    key, (quantiles, up, _) = entry
    return len(key) + len(quantiles) + len(up)
