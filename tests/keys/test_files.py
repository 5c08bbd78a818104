"""Pairs in files: made and read, and every way in which they cannot be used."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
import zmq

from bridge import keys
from bridge.keys import KeyPair, KeysError

posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights otherwise")


def _public_file(folder: Path, public: str, name: str = "some.public") -> Path:
    path = folder / name
    path.write_text(f'public = "{public}"\n', encoding="utf-8")
    return path


# Pairs


def test_a_new_pair_is_two_files_that_belong_together(tmp_path: Path) -> None:
    secret, public = keys.new_pair(tmp_path / "keys", "laptop")
    made = keys.read_pair(secret)
    assert (secret.name, public.name) == ("laptop.secret", "laptop.public")
    assert keys.read_public(public) == made.public
    assert zmq.curve_public(made.secret.encode()).decode() == made.public


def test_the_files_say_what_they_are(tmp_path: Path) -> None:
    secret, public = keys.new_pair(tmp_path, "laptop")
    assert "SECRET" in secret.read_text(encoding="utf-8").partition("\nname")[0]
    assert "may be shown to anybody" in public.read_text(encoding="utf-8")
    assert keys.read_pair(secret).secret not in public.read_text(encoding="utf-8")


@posix
def test_the_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        secret, _ = keys.new_pair(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700


def test_the_daemons_pair_is_found_by_its_folder(tmp_path: Path) -> None:
    secret, _ = keys.new_pair(tmp_path)
    assert secret == keys.secret_file(tmp_path)
    assert keys.read_pair(tmp_path) == keys.read_pair(secret)


def test_a_public_key_can_be_pasted_into_any_shell(tmp_path: Path) -> None:
    _, public = keys.new_pair(tmp_path)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:+/-]{39}", keys.read_public(public))


def test_a_pair_is_never_overwritten(tmp_path: Path) -> None:
    secret, public = keys.new_pair(tmp_path)
    before = secret.read_bytes(), public.read_bytes()
    with pytest.raises(
        KeysError, match=r"daemon\.secret is there already, and nothing was changed"
    ):
        keys.new_pair(tmp_path)
    secret.unlink()
    with pytest.raises(KeysError, match=r"daemon\.public is there already"):
        keys.new_pair(tmp_path)
    assert public.read_bytes() == before[1]
    assert not secret.exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", ".x", "x" * 65, "con", "NUL", "lpt1.x"])
def test_a_name_that_is_no_files_is_refused(tmp_path: Path, name: str, pair: KeyPair) -> None:
    for attempt in (
        lambda: keys.new_pair(tmp_path, name),
        lambda: keys.allow(tmp_path, name, pair.public),
        lambda: keys.revoke(tmp_path, name),
    ):
        with pytest.raises(KeysError, match="is no name for a key"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    secret, _ = keys.new_pair(tmp_path)
    made = keys.read_pair(secret)
    assert made.secret not in repr(made)
    assert made.secret not in repr(keys.ClientKeys(made, "x" * 40))


def test_keys_are_kept_in_the_users_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert keys.default_folder().parts[-2:] == ("eabridge", "keys")


# Reading pairs


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused_with_what_mends_it(
    tmp_path: Path, mode: int
) -> None:
    secret, _ = keys.new_pair(tmp_path)
    secret.chmod(mode)
    with pytest.raises(KeysError, match=rf'mode is {mode:o}\).*chmod 600 "{secret}"'):
        keys.read_pair(secret)
    secret.chmod(0o600)
    keys.read_pair(secret)


def test_a_missing_pair_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=rf'eabridge keys new --keys-dir "{tmp_path}" makes it'):
        keys.read_pair(tmp_path)
    with pytest.raises(KeysError, match=rf'eabridge keys new laptop --keys-dir "{tmp_path}"'):
        keys.read_pair(tmp_path / "laptop.secret")
    folder = tmp_path / "not made yet"
    with pytest.raises(KeysError, match=rf'eabridge keys new --keys-dir "{folder}" makes it'):
        keys.read_pair(folder)


def test_the_users_own_folder_of_keys_need_not_be_named_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(KeysError, match=r"no such file of keys: eabridge keys new makes it"):
        keys.read_pair(keys.default_folder())


def test_a_public_key_where_a_pair_belongs_is_told(tmp_path: Path) -> None:
    _, public = keys.new_pair(tmp_path)
    with pytest.raises(KeysError, match=r"a public key alone: .* ends in \.secret"):
        keys.read_pair(public)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text, _: text.replace('secret = "', 'secret = "x'), "has 41 letters"),
        (lambda text, pair: text.replace(pair.secret, ""), "has 0 letters"),
        (lambda text, pair: text.replace(pair.secret, pair.secret[:39]), "has 39 letters"),
        (lambda text, pair: text.replace(pair.secret, pair.secret[:39] + "~"), "the letter '~'"),
        (lambda text, pair: text.replace(pair.secret, pair.secret[:39] + " "), "the letter ' '"),
        (lambda text, pair: text.replace(pair.secret, "#" * 40), "in an order that no key has"),
        (lambda text, pair: text.replace(pair.public, "0" * 40), "are no pair"),
        (lambda text, _: text.replace("secret =", "secrets ="), "a public key alone"),
        (lambda *_: "nothing here", "holds no keys"),
        (lambda *_: "", "holds no keys"),
    ],
)
def test_a_damaged_pair_is_told(tmp_path: Path, change: object, message: str) -> None:
    secret, _ = keys.new_pair(tmp_path)
    text = secret.read_text(encoding="utf-8")
    secret.write_text(change(text, keys.read_pair(secret)), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(KeysError, match=re.escape(message)) as refusal:
        keys.read_pair(secret)
    assert "\n" not in str(refusal.value)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "daemon.secret"
    path.write_bytes(b"\xff\xfe" * 100)
    path.chmod(0o600)
    with pytest.raises(KeysError, match="cannot be read as a file of keys"):
        keys.read_pair(path)


def test_a_pair_may_have_been_edited_on_windows(tmp_path: Path) -> None:
    secret, _ = keys.new_pair(tmp_path)
    made = keys.read_pair(secret)
    secret.write_bytes(b"\xef\xbb\xbf" + secret.read_bytes().replace(b"\n", b"\r\n"))
    assert keys.read_pair(secret) == made


# Reading public keys


def test_a_public_key_is_its_letters_or_a_file(tmp_path: Path, pair: KeyPair) -> None:
    assert keys.read_public(pair.public) == pair.public
    assert keys.read_public(f" {pair.public}\n") == pair.public
    path = _public_file(tmp_path, pair.public)
    assert keys.read_public(path) == keys.read_public(str(path)) == pair.public


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 39, "x" * 41, "x" * 39 + "~", "nowhere.public"]
)
def test_what_is_neither_key_nor_file_is_told_with_its_length(text: str) -> None:
    with pytest.raises(
        KeysError, match=rf"neither a file nor a public key: .*this has {len(text)}"
    ):
        keys.read_public(text)


def test_a_secret_file_where_a_public_key_belongs_is_refused(tmp_path: Path) -> None:
    secret, public = keys.new_pair(tmp_path, "laptop")
    with pytest.raises(KeysError, match=r"holds a secret key.*give the public one, laptop\.public"):
        keys.read_public(secret)
    assert keys.read_public(public)


def test_a_file_without_a_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.public"
    path.write_text("hello\n", encoding="utf-8")
    with pytest.raises(KeysError, match="holds no public key"):
        keys.read_public(path)
