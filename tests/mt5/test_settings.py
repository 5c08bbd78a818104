"""A terminal's settings: read where they can be, in every form that terminals write."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.mt5 import Settings, read_settings
from tests.mt5.folders import settings

BLOB = "5A41C07F" * 12


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8"])
def test_what_is_ticked_is_read_in_every_encoding(data: Path, encoding: str) -> None:
    settings(data, "AllowDllImport=1\nWebRequest=1\nWebRequestUrl=127.0.0.1", encoding=encoding)

    assert read_settings(data) == Settings(True, ("127.0.0.1",), True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("WebRequest=0\nAllowDllImport=0", Settings(False, (), False)),
        ("WebRequest=1\nWebRequestUrl=", Settings(True, (), None)),
        (f"WebRequest=1\nWebRequestUrl={BLOB}", Settings(True, None, None)),
        ("WebRequestUrl=https://a.b;127.0.0.1", Settings(None, ("https://a.b", "127.0.0.1"), None)),
        ("webrequesturl = a.b\nWEBREQUESTURL=c.d", Settings(None, ("a.b", "c.d"), None)),
        ("WebRequest=maybe\nnonsense", Settings(None, (), None)),
        ("", Settings(None, (), None)),
    ],
)
def test_every_form_of_the_list_is_understood_or_said_to_be_hidden(
    data: Path, lines: str, expected: Settings
) -> None:
    settings(data, lines)

    assert read_settings(data) == expected


def test_the_folder_may_be_written_with_a_capital(data: Path) -> None:
    (data / "config").rmdir()
    settings(data, "WebRequest=1", folder="Config")

    found = read_settings(data)

    assert found is not None
    assert found.may_connect


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"\xff\xfe\x00\xd8", bytes(range(256))])
def test_bytes_that_are_no_settings_are_no_error(data: Path, raw: bytes) -> None:
    settings(data, "").write_bytes(raw)

    assert read_settings(data) in (None, Settings(None, (), None))


def test_no_settings_are_none(data: Path, tmp_path: Path) -> None:
    assert read_settings(data) is None
    assert read_settings(tmp_path / "nowhere") is None
    (data / "config" / "common.ini").mkdir()
    assert read_settings(data) is None
