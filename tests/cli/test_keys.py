"""`eabridge keys`, and the options with which commands use them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge import keys
from tests.cli.conftest import Ran, Run
from tests.conftest import StartDaemon

KEY = r"[0-9A-Za-z.:+/-]{40}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of their own, and where they keep keys."""
    for variable in ("XDG_CONFIG_HOME", "APPDATA", "HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    return keys.default_folder()


def _failed(ran: Ran) -> str:
    """The one sentence with which a command refused."""
    assert ran.code == 2
    assert ran.err.startswith("eabridge ")
    assert ran.err.count("\n") == 1
    return ran.err


def test_the_daemons_pair_is_made_in_the_users_folder(run: Run, folder: Path) -> None:
    ran = run("keys", "new")

    assert ran.code == 0
    pair = keys.read_pair(folder)
    assert f"wrote {folder / 'daemon.secret'}: secret" in ran.out
    assert f"public key of daemon: {pair.public}" in ran.out
    assert pair.secret not in ran.out


def test_a_pair_may_be_written_elsewhere(run: Run, tmp_path: Path, folder: Path) -> None:
    run("keys", "new", "laptop", "--out", tmp_path / "here")
    run("keys", "new", "desk", "--keys-dir", tmp_path / "there")

    assert keys.read_pair(tmp_path / "here" / "laptop.secret")
    assert keys.read_pair(tmp_path / "there" / "desk.secret")
    assert not folder.exists()


def test_a_pair_that_is_there_is_not_overwritten(run: Run, folder: Path) -> None:
    run("keys", "new")
    before = keys.read_pair(folder)

    message = _failed(run("keys", "new"))

    assert "is there already, and nothing was changed" in message
    assert keys.read_pair(folder) == before


def test_a_client_is_allowed_listed_and_revoked(run: Run, tmp_path: Path, folder: Path) -> None:
    run("keys", "new")
    run("keys", "new", "laptop", "--out", tmp_path)
    public = keys.read_public(tmp_path / "laptop.public")

    allowed = run("keys", "allow", "laptop", tmp_path / "laptop.public")
    listed = run("keys", "list")
    revoked = run("keys", "revoke", "laptop")
    after = run("keys", "list")

    assert "laptop may connect" in allowed.out
    assert re.search(rf"daemon +{KEY}  the daemon itself", listed.out)
    assert re.search(rf"laptop +{re.escape(public)}", listed.out)
    assert "its next connection is refused" in revoked.out
    assert "restart the daemon to end it now" in revoked.out
    assert "nobody may connect yet" in after.out
    assert public not in after.out


def test_a_public_key_may_be_pasted(run: Run, tmp_path: Path, folder: Path) -> None:
    run("keys", "new", "laptop", "--out", tmp_path)
    public = keys.read_public(tmp_path / "laptop.public")

    assert run("keys", "allow", "laptop", public).code == 0
    assert keys.read_allowed(folder)[0] == {"laptop": public}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("laptop.secret", "holds a secret key, which nobody else may have"),
        ("nowhere.public", "is neither a file nor a public key"),
        ("x" * 39, "a key has 40 letters and this has 39"),
    ],
)
def test_what_is_no_public_key_is_not_allowed(
    run: Run, tmp_path: Path, given: str, message: str
) -> None:
    run("keys", "new", "laptop", "--out", tmp_path)

    assert message in _failed(run("keys", "allow", "laptop", given))


def test_to_revoke_nobody_is_told(run: Run) -> None:
    assert "laptop was not allowed" in _failed(run("keys", "revoke", "laptop"))


def test_a_list_with_a_damaged_file_names_it(run: Run, folder: Path) -> None:
    run("keys", "new")
    (folder / "allowed").mkdir()
    (folder / "allowed" / "x.public").write_text("?", encoding="utf-8")

    ran = run("keys", "list")

    assert ran.code == 2
    assert "x.public holds no public key" in ran.err
    assert "the daemon itself" in ran.out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--keys", "nowhere.secret"), "give server_key (--server-key)"),
        (("--server-key", "x" * 40), "give keys (--keys)"),
        (("--keys", "nowhere.secret", "--server-key", "x" * 40), "no such file of keys"),
    ],
)
@pytest.mark.parametrize("command", ["models", "load", "doctor"])
def test_keys_that_cannot_be_used_are_told(
    run: Run, command: str, given: tuple[str, ...], message: str
) -> None:
    assert message in _failed(run(command, "--connect", "tcp://127.0.0.1:9", *given))


def test_keys_without_a_daemon_to_ask_are_told(run: Run) -> None:
    assert "give --connect as well" in _failed(run("forecast", "--data", "x.csv", "--keys", "x"))


def test_every_command_that_asks_takes_keys(
    run: Run, tmp_path: Path, folder: Path, export_file: Path, start_daemon: StartDaemon
) -> None:
    run("keys", "new")
    run("keys", "new", "laptop", "--out", tmp_path)
    run("keys", "allow", "laptop", tmp_path / "laptop.public")
    daemon = start_daemon("--keys")
    there = ("--connect", daemon.endpoint)
    given = ("--keys", tmp_path / "laptop.secret", "--server-key", folder / "daemon.public")

    models = run("models", *there, *given)
    forecast = run("forecast", "--data", export_file, *there, *given)
    here = run("forecast", "--data", export_file)
    load = run("load", *there, *given, "--clients", "2", "--seconds", "0.5", "--json")
    doctor = run("doctor", *there, *given)
    without = run("models", *there)

    assert "fx-h1" in models.out
    assert forecast.out == here.out
    assert '"unanswered": 0' in load.out
    assert "round trip of a forecast" in doctor.out
    assert "asks for keys: give --keys and --server-key" in _failed(without)
    assert keys.read_pair(folder).secret not in daemon.log()
