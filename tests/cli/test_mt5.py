"""`eabridge mt5 install` and `eabridge doctor`, as a user meets them."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.bundles import find_bundle, open_bundle, shipped_store
from bridge.mt5 import read_record
from tests.backends import graphs
from tests.cli.conftest import Run
from tests.conftest import Daemon
from tests.mt5.folders import OTHER_HASH, data_folder, make_home, settings

MAIN = "Include/EABridge/Forecaster.mqh"


class Keyboard(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sits somebody at the keyboard, who answers so."""
    return lambda text: monkeypatch.setattr(sys, "stdin", Keyboard(text))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nobody is there
    return make_home(tmp_path / "home", monkeypatch)


@pytest.fixture
def data(home: Path) -> Path:
    """The one terminal there is."""
    return data_folder(home / "Roaming")


def test_the_one_terminal_gets_the_library_and_the_next_steps_are_told(
    run: Run, data: Path
) -> None:
    ran = run("mt5", "install")

    assert ran.code == 0, ran.err
    assert (data / "MQL5" / MAIN).is_file()
    assert (data / "MQL5/Include/EABridge/Models/fx-h1.onnx").is_file()
    assert str(data) in ran.out
    for step in ("127.0.0.1", "F7", "eabridge serve", "Ping", "eabridge doctor"):
        assert step in ran.out


def test_again_is_nothing_to_do(run: Run, data: Path) -> None:
    run("mt5", "install")

    ran = run("mt5", "install")

    assert ran.code == 0
    assert "0 files written" in ran.out


def test_one_file_is_one_file(run: Run, data: Path) -> None:
    run("mt5", "install")
    (data / "MQL5" / MAIN).unlink()

    assert "1 file written" in run("mt5", "install").out


