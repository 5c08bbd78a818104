"""Making a book: every window of a history through the model, in batches, on all cores."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bridge.backends import (
    Backend,
    BackendError,
    Forecasts,
    TorchRuntime,
    open_backend,
    require_promised,
)
from bridge.bars import Bars, timeframe_name, windows
from bridge.bars.bars import DAY
from bridge.bars.hygiene import may_be_forming
from bridge.bars.times import stamp
from bridge.bars.windows import midnight_after
from bridge.book.book import BookError, BookInfo, write_head
from bridge.book.checksums import fold_rows, price_digits, window_checksums
from bridge.bundles import Bundle, Manifest

_BATCH = 32  # windows that the model takes at once: more are no faster
_BLOCK = 256  # windows that a thread answers before it hands them on
_BLOCKS_AHEAD = 2  # for each thread, so that none waits for the disk


@dataclass(frozen=True)
class MadeBook:
    """A book that was just written."""

    path: Path
    info: BookInfo
    bars: int
    forecasts: int
    seconds: float
    bytes: int


def make_book(
    bundle: Bundle,
    bars: Bars,
    path: Path,
    *,
    since: date | None = None,
    until: date | None = None,
    runtime: TorchRuntime | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> MadeBook:
    """Forecast after every closed bar that has a whole window, and write a book of it.

    The forecasts are bit for bit those that a daemon answers with `bundle`; which bundle that is
    for a symbol, `bridge.bundles.find_routed` says. The file is written whole
    or not at all, and never held in memory.

    Args:
        bundle: the model.
        bars: the history, as the terminal that will read the book has it.
        path: the book; one that stands there is replaced.
        since, until: the first and the last day whose bars are forecast from.
        runtime: opens a bundle that PyTorch runs.
        on_progress: called with forecasts done and in all.

    Raises:
        BookError: another timeframe than the model's, no bar to forecast from, no room on the
            disk, or a window for which the model has no answer.
        BackendError: the bundle's graph cannot be run.
        OSError: the file cannot be written.
    """
    started = time.perf_counter()
    manifest = bundle.manifest
    ends = _rows_to_forecast_from(manifest, bars, since, until)
    prices = bars.ohlc if manifest.inputs == "ohlc" else bars.ohlc[:, 3:]
    info = BookInfo(
        label=manifest.label,
        symbol=bars.symbol,
        columns=prices.shape[1],
        context=manifest.context,
        horizon=manifest.horizon,
        levels=manifest.levels,
        tf=bars.tf,
        digits=price_digits(prices[ends.start + 1 - manifest.context : ends.stop]),
    )
    _require_room(path, info.file_bytes(len(ends)))
    job = _Job(open_backend(bundle, runtime), manifest, prices, bars.time)
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            _write(file, info, job, ends, on_progress)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    seconds = time.perf_counter() - started
    return MadeBook(path, info, len(bars), len(ends), seconds, info.file_bytes(len(ends)))


def _rows_to_forecast_from(
    manifest: Manifest, bars: Bars, since: date | None, until: date | None
) -> range:
    """The rows of the bars that close a whole window, between the two days."""
    if manifest.tf not in (0, bars.tf):
        raise BookError(
            f"{manifest.name} was trained on {timeframe_name(manifest.tf)} bars and these are "
            f"{timeframe_name(bars.tf)}: export {timeframe_name(manifest.tf)} bars, or train a "
            f"model on {timeframe_name(bars.tf)}"
        )
    closed = len(bars) - may_be_forming(int(bars.time[-1]), bars.tf, time.time())
    if closed < manifest.context:
        raise BookError(
            f"there are {closed} closed bars and {manifest.name} reads {manifest.context}: export "
            "a longer history"
        )
    first = np.searchsorted(bars.time, midnight_after(since) - DAY) if since else 0
    last = np.searchsorted(bars.time, midnight_after(until)) if until else closed
    rows = range(max(int(first), manifest.context - 1), min(int(last), closed))
    if not rows:
        extent = f"{stamp(int(bars.time[0]))} to {stamp(int(bars.time[closed - 1]))}"
        if first >= min(int(last), closed):
            raise BookError(f"there is no bar between these days: the bars run from {extent}")
        raise BookError(
            f"no bar between these days has {manifest.context} bars up to it: the bars run from "
            f"{extent}"
        )
    return rows


def _require_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise BookError(
            f"the book needs {size / 1e9:.1f} GB and {path.parent} has {free / 1e9:.1f} GB free: "
            "make room, or ask for fewer days"
        )


@dataclass(frozen=True)
class _Job:
    """What the threads share: one session, which is as fast as one for each of them."""

    backend: Backend
    manifest: Manifest
    prices: NDArray[np.float64]  # [n, columns]
    time: NDArray[np.int64]

    def answer(self, rows: range) -> NDArray[np.float64]:
        """The records of the windows that end at these rows: [len(rows), values]."""
        records = [_records(self._forecast(batch)) for batch in _pieces(rows, _BATCH)]
        return np.concatenate(records)

    def _forecast(self, rows: range) -> Forecasts:
        bars = windows(self.prices, np.array(rows), self.manifest.context)
        if self.manifest.inputs == "close":
            bars = bars[:, :, 0]
        times = self.time[rows.start : rows.stop].astype(np.float64)
        try:
            answer = self.backend.forecast(bars, times)
            require_promised(answer, self.manifest, len(rows))
        except BackendError as error:
            if len(rows) > 1:  # the graph may admit one window at a time
                return _joined([self._forecast(row) for row in _pieces(rows, 1)])
            raise self._no_answer(rows.start) from error
        sound = np.isfinite(answer.quantiles).all(axis=(1, 2)) & np.isfinite(answer.up).all(axis=1)
        if not sound.all():
            raise self._no_answer(rows[int(np.argmin(sound))])
        return answer

    def _no_answer(self, row: int) -> BookError:
        return BookError(
            f"{self.manifest.label} has no answer for the window that ends at "
            f"{stamp(int(self.time[row]))}: no book is made"
        )


def _write(
    file: BinaryIO,
    info: BookInfo,
    job: _Job,
    ends: range,
    on_progress: Callable[[int, int], None],
) -> None:
    """Records first, as they come; then the index before them, which needs their checksums."""
    file.seek(info.records_at(len(ends)))
    checksums = []
    done = 0
    with closing(_in_order(job.answer, ends)) as blocks:
        for records in blocks:
            file.write(records.astype("<f8").data)
            checksums.append(fold_rows(records))
            done += len(records)
            on_progress(done, len(ends))
    used = slice(ends.start + 1 - info.context, ends.stop)
    write_head(
        file,
        info,
        job.time[ends.start : ends.stop],
        window_checksums(job.prices[used], info.context, info.digits),
        np.concatenate(checksums),
    )


def _in_order(
    answer: Callable[[range], NDArray[np.float64]], rows: range
) -> Generator[NDArray[np.float64], None, None]:
    """The answers to blocks of rows, a thread for each core, few of them held at a time."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[NDArray[np.float64]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for block in _pieces(rows, _BLOCK):
            waiting.append(pool.submit(answer, block))
            if len(waiting) > _BLOCKS_AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _pieces(rows: range, size: int) -> Iterator[range]:
    for start in range(rows.start, rows.stop, size):
        yield range(start, min(start + size, rows.stop))


def _records(answer: Forecasts) -> NDArray[np.float64]:
    """[B, H * Q + H] of a batch."""
    return np.concatenate([answer.quantiles.reshape(len(answer.up), -1), answer.up], axis=1)


def _joined(answers: list[Forecasts]) -> Forecasts:
    return Forecasts(
        np.concatenate([each.quantiles for each in answers]),
        np.concatenate([each.up for each in answers]),
    )
