"""The list of those who may connect: allowed, revoked, and left out where it cannot be trusted."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from bridge import keys
from bridge.keys import KeyPair, KeysError

posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights otherwise")


def test_who_is_allowed_is_listed_until_revoked(tmp_path: Path, pair: KeyPair) -> None:
    keys.allow(tmp_path, "laptop", pair.public)
    assert keys.read_allowed(tmp_path) == ({"laptop": pair.public}, [])
    keys.revoke(tmp_path, "laptop")
    assert keys.read_allowed(tmp_path) == ({}, [])


def test_nobody_is_allowed_where_there_is_no_list(tmp_path: Path) -> None:
    assert keys.read_allowed(tmp_path / "nowhere") == ({}, [])


def test_each_change_of_the_list_changes_its_stamp(tmp_path: Path, pair: KeyPair) -> None:
    stamps = [keys.allowed_stamp(tmp_path)]
    path = keys.allow(tmp_path, "laptop", pair.public)
    stamps.append(keys.allowed_stamp(tmp_path))
    path.write_text(path.read_text(encoding="utf-8") + "# a word more\n", encoding="utf-8")
    stamps.append(keys.allowed_stamp(tmp_path))
    assert keys.allowed_stamp(tmp_path) == stamps[-1]
    keys.revoke(tmp_path, "laptop")
    stamps.append(keys.allowed_stamp(tmp_path))
    assert all(a != b for a, b in itertools.pairwise(stamps))


def test_to_allow_twice_changes_nothing(tmp_path: Path, pair: KeyPair) -> None:
    path = keys.allow(tmp_path, "laptop", pair.public)
    assert keys.allow(tmp_path, "laptop", pair.public) == path


def test_a_name_is_not_given_another_key(tmp_path: Path, pair: KeyPair) -> None:
    keys.allow(tmp_path, "laptop", pair.public)
    _, other = keys.new_pair(tmp_path, "other")
    with pytest.raises(KeysError, match=r"with another key: .*eabridge keys revoke laptop"):
        keys.allow(tmp_path, "laptop", other)
    assert keys.read_allowed(tmp_path)[0] == {"laptop": pair.public}


def test_a_key_is_not_given_another_name(tmp_path: Path, pair: KeyPair) -> None:
    keys.allow(tmp_path, "laptop", pair.public)
    with pytest.raises(KeysError, match="allowed already, as laptop"):
        keys.allow(tmp_path, "desk", pair.public)


def test_a_secret_key_of_this_folder_is_not_allowed_as_a_public_one(tmp_path: Path) -> None:
    secret, _ = keys.new_pair(tmp_path, "laptop")
    with pytest.raises(KeysError, match="this is the secret key of"):
        keys.allow(tmp_path, "laptop", keys.read_pair(secret).secret)
    with pytest.raises(KeysError, match="holds a secret key"):
        keys.allow(tmp_path, "laptop", secret)


def test_the_daemons_own_key_is_not_allowed_as_a_clients(tmp_path: Path) -> None:
    _, public = keys.new_pair(tmp_path)
    with pytest.raises(KeysError, match="the daemon's own public key"):
        keys.allow(tmp_path, "laptop", public)


def test_to_revoke_nobody_is_told_with_those_there_are(tmp_path: Path, pair: KeyPair) -> None:
    with pytest.raises(KeysError, match="there is nobody"):
        keys.revoke(tmp_path, "laptop")
    keys.allow(tmp_path, "desk", pair.public)
    with pytest.raises(KeysError, match="laptop was not allowed: there is desk"):
        keys.revoke(tmp_path, "laptop")


def test_a_damaged_file_lets_nobody_in_and_the_others_stay(tmp_path: Path, pair: KeyPair) -> None:
    keys.allow(tmp_path, "laptop", pair.public)
    damaged = keys.allowed_folder(tmp_path) / "desk.public"
    damaged.write_text('public = "short"\n', encoding="utf-8")
    listed, problems = keys.read_allowed(tmp_path)
    assert listed == {"laptop": pair.public}
    assert len(problems) == 1
    assert "desk.public has 5 letters" in problems[0]


def test_letters_in_an_order_that_no_key_has_let_nobody_in(tmp_path: Path, pair: KeyPair) -> None:
    keys.allow(tmp_path, "laptop", pair.public)
    with pytest.raises(KeysError, match="letters in an order that no key has"):
        keys.allow(tmp_path, "desk", "#" * 40)
    (keys.allowed_folder(tmp_path) / "desk.public").write_text(f'public = "{"#" * 40}"\n')
    listed, problems = keys.read_allowed(tmp_path)
    assert listed == {"laptop": pair.public}
    assert "desk.public has letters in an order that no key has" in problems[0]


@posix
def test_a_list_that_others_can_change_lets_nobody_in(tmp_path: Path, pair: KeyPair) -> None:
    path = keys.allow(tmp_path, "laptop", pair.public)
    path.parent.chmod(0o777)
    listed, problems = keys.read_allowed(tmp_path)
    assert listed == {}
    assert 'chmod go-w "' in problems[0]
    path.parent.chmod(0o755)
    path.chmod(0o666)
    assert keys.read_allowed(tmp_path)[0] == {}
    path.parent.chmod(0o700)  # nobody else gets to the file
    assert keys.read_allowed(tmp_path)[0] == {"laptop": pair.public}


@posix
def test_an_open_umask_makes_no_file_that_others_can_change(tmp_path: Path, pair: KeyPair) -> None:
    before = os.umask(0)
    try:
        path = keys.allow(tmp_path, "laptop", pair.public)
    finally:
        os.umask(before)
    path.parent.chmod(0o755)
    assert keys.read_allowed(tmp_path) == ({"laptop": pair.public}, [])