def test_a_terminal_that_may_not_be_written_to_is_named_with_what_to_do(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: Path, content: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_bytes", deny)

    ran = run("mt5", "install")

    assert ran.code == 2
    assert f"cannot write to {data / 'MQL5'} (Permission denied): close the terminal" in ran.err
    assert "as administrator" in ran.err
    assert ".new" not in ran.err


def test_where_no_terminal_is_it_says_where_it_looked_and_what_to_give(
    run: Run, home: Path
) -> None:
    ran = run("mt5", "install")

    assert ran.code == 2
    assert "no terminal of MetaTrader 5 was found" in ran.err
    assert "--data-folder" in ran.err
    assert str(home / "Roaming") in ran.err


def test_where_there_is_no_place_to_look_it_says_what_was_looked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APPDATA")

    for ran in (run("mt5", "install"), run("doctor", "--connect", "tcp://127.0.0.1:9")):
        said = " ".join((ran.out + ran.err).split())
        assert "Looked for %APPDATA%/MetaQuotes/Terminal, Program Files and prefixes of" in said
        assert "none of them is here" in said


def test_a_folder_may_be_named(run: Run, tmp_path: Path) -> None:
    data = data_folder(tmp_path / "elsewhere")

    ran = run("mt5", "install", "--data-folder", data)

    assert ran.code == 0, ran.err
    assert (data / "MQL5" / MAIN).is_file()


def test_a_named_folder_that_is_no_terminals_is_refused(run: Run, tmp_path: Path) -> None:
    ran = run("mt5", "install", "--data-folder", tmp_path)

    assert ran.code == 2
    assert "File > Open Data Folder shows the one to give" in ran.err


class TestSeveralTerminals:
    @pytest.fixture
    def other(self, home: Path, data: Path) -> Path:
        return data_folder(home / "Roaming", OTHER_HASH, r"D:\Broker")

    def test_are_listed_where_nobody_can_be_asked(self, run: Run, data: Path, other: Path) -> None:
        ran = run("mt5", "install")

        assert ran.code == 2
        assert "give --all" in ran.err
        assert str(data) in ran.err
        assert r"D:\Broker" in ran.err
        assert not (data / "MQL5" / MAIN).exists()

    def test_are_asked_about(
        self, run: Run, data: Path, other: Path, answer: Callable[[str], None]
    ) -> None:
        answer("1\n")

        ran = run("mt5", "install")

        assert ran.code == 0
        assert "which one? 1 to 2, or all" in ran.err
        assert (other / "MQL5" / MAIN).exists()  # sorted by name, it is the first
        assert not (data / "MQL5" / MAIN).exists()

    @pytest.mark.parametrize("arguments", [("--all",), ()])
    def test_all_are_served_where_all_are_meant(
        self,
        run: Run,
        data: Path,
        other: Path,
        answer: Callable[[str], None],
        arguments: tuple[str, ...],
    ) -> None:
        answer("" if arguments else "ALL\n")

        assert run("mt5", "install", *arguments).code == 0
        assert (data / "MQL5" / MAIN).exists()
        assert (other / "MQL5" / MAIN).exists()

    @pytest.mark.parametrize("text", ["", "3\n", "0\n", "first\n"])
    def test_an_answer_that_names_none_installs_nothing(
        self, run: Run, data: Path, other: Path, answer: Callable[[str], None], text: str
    ) -> None:
        answer(text)

        ran = run("mt5", "install")

        assert ran.code == 2
        assert "nothing was installed" in ran.err
        assert not (other / "MQL5" / MAIN).exists()

    def test_are_asked_about_again_until_the_answer_names_one(
        self, run: Run, data: Path, other: Path, answer: Callable[[str], None]
    ) -> None:
        answer("\nfirst\n3\n2\n")

        ran = run("mt5", "install")

        assert ran.code == 0, ran.err
        assert ran.err.count("which one? 1 to 2, or all") == 4
        assert (data / "MQL5" / MAIN).exists()
        assert not (other / "MQL5" / MAIN).exists()


class TestAFileThatTheUserChanged:
    @pytest.fixture
    def mine(self, run: Run, data: Path) -> Path:
        run("mt5", "install")
        path = data / "MQL5" / MAIN
        path.write_text("// mine\n")
        return path

    def test_is_left_where_nobody_can_be_asked_and_the_exit_code_says_so(
        self, run: Run, mine: Path
    ) -> None:
        ran = run("mt5", "install")

        assert ran.code == 1
        assert f"left as you changed it: {MAIN}" in ran.out
        assert "--yes" in ran.out
        assert mine.read_text() == "// mine\n"

    def test_is_replaced_and_kept_aside_where_that_is_wanted(self, run: Run, mine: Path) -> None:
        ran = run("mt5", "install", "--yes")

        assert ran.code == 0
        assert mine.read_text() != "// mine\n"
        assert mine.with_name("Forecaster.mqh.bak").read_text() == "// mine\n"
        assert "Forecaster.mqh.bak" in ran.out

    @pytest.mark.parametrize(("text", "replaced"), [("y\n", True), ("n\n", False), ("", False)])
    def test_is_asked_about(
        self, run: Run, mine: Path, answer: Callable[[str], None], text: str, replaced: bool
    ) -> None:
        answer(text)

        ran = run("mt5", "install")

        assert ran.code == 0
        assert "you have changed this file. Replace it" in ran.err
        assert (mine.read_text() != "// mine\n") is replaced


class TestTheModelInTheTerminal:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("mine"))
        return tmp_path / "store"

    def test_is_the_one_asked_for(self, run: Run, data: Path, store: Path) -> None:
        ran = run("mt5", "install", "--model", "mine", "--models", store)

        assert ran.code == 0, ran.err
        assert "model inside the terminal: mine@" in ran.out
        default = data / "MQL5/Include/EABridge/Models/Default.mqh"
        assert "CModel_mine" in default.read_text()

    def test_brings_its_specialists_and_says_for_what(
        self, run: Run, data: Path, store: Path
    ) -> None:
        base = open_bundle(store / "mine")
        promised = graphs.specialist("mine-gbp", base.manifest, ["EURGBP"])
        gbp = graphs.put(store, graphs.steady(), promised)

        ran = run("mt5", "install", "--model", "mine", "--models", store)

        assert ran.code == 0, ran.err
        assert f"on EURGBP: {gbp.manifest.label}" in ran.out
        assert (data / "MQL5/Include/EABridge/Models/mine-gbp.onnx").is_file()

    def test_stays_the_same_at_an_update(self, run: Run, data: Path, store: Path) -> None:
        """An EA that trades does not change its model because its library was renewed."""
        run("mt5", "install", "--model", "mine", "--models", store)

        assert run("mt5", "install", "--models", store).code == 0
        record = read_record(data / "MQL5")
        assert record is not None
        assert record.model.startswith("mine@")

    def test_that_cannot_be_found_any_more_is_asked_for(
        self, run: Run, data: Path, store: Path
    ) -> None:
        run("mt5", "install", "--model", "mine", "--models", store)

        ran = run("mt5", "install")

        assert ran.code == 2
        assert "has the model mine, and there is no model 'mine'" in ran.err
        assert "--models" in ran.err

    def test_with_a_name_that_mql5_cannot_take_is_refused(
        self, run: Run, data: Path, tmp_path: Path
    ) -> None:
        graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("default"))

        ran = run("mt5", "install", "--model", "default", "--models", tmp_path / "store")

        assert ran.code == 2
        assert "cannot be put into a program as 'default'" in ran.err


