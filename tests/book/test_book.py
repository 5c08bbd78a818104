"""Books as files: what stands in them, and that no damage passes for a forecast."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import Bars
from bridge.book import Book, BookError, read_book, window_checksums
from bridge.book.book import MAGIC, write_head
from tests.backends import graphs


def damaged(book: Book, at: int, value: int) -> Path:
    """A copy of the book with one byte changed."""
    raw = bytearray(book.path.read_bytes())
    raw[at] ^= value
    path = book.path.with_name("damaged.book")
    path.write_bytes(raw)
    return path


def test_a_book_says_what_it_is_of(book: Book) -> None:
    info = book.info

    assert info.label.startswith("steady@")
    assert (info.columns, info.context, info.horizon, info.tf) == (1, 4, 2, 3600)
    assert info.levels == graphs.LEVELS
    assert len(book) == 9


def test_a_bar_is_found_by_its_time(book: Book, walk: Bars) -> None:
    for row in range(3, 12):
        entry = book.find(int(walk.time[row]))

        assert entry.time == walk.time[row]
        np.testing.assert_array_equal(
            entry.quantiles, graphs.expected_quantiles(float(walk.close[row]))
        )
        assert entry.up.shape == (2,)


def test_each_entry_carries_the_checksum_of_its_window(book: Book, walk: Bars) -> None:
    sums = window_checksums(walk.ohlc[:, 3:], 4, book.info.digits)

    assert [book.find(int(time)).window for time in book.time] == sums.tolist()


def test_the_layout_is_the_one_that_mql5_reads(book: Book, walk: Bars) -> None:
    """Offsets and sizes written out: changing them is a new version of the format."""
    raw = book.path.read_bytes()
    label = book.info.label.encode()
    header = 64 + 3 * 8 + (len(label) + 7) // 8 * 8

    assert raw[:8] == b"EABOOK1\n"
    assert struct.unpack_from("<10I", raw, 8) == (
        *(header, 1, 4, 2, 3, 3600, book.info.digits, len(label), 0, 0),
    )
    assert struct.unpack_from("<Q", raw, 48) == (9,)
    assert struct.unpack_from("<3d", raw, 64) == graphs.LEVELS
    assert raw[88 : 88 + len(label)] == label
    assert struct.unpack_from("<9q", raw, header) == tuple(walk.time[3:])
    last_close = float(walk.close[3])
    first = struct.unpack_from("<6d", raw, header + 3 * 8 * 9)
    assert first == tuple(graphs.expected_quantiles(last_close).reshape(-1))
    assert len(raw) == header + 24 * 9 + 9 * 8 * (2 * 3 + 2)


@pytest.mark.parametrize("apart", [-3600 * 100, 1800, 3600 * 100])
def test_a_bar_that_is_not_there_is_said_with_what_there_is(book: Book, apart: int) -> None:
    with pytest.raises(BookError, match=r"has no forecast for .*: it runs from .* to "):
        book.find(int(book.time[4]) + apart)


def test_any_changed_byte_before_the_records_is_noticed_on_opening(book: Book) -> None:
    for at in range(book.info.records_at(len(book))):
        with pytest.raises(BookError):
            read_book(damaged(book, at, 0x10))


def test_any_changed_byte_of_a_record_is_noticed_on_finding_it(book: Book) -> None:
    start, size = book.info.records_at(len(book)), 8 * book.info.record_values
    for at in range(start, start + size):
        hurt = read_book(damaged(book, at, 0x01))

        with pytest.raises(BookError, match=r"the record for .* is damaged"):
            hurt.find(int(hurt.time[0]))
        hurt.find(int(hurt.time[1]))
        with pytest.raises(BookError, match="is damaged"):
            hurt.verify()


def test_a_whole_book_is_verified_to_its_end(book: Book) -> None:
    steps: list[tuple[int, int]] = []

    book.verify(lambda done, total: steps.append((done, total)))

    assert steps[-1] == (9, 9)


def test_a_book_cut_off_anywhere_is_refused(book: Book) -> None:
    raw = book.path.read_bytes()
    for size in range(len(raw)):
        book.path.write_bytes(raw[:size])

        with pytest.raises(BookError):
            read_book(book.path)


def test_a_book_with_more_behind_it_is_refused(book: Book) -> None:
    book.path.write_bytes(book.path.read_bytes() + b"\0")

    with pytest.raises(BookError, match="has 905 bytes and should have 904"):
        read_book(book.path)


def test_a_record_cut_off_while_the_book_is_open_is_noticed(book: Book) -> None:
    book.path.write_bytes(book.path.read_bytes()[:-8])

    with pytest.raises(BookError, match="was cut off after it was opened"):
        book.find(int(book.time[-1]))


def test_a_header_that_promises_the_moon_allocates_nothing(book: Book) -> None:
    raw = bytearray(book.path.read_bytes())
    struct.pack_into("<Q", raw, 48, 1 << 60)
    book.path.write_bytes(raw)

    with pytest.raises(BookError, match="bytes and should have"):
        read_book(book.path)


def test_times_that_do_not_ascend_are_refused_whatever_their_checksum(book: Book) -> None:
    backwards = book.time[::-1].copy()
    raw = bytearray(book.path.read_bytes())
    head = io.BytesIO()
    write_head(head, book.info, backwards, book.windows, book.records)
    raw[: len(head.getvalue())] = head.getvalue()
    book.path.write_bytes(raw)

    with pytest.raises(BookError, match="its times do not ascend"):
        read_book(book.path)


def test_a_book_of_another_version_is_named_as_such(book: Book) -> None:
    book.path.write_bytes(b"EABOOK2\n" + book.path.read_bytes()[8:])

    with pytest.raises(BookError, match="is a book of another version: make one with"):
        read_book(book.path)


def test_what_is_no_book_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("time,open,high,low,close\n")

    with pytest.raises(BookError, match=r"bars\.csv is no book"):
        read_book(path)


@given(st.binary(max_size=200))
def test_bytes_behind_the_magic_are_refused_and_never_crash(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.book"
    path.write_bytes(MAGIC + tail)

    with pytest.raises(BookError):
        read_book(path)
