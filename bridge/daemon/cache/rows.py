"""The cache file's content: forecasts as rows of an SQLite database, verified one by one.

A file is ours where its header says so (`APPLICATION_ID`); what is not ours is never changed, moved
or deleted. Each row carries a digest of itself, so that a flipped bit costs a forecast and never
makes a wrong one. A row's id is its age: the newest are loaded first, the oldest are deleted first.
"""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from struct import pack

import numpy as np

from bridge.daemon.cache.memory import KEY_BYTES, TAG_BYTES, CachedForecast

APPLICATION_ID = 0x45414266  # "EABf"; at this place of an SQLite header
_APPLICATION_ID_AT = slice(68, 72)
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
SCHEMA = 1
"""Of the tables below: a file of another one is left alone."""

_PAGE_BYTES = 8192
_WAL_PAGES = 256
_SUM_BYTES = 12
_AT_ONCE = 64
_DELETED_SHARE = 16  # one in so many rows leaves at a time

_TABLES = f"""
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {SCHEMA};
    CREATE TABLE origin (computed_with TEXT NOT NULL);
    CREATE TABLE forecasts (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        quantiles BLOB NOT NULL,
        up BLOB NOT NULL,
        infer_us INTEGER NOT NULL,
        sum BLOB NOT NULL
    );
"""

Entry = tuple[bytes, CachedForecast]


class CacheFileError(Exception):
    """The file cannot be used, now or at all. The message says why; it does not name the file."""


class LockedFileError(CacheFileError):
    """Another process has it."""


class ForeignFileError(CacheFileError):
    """It is not for us to change: of another program, or of a later version of this one."""


class DamagedFileError(CacheFileError):
    """It was ours, and cannot be trusted any longer."""


