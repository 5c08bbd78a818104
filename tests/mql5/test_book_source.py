"""The book as a source: found, missing, damaged, of other bars, of another timeframe."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from bridge.backends import open_backend
from bridge.bars import Bars, windows
from bridge.bars.times import stamp
from bridge.book import make_book, read_book
from bridge.book.checksums import fold
from bridge.bundles import Bundle
from tests.backends import graphs
from tests.mql5.history import read_probe, write_export
from tests.mql5.host import HERE, Program, TesterResult, build
from tests.mql5.installed import beside_installed, shipped_bundle
from tests.mql5.terminal import Terminal

TESTED_BARS = 300


@pytest.fixture(scope="module")
def probe() -> Program:
    return build(beside_installed("Probe.mq5"))


@pytest.fixture(scope="module")
def library() -> Program:
    return build(HERE / "programs" / "Library.mq5")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, allow_dll=True)


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    """What the terminal has; the last of them begins to form when a test ends."""
    return bars[-(TESTED_BARS + 200) :]


@pytest.fixture(scope="module")
def book(history: Bars, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books")
    return make_book(shipped_bundle(), history, folder / "whole.book").path


def over(
    probe: Program, terminal: Terminal, history: Bars, book: Path, folder: Path | None = None
) -> TesterResult:
    shutil.copy(book, (folder or terminal.files) / "forecast.book")
    return run(probe, terminal, history)


def run(probe: Program, terminal: Terminal, history: Bars) -> TesterResult:
    return probe.test(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpSource": "book"},
        **{"from": stamp(int(history.time[-TESTED_BARS])).replace("-", ".")},
    )


def errors(result: TesterResult) -> list[list[str]]:
    """Name and sentence of each error that the probe told."""
    return [line.split("\t")[1:] for line in result.journal if line.startswith("error\t")]


def test_every_bar_gets_the_forecast_that_the_model_made_for_it_bit_for_bit(
    probe: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    assert over(probe, terminal, history, book).code == 0
    asked = read_probe(terminal.agent_files / "probe.bin")
    assert [each.bar for each in asked] == history.time[-TESTED_BARS:].tolist()
    ends = np.arange(len(history) - TESTED_BARS, len(history)) - 1
    backend = open_backend(shipped_bundle())
    answer = backend.forecast(windows(history.ohlc, ends, 128), history.time[ends].astype(float))
    for row, each in enumerate(asked):
        expected = np.concatenate([answer.quantiles[row].reshape(-1), answer.up[row]])
        assert each.numbers.tobytes() == expected.tobytes()


def test_a_book_in_the_common_folder_is_found(
    probe: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    result = over(probe, terminal, history, book, terminal.common_files)
    assert not errors(result)


def test_a_book_that_is_not_there_says_how_to_make_one(
    probe: Program, terminal: Terminal, history: Bars
) -> None:
    ((name, text),) = errors(run(probe, terminal, history))
    assert name == "book_missing"
    assert "forecast.book" in text
    assert "eabridge book" in text
    assert "Files" in text
    assert all(not each.numbers.size for each in read_probe(terminal.agent_files / "probe.bin"))


def test_a_book_of_other_bars_is_refused_and_not_believed(
    probe: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    changed = history.ohlc.copy()
    changed[200, 3] += 1e-5  # one close of one bar, by the smallest step there is
    other = Bars(history.symbol, history.tf, history.time, changed, history.volume)
    result = over(probe, terminal, other, book)
    asked = read_probe(terminal.agent_files / "probe.bin")
    refused = [not each.numbers.size for each in asked]
    first = TESTED_BARS - (len(history) - 200) + 1  # asked when that bar has closed
    assert refused == [first <= row < first + 128 for row in range(TESTED_BARS)]
    name, text = errors(result)[0]
    assert name == "book_other_bars"
    for part in ("EURUSD", "ExportBars", "forecast.book"):
        assert part in text


def test_prices_that_differ_in_their_last_bits_only_are_the_same_bars(
    probe: Program, terminal: Terminal, history: Bars, tmp_path: Path
) -> None:
    noisy = Bars(
        history.symbol, history.tf, history.time, np.nextafter(history.ohlc, 9), history.volume
    )
    made = make_book(shipped_bundle(), noisy, tmp_path / "noisy.book")
    assert made.info.digits == 5
    assert not errors(over(probe, terminal, history, made.path))


def test_a_bar_that_the_book_has_not_is_told_with_the_books_first_and_last(
    probe: Program, terminal: Terminal, history: Bars, tmp_path: Path
) -> None:
    made = make_book(shipped_bundle(), history[:-50], tmp_path / "short.book")
    result = over(probe, terminal, history, made.path)
    asked = read_probe(terminal.agent_files / "probe.bin")
    assert [bool(each.numbers.size) for each in asked] == [True] * (TESTED_BARS - 49) + [False] * 49
    name, text = errors(result)[0]
    assert name == "book_no_bar"
    for row in (127, len(history) - 51, len(history) - 50):
        assert stamp(int(history.time[row])).replace("-", ".") in text


def test_a_book_of_another_timeframe_is_told_apart_from_a_model_of_one(
    probe: Program, terminal: Terminal, history: Bars, tmp_path: Path
) -> None:
    daily = graphs.put(tmp_path, graphs.steady(), graphs.manifest("daily", tf=86_400))
    some = history[:50]
    days = Bars("EURUSD", 86_400, np.arange(50) * 86_400, some.ohlc, some.volume)
    made = make_book(daily, days, tmp_path / "daily.book")
    ((name, text),) = errors(over(probe, terminal, history, made.path))
    assert name == "book_other_timeframe"
    assert "D1" in text
    assert "H1" in text


def test_a_book_is_closed_when_the_program_goes(
    probe: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    result = over(probe, terminal, history, book)
    assert not result.undeleted
    assert "forecast.book" in next(line for line in result.journal if line.startswith("source\t"))


# A small book, and what may have become of its bytes on the way.


@pytest.fixture(scope="module")
def small(history: Bars, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A book of 60 forecasts, whose last one is for the last closed bar."""
    folder = tmp_path_factory.mktemp("small")
    bundle: Bundle = graphs.put(folder, graphs.steady(), graphs.manifest("small"))
    path = make_book(bundle, history[-64:-1], folder / "small.book").path
    assert len(read_book(path)) == 60
    return path.read_bytes()