def test_the_doctor_finds_all_well(
    run: Run, data: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._SWIFT_MS", 200.0)  # this machine may be busy
    run("mt5", "install")
    settings(data, "WebRequest=1\nWebRequestUrl=127.0.0.1")
    for source in (data / "MQL5").rglob("*.mq5"):
        source.with_suffix(".ex5").write_bytes(b"")

    ran = run("doctor", "--connect", daemon.endpoint)

    assert ran.code == 0
    for part in ("daemon on", "round trip", f"terminal {data}", "library", "all is well"):
        assert part in ran.out


def test_the_doctor_calls_nothing_well_that_it_has_notes_on(
    run: Run, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._SWIFT_MS", 200.0)
    none = run("doctor", "--connect", daemon.endpoint)
    data = data_folder(Path(os.environ["APPDATA"]))
    run("mt5", "install")
    settings(data, "WebRequest=1\nWebRequestUrl=" + "AB12" * 20)
    uncompiled = run("doctor", "--connect", daemon.endpoint)

    assert none.code == uncompiled.code == 0
    assert "nothing is broken; see the note above" in none.out
    assert "nothing is broken; see the 2 notes above" in uncompiled.out
    assert "all is well" not in none.out + uncompiled.out


def test_the_doctor_says_what_is_broken_and_what_to_do(run: Run) -> None:
    ran = run("doctor", "--connect", "tcp://127.0.0.1:9")

    assert ran.code == 1
    assert "no daemon on 127.0.0.1:9" in ran.out
    assert "eabridge serve" in ran.out
    assert "1 thing is broken" in ran.out


def test_the_doctor_speaks_json(run: Run, data: Path) -> None:
    ran = run("doctor", "--connect", "tcp://127.0.0.1:9", "--json")

    findings = json.loads(ran.out)
    assert ran.code == 1
    assert {"ok", "broken", "care"} <= {each["mark"] for each in findings}
    assert all(each.keys() == {"mark", "what", "remedy"} for each in findings)


def test_the_doctor_tells_of_a_damaged_model(run: Run, tmp_path: Path) -> None:
    graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("hurt"))
    (tmp_path / "store" / "hurt" / "model.onnx").write_bytes(b"")

    ran = run("doctor", "--connect", "tcp://127.0.0.1:9", "--models", tmp_path / "store")

    assert "model refused" in ran.out
    assert "no model in" in ran.out
    assert ran.code == 1


def test_the_model_of_the_doctor_is_the_shipped_one(run: Run) -> None:
    label = find_bundle("fx-h1", [shipped_store()]).manifest.label

    assert f"model {label}: every file as it was exported" in run("doctor").out
