"""Finding terminals: on Windows, portable, under Wine, on a Mac, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.mt5 import Terminal, TerminalError, find_terminals, known_places, terminal_at
from tests.mt5.folders import HASH, INSTALLED_IN, OTHER_HASH, data_folder, program_folder


def found(home: Path, **environment: Path) -> list[Terminal]:
    variables = {name: str(value) for name, value in environment.items()}
    return find_terminals(known_places(variables, home))


def test_data_folders_on_windows_are_found_with_their_origin(tmp_path: Path) -> None:
    one = data_folder(tmp_path / "Roaming")
    two = data_folder(tmp_path / "Roaming", OTHER_HASH, r"D:\Broker MT5")

    terminals = found(tmp_path, APPDATA=tmp_path / "Roaming")

    assert [(each.data, each.origin) for each in terminals] == [
        (two, r"D:\Broker MT5"),
        (one, INSTALLED_IN),
    ]
    assert INSTALLED_IN in str(terminals[1])


def test_folders_that_are_no_terminals_are_passed_over(tmp_path: Path) -> None:
    data_folder(tmp_path / "Roaming", "Common")
    data_folder(tmp_path / "Roaming", HASH + "0")
    (tmp_path / "Roaming" / "MetaQuotes" / "Terminal" / OTHER_HASH).mkdir()

    assert found(tmp_path, APPDATA=tmp_path / "Roaming") == []


@pytest.mark.parametrize(
    ("raw", "origin"),
    [
        (INSTALLED_IN.encode("utf-16"), INSTALLED_IN),
        (INSTALLED_IN.encode("utf-8"), INSTALLED_IN),
        (b"\xff\xfeC", "\ufffd"),
        (b"", ""),
        (None, ""),
    ],
)
def test_an_origin_in_any_bytes_is_no_error(tmp_path: Path, raw: bytes | None, origin: str) -> None:
    path = data_folder(tmp_path / "Roaming") / "origin.txt"
    path.unlink()
    if raw is not None:
        path.write_bytes(raw)

    (terminal,) = found(tmp_path, APPDATA=tmp_path / "Roaming")

    assert terminal.origin == origin


def test_a_portable_terminal_is_one_without_a_data_folder_elsewhere(tmp_path: Path) -> None:
    data = data_folder(tmp_path / "Roaming")
    program_folder(tmp_path / "Program Files", "MetaTrader 5")
    portable = program_folder(tmp_path / "Program Files", "Broker")
    (tmp_path / "Program Files" / "Else" / "MQL5").mkdir(parents=True)

    terminals = found(
        tmp_path, APPDATA=tmp_path / "Roaming", ProgramFiles=tmp_path / "Program Files"
    )

    assert [each.data for each in terminals] == [data, portable]
    assert terminals[1].origin == "portable"


@pytest.mark.parametrize(
    ("prefix", "roaming"),
    [
        (".wine", "AppData/Roaming"),
        (".mt5", "Application Data"),
        ("Library/Application Support/net.metaquotes.wine.metatrader5", "AppData/Roaming"),
    ],
)
def test_terminals_in_prefixes_of_wine_are_found(tmp_path: Path, prefix: str, roaming: str) -> None:
    drive = tmp_path / prefix / "drive_c"
    data = data_folder(drive / "users" / "trader" / roaming, origin=r"C:\Else")
    portable = program_folder(drive / "Program Files")

    terminals = found(tmp_path)

    assert [each.data for each in terminals] == [data, portable]


def test_the_prefix_named_by_the_environment_is_looked_into(tmp_path: Path) -> None:
    portable = program_folder(tmp_path / "prefix" / "drive_c" / "Program Files")

    (terminal,) = found(tmp_path / "home", WINEPREFIX=tmp_path / "prefix")

    assert terminal.data == portable


def test_terminals_of_two_prefixes_are_not_taken_for_one(tmp_path: Path) -> None:
    data_folder(tmp_path / ".wine" / "drive_c" / "users" / "me" / "AppData" / "Roaming")
    program_folder(tmp_path / ".mt5" / "drive_c" / "Program Files")

    assert len(found(tmp_path)) == 2


def test_a_prefix_given_twice_is_looked_into_once(tmp_path: Path) -> None:
    program_folder(tmp_path / ".wine" / "drive_c" / "Program Files")

    assert len(found(tmp_path, WINEPREFIX=tmp_path / ".wine")) == 1


def test_the_common_folder_is_the_users_whose_terminals_they_are(tmp_path: Path) -> None:
    roaming = tmp_path / ".wine" / "drive_c" / "users" / "me" / "AppData" / "Roaming"
    data_folder(roaming)

    common = known_places({"APPDATA": str(tmp_path / "none")}, tmp_path).common_folder()

    assert common == roaming / "MetaQuotes" / "Terminal" / "Common"


def test_where_nothing_is_nothing_is_found(tmp_path: Path) -> None:
    assert found(tmp_path / "nobody", APPDATA=tmp_path / "none") == []


@pytest.mark.parametrize("inside", ["", "MQL5"])
def test_a_folder_is_taken_as_given_itself_or_by_its_mql5(tmp_path: Path, inside: str) -> None:
    data = data_folder(tmp_path / "Roaming")

    terminal = terminal_at(data / inside)

    assert terminal.data == data
    assert terminal.mql5 == data / "MQL5"


def test_a_folder_that_is_no_terminals_is_refused_with_the_way_to_the_right_one(
    tmp_path: Path,
) -> None:
    with pytest.raises(TerminalError, match="as it holds no MQL5: in the terminal, File > Open"):
        terminal_at(tmp_path)
