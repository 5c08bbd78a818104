"""Files for one reader: what Windows' rights say, and that nothing is left of what failed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bridge.keys import owner_only
from bridge.keys.owner_only import NotPrivateError, groups_granted, require_private, write_private

OWNER = "S-1-5-21-1004336348-1177238915-682003330-1001"


@pytest.mark.parametrize(
    ("rights", "groups"),
    [
        (f"D:PAI(A;;FA;;;{OWNER})", set()),
        (f"D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;{OWNER})", set()),
        ("D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", {"BU"}),
        ("D:(A;;FR;;;WD)(A;;FA;;;BA)", {"WD"}),
        ("D:(A;;FA;;;BA)(A;ID;0x1301bf;;;AU)(A;;FR;;;S-1-1-0)", {"AU", "S-1-1-0"}),
        ("D:(D;;FA;;;WD)", set()),
        ("", set()),
    ],
    ids=[
        "the owner alone",
        "the system and administrators too",
        "all users",
        "everyone",
        "all who are logged on, and everyone by number",
        "everyone, denied",
        "nothing",
    ],
)
def test_windows_rights_tell_which_groups_of_others_have_any(rights: str, groups: set[str]) -> None:
    assert groups_granted(f"laptop.secret\r\n{rights}\r\n") == groups


@pytest.mark.skipif(os.name != "posix", reason="needs a mode to be ignored")
def test_a_file_that_cannot_be_made_private_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that knows no modes."""
    monkeypatch.setattr(owner_only, "_restrict", lambda path: path.chmod(0o644))
    path = tmp_path / "daemon.secret"
    with pytest.raises(NotPrivateError, match="others can read"):
        write_private(path, "secret")
    assert not path.exists()


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "daemon.secret"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_private(path, "secret")
    assert path.read_text(encoding="utf-8") == "mine"


class Icacls:
    """Stands for Windows' command: keeps what it was asked, and shows rights as they are set here.

    Attributes:
        rights: of every file, as `/save` writes them; None where the command cannot be run.
        asked: the arguments of each call.
    """

    def __init__(self, rights: str | None) -> None:
        self.rights = rights
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str] | None:
        self.asked.append(arguments)
        if self.rights is None:
            return None
        if arguments[1] == "/save":
            Path(arguments[2]).write_text(f"x\r\n{self.rights}\r\n", encoding="utf-16-le")
        return subprocess.CompletedProcess(arguments, 0, "", "")


@pytest.fixture
def icacls(monkeypatch: pytest.MonkeyPatch) -> Icacls:
    """Windows, as far as this module sees it."""
    command = Icacls(f"D:PAI(A;;FA;;;{OWNER})")
    monkeypatch.setattr(owner_only.sys, "platform", "win32")
    monkeypatch.setattr(owner_only, "_icacls", command)
    monkeypatch.setenv("USERDOMAIN", "DESK")
    monkeypatch.setenv("USERNAME", "ana")
    return command


def test_on_windows_a_file_is_taken_from_all_but_its_owner(tmp_path: Path, icacls: Icacls) -> None:
    path = tmp_path / "daemon.secret"
    write_private(path, "secret")
    assert path.read_text(encoding="utf-8") == "secret"
    assert icacls.asked[0] == (str(path), "/inheritance:r", "/grant:r", "DESK\\ana:F")


def test_on_windows_a_file_that_others_can_read_is_refused(tmp_path: Path, icacls: Icacls) -> None:
    icacls.rights = "D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)"
    path = tmp_path / "daemon.secret"
    path.write_text("secret", encoding="utf-8")
    with pytest.raises(NotPrivateError) as refusal:
        require_private(path)
    assert f'icacls "{path}" /inheritance:r /grant:r "DESK\\ana:F" mends it' in str(refusal.value)


def test_on_windows_without_icacls_a_file_is_written_and_the_user_told(
    tmp_path: Path, icacls: Icacls, caplog: pytest.LogCaptureFixture
) -> None:
    icacls.rights = None
    path = tmp_path / "daemon.secret"
    write_private(path, "secret")
    assert path.read_text(encoding="utf-8") == "secret"
    assert f"icacls could not be run on {path}" in caplog.text
    assert "see that nobody else can read it" in caplog.text
