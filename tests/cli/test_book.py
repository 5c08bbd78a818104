"""`eabridge book`."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.book import read_book
from tests.backends import graphs
from tests.cli.conftest import Run, export
from tests.conftest import shipped_model
from tests.mt5.folders import data_folder, make_home


@pytest.fixture
def short(tmp_path: Path, bars: Bars) -> Path:
    """An export of 200 bars: 73 whole windows."""
    return export(tmp_path / "EURUSD_H1.csv", bars[-200:])


def test_a_book_is_written_and_said_with_what_to_do_next(
    run: Run, short: Path, tmp_path: Path
) -> None:
    label = shipped_model("EURUSD").manifest.label

    ran = run("book", "--data", short)

    assert ran.code == 0, ran.err
    for part in (
        f"wrote EURUSD_H1_fx-h1.book: 73 forecasts of {label} ",
        "from 200 bars",
        "forecasts a second",
        "copy it into MQL5/Files",
        'forecaster.UseBook("EURUSD_H1_fx-h1.book")',
    ):
        assert part in ran.out
    assert len(read_book(tmp_path / "EURUSD_H1_fx-h1.book")) == 73


def test_a_whole_book_is_checked_and_shown(run: Run, short: Path) -> None:
    run("book", "--data", short)

    ran = run("book", "--check", "EURUSD_H1_fx-h1.book")

    assert ran.code == 0
    for part in ("whole", "fx-h1", "EURUSD H1", "73", "to 2018-02-07 15:00", "prices of 5 digits"):
        assert part in ran.out


def test_a_damaged_book_is_refused_with_what_to_do(run: Run, short: Path, tmp_path: Path) -> None:
    run("book", "--data", short)
    path = tmp_path / "EURUSD_H1_fx-h1.book"
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)

    ran = run("book", "--check", path)

    assert ran.code == 2
    assert "the record for 2018-02-07 15:00 is damaged" in ran.err
    assert "make it again with eabridge book" in ran.err


def test_days_limit_it(run: Run, short: Path, tmp_path: Path) -> None:
    ran = run(
        *("book", "--data", short, "--out", "day.book"),
        *("--since", "2018-02-06", "--until", "2018-02-06"),
    )

    assert ran.code == 0, ran.err
    assert len(read_book(tmp_path / "day.book")) == 24


def test_it_may_be_put_where_every_terminal_finds_it(
    run: Run, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home", monkeypatch)
    data_folder(home / "Roaming")

    ran = run("book", "--data", short, "--common")

    common = home / "Roaming" / "MetaQuotes" / "Terminal" / "Common" / "Files"
    assert ran.code == 0, ran.err
    assert "copy it" not in ran.out
    assert len(read_book(common / "EURUSD_H1_fx-h1.book")) == 73


def test_it_may_be_put_into_one_terminal(run: Run, short: Path, tmp_path: Path) -> None:
    data = data_folder(tmp_path / "Roaming")

    ran = run("book", "--data", short, "--data-folder", data, "--out", "my.book")

    assert ran.code == 0, ran.err
    assert len(read_book(data / "MQL5" / "Files" / "my.book")) == 73


def test_bars_without_a_name_are_warned_about(run: Run, bars: Bars, tmp_path: Path) -> None:
    path = export(tmp_path / "my bars.csv", bars[-150:])

    ran = run("book", "--data", path)

    assert ran.code == 0
    assert "my bars.csv names no symbol: name the file SYMBOL_H1.csv" in ran.err
    assert (tmp_path / "bars_H1_fx-h1.book").is_file()


@pytest.mark.parametrize("out", [".", "", "..", "books"])
def test_a_folder_is_no_book_and_a_name_is_told(
    run: Run, short: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "books").mkdir()

    ran = run("book", "--data", short, "--out", out)

    name = Path(out) / "EURUSD_H1_fx-h1.book"
    assert ran.code == 2
    assert f"--out {Path(out)} is a folder: give a file name, such as {name}" in ran.err
    assert "Traceback" not in ran.err


def test_days_may_be_written_as_metatrader_writes_them(
    run: Run, short: Path, tmp_path: Path
) -> None:
    ran = run(
        *("book", "--data", short, "--out", "day.book"),
        *("--since", "2018.02.06", "--until", "2018.02.06"),
    )

    assert ran.code == 0, ran.err
    assert len(read_book(tmp_path / "day.book")) == 24


def test_a_book_that_may_not_be_written_is_named_with_what_to_do(
    run: Run, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "replace", deny)

    ran = run("book", "--data", short, "--out", "my.book")

    assert ran.code == 2
    assert "cannot write my.book (Permission denied): close what has it open" in ran.err
    assert ".part" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--data", "EURUSD_H1.csv", "--since", "2020-12-01", "--until", "2020-01-01"),
            "--since 2020-12-01 lies after --until 2020-01-01",
        ),
        (
            ("--data", "EURUSD_H1.csv", "--until", "2010-01-01"),
            "no bar between these days: the bars run from 2018-01-",
        ),
        ((), "one of the arguments --data --check is required"),
        (("--data", "EURUSD_H1.csv", "--check", "x"), "not allowed with argument --data"),
        (("--data", "EURUSD_H1.csv", "--since", "yesterday"), "'yesterday' is no date such as"),
        (("--data", "EURUSD_H1.csv", "--since", "2024-01-01"), "no bar between these days"),
        (("--data", "EURUSD_H1.csv", "--out", "none/x.book"), "none is no folder: make it"),
        (("--data", "EURUSD_H1.csv", "--model", "gold"), "there is no model 'gold'"),
        (("--data", "EURUSD_H1.csv", "--common"), "no terminal of this user was found"),
        (("--data", "EURUSD_H1.csv", "--data-folder", "."), "is no data folder of MetaTrader 5"),
        (("--data", "EURUSD_H1.csv", "--common", "--out", "a/b"), "give a name alone"),
        (("--check", "none.book"), "none.book: No such file"),
        (("--check", "EURUSD_H1.csv"), "EURUSD_H1.csv is no book"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    run: Run,
    short: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    make_home(tmp_path / "home", monkeypatch)

    ran = run("book", *arguments)

    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not list(tmp_path.glob("*.book*"))


def test_another_timeframe_is_refused(run: Run, bars: Bars, tmp_path: Path) -> None:
    export(tmp_path / "EURUSD_H4.csv", bars[2:][::4])

    ran = run("book", "--data", "EURUSD_H4.csv")

    assert ran.code == 2
    name = shipped_model("EURUSD").manifest.name
    assert f"EURUSD_H4.csv: {name} was trained on H1 bars and these are H4" in ran.err


def test_a_book_of_a_symbol_is_its_specialists(run: Run, short: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    base = graphs.put(store, graphs.steady(), graphs.manifest("fx"))
    promised = graphs.specialist("fx-eurusd", base.manifest, ["EURUSD"])
    specialist = graphs.put(store, graphs.steady(), promised)

    ran = run("book", "--data", short, "--models", store)

    assert ran.code == 0, ran.err
    book = read_book(tmp_path / "EURUSD_H1_fx.book")  # named as an EA asks, whoever answers
    assert book.info.label == specialist.manifest.label