class CacheRows:
    """An open cache file, held against every other process. Used by the thread that opened it.

    Args:
        path: made where it does not exist; its folder is not.
        limit_bytes: of the rows, with their share of the file's pages.
        computed_with: what the bits of a forecast depend on beside its key (`computing_here`); rows
            that were computed with anything else are deleted.

    Raises:
        CacheFileError: or one of its kinds.
    """

    def __init__(self, path: Path, limit_bytes: int, computed_with: str) -> None:
        self._limit_bytes = limit_bytes
        is_new = _is_new(path)
        with _told():
            self._database = sqlite3.connect(path.absolute(), timeout=0, isolation_level=None)
        try:
            with _told():
                self._database.text_factory = bytes  # damaged text is no UTF-8
                self._open(is_new)
                self.outdated = self._delete_unlike(computed_with.encode())
        except BaseException:
            self.close()
            raise

    @property
    def rows(self) -> int:
        """How many forecasts it holds."""
        (count,) = self._one("SELECT count(*) FROM forecasts")
        return count

    @property
    def used_bytes(self) -> int:
        """Of the pages in use."""
        (pages,) = self._one("PRAGMA page_count")
        (free,) = self._one("PRAGMA freelist_count")
        (page_bytes,) = self._one("PRAGMA page_size")
        return (pages - free) * page_bytes

    @property
    def is_half_full(self) -> bool:
        """Whether the oldest may soon have to make room.

        Raises:
            CacheFileError: it cannot be read.
        """
        with _told():
            return 2 * self.used_bytes >= self._limit_bytes

    def newest(self, tags: set[bytes]) -> Iterator[Entry]:
        """The forecasts of the models with these tags, newest first.

        Raises:
            DamagedFileError: on the way; what was given until then is right.
        """
        # Closed whatever happens: what is still being read keeps the file open.
        with _told(), closing(self._database.cursor()) as found:
            if not any(self._has_any(tag) for tag in tags):  # as of most models that are new
                return
            found.execute(
                "SELECT key, quantiles, up, infer_us, sum FROM forecasts ORDER BY id DESC"
            )
            while rows := found.fetchmany(_AT_ONCE):
                for row in rows:
                    key = row[0]
                    if type(key) is not bytes or len(key) != KEY_BYTES:
                        raise DamagedFileError("a row in it is not what was written")
                    if key[:TAG_BYTES] in tags:
                        yield _verified(row)

    def add(self, entries: Iterable[Entry]) -> None:
        """Write forecasts as the newest, all of them or none; the oldest make room for them.

        Raises:
            CacheFileError: none was written.
        """
        with self._transaction():
            for number, (key, (quantiles, up, infer_us)) in enumerate(entries, start=1):
                self._database.execute(
                    "INSERT OR REPLACE INTO forecasts (key, quantiles, up, infer_us, sum)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (key, quantiles, up, infer_us, _sum(key, quantiles, up, infer_us)),
                )
                if number % _AT_ONCE == 0:
                    self._make_room()
            self._make_room()

    def renew(self, keys: Iterable[bytes]) -> None:
        """Make these the newest, in this order, where they are among the older half by now.

        Raises:
            CacheFileError: none was renewed.
        """
        with self._transaction():
            first, last = self._one("SELECT ifnull(min(id), 0), ifnull(max(id), 0) FROM forecasts")
            self._database.executemany(
                "UPDATE forecasts SET id = (SELECT max(id) FROM forecasts) + 1"
                " WHERE key = ? AND id < ?",
                ((key, (first + last) // 2) for key in keys),
            )

    def close(self) -> None:
        """Let go of the file, all of it in one piece where the disk permits."""
        with suppress(sqlite3.Error):  # what could not be written now is in its log, or lost
            self._database.close()

    def _open(self, is_new: bool) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        if is_new:
            run(f"PRAGMA page_size = {_PAGE_BYTES}")
            # Before the log is switched on: the file itself says from the start whose it is.
            self._database.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
        (found,) = self._one("PRAGMA user_version")
        if found > SCHEMA:
            raise ForeignFileError(
                f"it was written by a newer eabridge (its format is {found}, this one reads "
                f"{SCHEMA}): update this one, or give --cache-file another file"
            )
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        run(f"PRAGMA journal_size_limit = {2 * _WAL_PAGES * _PAGE_BYTES}")
        run("BEGIN EXCLUSIVE")  # held from here on, by the locking mode
        run("COMMIT")

    def _delete_unlike(self, computed_with: bytes) -> bool:
        found = self._database.execute("SELECT computed_with FROM origin").fetchall()
        if found == [(computed_with,)]:
            return False
        with self._transaction():
            self._database.execute("DELETE FROM forecasts")
            self._database.execute("DELETE FROM origin")
            self._database.execute("INSERT INTO origin VALUES (?)", (computed_with.decode(),))
        return bool(found)

    def _make_room(self) -> None:
        while self.used_bytes > self._limit_bytes and (rows := self.rows):
            self._database.execute(
                "DELETE FROM forecasts WHERE id IN (SELECT id FROM forecasts ORDER BY id LIMIT ?)",
                (max(1, rows // _DELETED_SHARE),),
            )

    def _has_any(self, tag: bytes) -> bool:
        (found,) = self._one(
            "SELECT EXISTS (SELECT 1 FROM forecasts WHERE key BETWEEN ? AND ?)",
            *(tag, tag + b"\xff" * KEY_BYTES),
        )
        return bool(found)

    def _one(self, query: str, *values: bytes) -> tuple[int, ...]:
        row: tuple[int, ...] = self._database.execute(query, values).fetchone()
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _told():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite may have ended it by itself
                    self._database.execute("ROLLBACK")
                raise


def computing_here() -> str:
    """What decides a forecast's last bits beside the model: the libraries and the processor."""
    libraries = [f"{name} {_version(name)}" for name in ("onnxruntime", "torch")]
    features = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return "; ".join([*libraries, platform.machine(), _processor(), " ".join(features)])


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def _processor() -> str:
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _is_new(path: Path) -> bool:
    """Whether the file is still to be made.

    Raises:
        CacheFileError: it cannot be read, or it is not ours.
    """
    try:
        if path.is_dir():
            raise CacheFileError("it is a folder: give --cache-file the name of a file")
        if not path.parent.is_dir():
            raise CacheFileError(f"there is no folder {path.parent}: make it first")
        with path.open("r+b") as file:  # it must be writable too
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise CacheFileError(f"it cannot be written ({error.strerror or error})") from error
    if not header:
        return True
    is_database = header.startswith(_MAGIC)
    is_ours = header[_APPLICATION_ID_AT] == APPLICATION_ID.to_bytes(4, "big")
    if is_ours != is_database and (is_ours or len(header) < _HEADER_BYTES):
        raise DamagedFileError("its first bytes are damaged")
    if not any(header):  # what a power failure leaves of a file
        raise DamagedFileError("it begins with zeros")
    if not is_ours:
        raise ForeignFileError(
            "it is not a file of forecasts, so it is left as it is: give --cache-file another one"
        )
    return False


def _verified(row: tuple[object, ...]) -> Entry:
    key, quantiles, up, infer_us, found = row
    if (
        type(key) is not bytes
        or type(quantiles) is not bytes
        or type(up) is not bytes
        or type(infer_us) is not int
        or found != _sum(key, quantiles, up, infer_us)
    ):
        raise DamagedFileError("a forecast in it is not what was written")
    return key, (quantiles, up, infer_us)


def _sum(key: bytes, quantiles: bytes, up: bytes, infer_us: int) -> bytes:
    digest = blake2b(pack("<qqq", infer_us, len(quantiles), len(up)), digest_size=_SUM_BYTES)
    for part in (key, quantiles, up):
        digest.update(part)
    return digest.digest()


@contextmanager
def _told() -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(error) from error


def _meaning(error: sqlite3.Error) -> CacheFileError:
    text = str(error)
    if "locked" in text:
        return LockedFileError(
            "another program has it, perhaps another eabridge serve: give each its own --cache-file"
        )
    if "full" in text:
        return CacheFileError("the disk is full")
    if "readonly" in text or "unable to open" in text:
        return CacheFileError(
            f"it cannot be written ({text}): mind its permissions and its folder's"
        )
    if isinstance(error, sqlite3.OperationalError) and "no such" not in text:
        return CacheFileError(text)
    return DamagedFileError(f"it is damaged ({text})")