def opened(
    library: Program, terminal: Terminal, history: Bars, books: list[bytes]
) -> list[tuple[bool, str]]:
    """Whether each book gave a forecast for the last closed bar, and the name of its error."""
    for number, content in enumerate(books):
        (terminal.files / f"{number}.book").write_bytes(content)
    result = library.script(
        terminal,
        inputs={"InpCommand": "books", "InpCount": len(books)},
        bars=write_export(terminal.folder, history),
        timeout=120,
    )
    assert result.code == 0
    rows = [line.split("\t") for line in result.journal if "\t" in line]
    assert len(rows) == len(books)
    assert all(row[2] or row[1] in ("ok", "few_bars") for row in rows), (
        "an error without a sentence"
    )
    return [(row[0] == "1", row[1]) for row in rows]


def index_at(book: bytes) -> int:
    return struct.unpack_from("<I", book, 8)[0]


def resealed(book: bytes) -> bytes:
    """The book with the checksum of its header and index made right again."""
    head = bytearray(book[: index_at(book) + 24 * struct.unpack_from("<Q", book, 48)[0]])
    head[56:64] = bytes(8)
    return book[:56] + struct.pack("<Q", fold(np.frombuffer(head, "<u8"))) + book[64:]


def with_number(book: bytes, form: str, at: int, value: int) -> bytes:
    return book[:at] + struct.pack(form, value) + book[at + struct.calcsize(form) :]


def test_a_whole_book_answers(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    assert opened(library, terminal, history, [small, resealed(small)]) == [(True, "ok")] * 2


def test_a_book_cut_off_anywhere_is_damaged(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    lengths = [*range(0, 130, 3), *range(130, len(small), 97), len(small) - 1]
    books = [small[:length] for length in lengths] + [small + b"\0", small + bytes(8)]
    assert set(opened(library, terminal, history, books)) == {(False, "book_damaged")}


def test_one_wrong_bit_before_the_records_is_damage(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    draw = np.random.default_rng(1)
    records_at = index_at(small) + 24 * 60
    books = []
    for at in (*range(64), *draw.integers(64, records_at, 100).tolist()):
        wrong = bytearray(small)
        wrong[at] ^= 1 << int(draw.integers(8))
        books.append(bytes(wrong))
    assert set(opened(library, terminal, history, books)) == {(False, "book_damaged")}


def test_one_wrong_bit_in_a_record_is_damage_when_that_bar_is_asked_for(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    draw = np.random.default_rng(2)
    record = 8 * (graphs.HORIZON * len(graphs.LEVELS) + graphs.HORIZON)
    places = draw.integers(len(small) - 2 * record, len(small), 60).tolist()
    books = []
    for at in places:
        wrong = bytearray(small)
        wrong[at] ^= 1 << int(draw.integers(8))
        books.append(bytes(wrong))
    of_last_bar = [at >= len(small) - record for at in places]
    expected = [(False, "book_damaged") if last else (True, "ok") for last in of_last_bar]
    assert opened(library, terminal, history, books) == expected


def test_numbers_that_no_book_has_end_in_a_reason_even_where_the_checksum_is_right(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    hostile = [0, 1, 2, 7, 9, 1 << 15, (1 << 16) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    books = [with_number(small, "<I", at, value) for at in range(8, 48, 4) for value in hostile] + [
        with_number(small, "<Q", 48, value)
        for value in (0, 59, 61, 1 << 31, 1 << 32, 1 << 61, (1 << 64) - 1)
    ]
    sealed = []
    for book in books:
        try:
            sealed.append(resealed(book))
        except (struct.error, ValueError, MemoryError, OverflowError):
            sealed.append(book)
    answers = opened(library, terminal, history, sealed)
    assert {name for taken, name in answers if not taken} <= {
        *("book_damaged", "book_other_bars", "book_no_bar", "few_bars"),
        "book_other_timeframe",
    }


def test_levels_and_times_that_do_not_ascend_are_damage(
    library: Program, terminal: Terminal, history: Bars, small: bytes
) -> None:
    nan = struct.unpack("<Q", struct.pack("<d", float("nan")))[0]
    times = index_at(small)
    books = [
        with_number(small, "<Q", 64, nan),
        with_number(small, "<Q", 72, struct.unpack_from("<Q", small, 64)[0]),
        with_number(small, "<Q", times + 80, struct.unpack_from("<Q", small, times + 72)[0]),
    ]
    found = opened(library, terminal, history, [resealed(book) for book in books])
    assert set(found) == {(False, "book_damaged")}
