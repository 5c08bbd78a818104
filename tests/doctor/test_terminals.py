"""The doctor looks into terminals: what is installed, compiled and allowed there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.bundles import Bundle
from bridge.doctor import Finding, Mark
from bridge.doctor.terminals import examine_terminals
from bridge.mt5 import install, library_files, model_files, shipped_library
from tests.backends import graphs
from tests.mt5.folders import data_folder, settings


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("my-model"))


@pytest.fixture
def data(home: Path) -> Path:
    return data_folder(home / "Roaming")


@pytest.fixture
def installed(data: Path, bundle: Bundle) -> Path:
    """The `MQL5` of a terminal that has the library and a model."""
    install(
        data / "MQL5",
        {**library_files(shipped_library()), **model_files(bundle)},
        version="1.0",
        model=bundle.manifest.label,
        may_replace=lambda path: True,
    )
    return data / "MQL5"


def said(findings: list[Finding], part: str) -> Finding:
    """The one finding that says this."""
    (finding,) = [each for each in findings if part in each.what]
    return finding


def look(*bundles: Bundle) -> list[Finding]:
    return list(examine_terminals(None, bundles))


def test_no_terminal_is_no_fault_and_is_said_with_where_was_looked(home: Path) -> None:
    (finding,) = look()

    assert finding.mark is Mark.NOTE
    assert str(home / "Roaming") in finding.remedy


def test_a_folder_that_is_no_terminals_is_broken(tmp_path: Path) -> None:
    (finding,) = examine_terminals([tmp_path], [])

    assert finding.is_broken
    assert "holds no MQL5" in finding.what


def test_a_terminal_without_the_library_is_told_how_to_get_it(data: Path) -> None:
    finding = said(look(), "the MQL5 library is not installed there")

    assert finding.mark is Mark.CARE
    assert f'eabridge mt5 install --data-folder "{data}"' in finding.remedy


@pytest.mark.usefixtures("installed")
def test_a_library_in_step_is_in_order(bundle: Bundle) -> None:
    findings = look(bundle)

    assert said(findings, "library 1.0").mark is Mark.OK
    assert not any(each.is_broken for each in findings)


def test_a_missing_file_is_broken(installed: Path, bundle: Bundle) -> None:
    (installed / "Include/EABridge/Forecaster.mqh").unlink()

    finding = said(look(bundle), "Forecaster.mqh is missing from the library")

    assert finding.mark is Mark.BROKEN
    assert "eabridge mt5 install" in finding.remedy


def test_a_changed_file_is_noted_as_the_users(installed: Path, bundle: Bundle) -> None:
    (installed / "Include/EABridge/Forecaster.mqh").write_text("// mine")

    one = said(look(bundle), "Forecaster.mqh was changed by you")
    assert one.mark is Mark.NOTE
    assert one.remedy == "an update will ask before it replaces it"

    (installed / "Scripts/EABridge/Ping.mq5").write_text("// mine")
    both = said(look(bundle), "Forecaster.mqh, Ping.mq5 were changed by you")
    assert both.remedy == "an update will ask before it replaces them"


@pytest.mark.usefixtures("installed")
def test_a_model_renewed_since_is_out_of_step(tmp_path: Path) -> None:
    promised = graphs.manifest("my-model", symbols=["EURUSD"])
    renewed = graphs.put(tmp_path / "new", graphs.steady(), promised)

    finding = said(look(renewed), "of another version than this eabridge")

    assert "my-model.mqh" in finding.what


def test_programs_are_told_apart_by_whether_they_are_compiled_since(
    installed: Path, bundle: Bundle
) -> None:
    sources = sorted(installed.rglob("*.mq5"))
    newest = max(path.stat().st_mtime for path in installed.rglob("*.mq*"))
    assert "not compiled" in "".join(each.what for each in look(bundle))

    for path in sources:
        path.with_suffix(".ex5").write_bytes(b"")
        os.utime(path.with_suffix(".ex5"), (newest + 1, newest + 1))
    assert said(look(bundle), " compiled").mark is Mark.OK

    os.utime(sources[0].with_suffix(".ex5"), (newest - 9, newest - 9))
    finding = said(look(bundle), "compiled before the last update")
    assert sources[0].name in finding.what
    assert "F7" in finding.remedy


@pytest.mark.parametrize(
    ("lines", "what", "mark"),
    [
        ("WebRequest=1\nWebRequestUrl=127.0.0.1", "may connect to 127.0.0.1", Mark.OK),
        ("WebRequest=1\nWebRequestUrl=https://a.b", "lacks 127.0.0.1", Mark.CARE),
        ("WebRequest=0", "may not connect to anything", Mark.CARE),
        ("WebRequest=1\nWebRequestUrl=" + "AB12" * 20, "is encrypted", Mark.NOTE),
        ("AllowDllImport=1", "DLLs are allowed there", Mark.NOTE),
        ("AllowDllImport=0", "DLLs are not allowed there", Mark.NOTE),
    ],
)
def test_settings_are_told_where_they_can_be_read(
    data: Path, lines: str, what: str, mark: Mark
) -> None:
    settings(data, lines)

    assert said(look(), what).mark is mark


def test_the_address_looked_for_is_the_one_that_eas_connect_to(data: Path) -> None:
    settings(data, "WebRequest=1\nWebRequestUrl=10.0.0.7")

    assert said(list(examine_terminals(None, [], "10.0.0.7")), "may connect to").mark is Mark.OK
    assert said(look(), "lacks 127.0.0.1").mark is Mark.CARE


def test_settings_that_cannot_be_read_are_said_to_be_so(data: Path) -> None:
    finding = said(look(), "cannot be read from its files")

    assert "Tools > Options > Expert Advisors" in finding.remedy


@pytest.mark.parametrize("name", ["installed.json", "Forecaster.mqh"])
def test_folders_in_the_place_of_files_are_findings_and_no_crash(
    installed: Path, bundle: Bundle, name: str
) -> None:
    path = installed / "Include/EABridge" / name
    path.unlink()
    path.mkdir()

    findings = look(bundle)

    assert any(each.mark in (Mark.CARE, Mark.BROKEN) for each in findings)
    assert "cannot be read from its files" in findings[-1].what
