"""Installing and updating: what the user has not touched is renewed, what they have is theirs."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from bridge.bundles import Bundle
from bridge.mt5 import (
    Files,
    Outcome,
    State,
    compare,
    install,
    library_files,
    model_files,
    read_record,
    shipped_library,
)
from bridge.mt5.install import RECORD

MAIN = PurePosixPath("Include/EABridge/Forecaster.mqh")
DEEP = PurePosixPath("Include/EABridge/Old/Thing.mqh")
EXPERT = PurePosixPath("Experts/EABridge/Trader.mq5")
FILES: Files = {MAIN: b"// one\n", DEEP: b"// deep\n", EXPERT: b"// ea\n"}
NEWER: Files = {MAIN: b"// two\n", EXPERT: b"// ea\n"}


def put(mql5: Path, files: Files = FILES, *, replace: bool = False) -> Outcome:
    return install(mql5, files, version="1.0", model="my-model@0", may_replace=lambda path: replace)


def never(path: Path) -> bool:
    raise AssertionError(f"asked about {path}")


def test_everything_is_written_into_an_empty_terminal(mql5: Path) -> None:
    outcome = put(mql5)

    assert sorted(outcome.written) == sorted(FILES)
    assert all((mql5 / path).read_bytes() == content for path, content in FILES.items())


def test_what_was_written_is_remembered(mql5: Path) -> None:
    put(mql5)

    record = read_record(mql5)

    assert record is not None
    assert (record.version, record.model) == ("1.0", "my-model@0")
    assert record.files.keys() == FILES.keys()


def test_again_is_nothing_to_do(mql5: Path) -> None:
    put(mql5)
    before = {path: path.stat().st_mtime_ns for path in mql5.rglob("*.mq*")}

    outcome = install(mql5, FILES, version="1.0", model="m@0", may_replace=never)

    assert sorted(outcome.current) == sorted(FILES)
    assert outcome.written == []
    assert {path: path.stat().st_mtime_ns for path in mql5.rglob("*.mq*")} == before


def test_an_update_renews_what_was_not_changed_without_asking(mql5: Path) -> None:
    put(mql5)

    outcome = install(mql5, NEWER, version="2.0", model="m@0", may_replace=never)

    assert outcome.written == [MAIN]
    assert (mql5 / MAIN).read_bytes() == b"// two\n"


def test_an_update_removes_what_is_no_part_any_more_and_folders_left_empty(mql5: Path) -> None:
    put(mql5)

    outcome = put(mql5, NEWER)

    assert outcome.removed == [DEEP]
    assert not (mql5 / DEEP).parent.exists()
    assert (mql5 / MAIN).exists()


def test_a_changed_file_of_an_older_version_is_left_and_forgotten(mql5: Path) -> None:
    put(mql5)
    (mql5 / DEEP).write_text("// mine\n")

    outcome = put(mql5, NEWER)

    assert outcome.removed == []
    assert (mql5 / DEEP).read_text() == "// mine\n"
    record = read_record(mql5)
    assert record is not None
    assert DEEP not in record.files


def test_a_file_of_the_users_beside_the_library_is_never_touched(mql5: Path) -> None:
    put(mql5)
    own = (mql5 / DEEP).with_name("Mine.mqh")
    own.write_text("// mine\n")

    put(mql5, NEWER)

    assert own.read_text() == "// mine\n"


@pytest.mark.parametrize("files", [FILES, NEWER])
def test_a_file_that_the_user_changed_is_kept_where_they_do_not_agree(
    mql5: Path, files: Files
) -> None:
    put(mql5)
    (mql5 / MAIN).write_text("// mine\n")

    for _ in range(2):  # and asked about each time
        outcome = put(mql5, files)

        assert outcome.kept == [MAIN]
        assert (mql5 / MAIN).read_text() == "// mine\n"


def test_a_file_that_the_user_changed_stays_beside_the_new_one_where_they_agree(
    mql5: Path,
) -> None:
    put(mql5)
    for turn, name in enumerate(["Forecaster.mqh.bak", "Forecaster.mqh.bak2"]):
        (mql5 / MAIN).write_text(f"// mine {turn}\n")

        outcome = put(mql5, NEWER, replace=True)

        backup = (mql5 / MAIN).with_name(name)
        assert outcome.backups == [backup]
        assert backup.read_text() == f"// mine {turn}\n"
        assert (mql5 / MAIN).read_bytes() == b"// two\n"


def test_a_file_that_stood_there_before_any_installation_is_the_users(mql5: Path) -> None:
    (mql5 / MAIN).parent.mkdir(parents=True)
    (mql5 / MAIN).write_text("// somebody's\n")

    assert put(mql5).kept == [MAIN]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"eabridge": 1, "model": 2, "files": []}', "{"])
def test_without_a_readable_record_what_differs_is_asked_about(mql5: Path, text: str) -> None:
    put(mql5)
    (mql5 / RECORD).write_text(text)

    assert read_record(mql5) is None
    assert put(mql5, NEWER).kept == [MAIN]


@pytest.mark.parametrize("outside", ["../../secret.txt", "/etc/secret.txt", "C:/secret.txt"])
def test_a_record_that_names_files_elsewhere_removes_none(mql5: Path, outside: str) -> None:
    put(mql5)
    secret = mql5.parent.parent / "secret.txt"
    secret.write_bytes(b"// one\n")
    record = json.loads((mql5 / RECORD).read_text())
    record["files"] = {outside: record["files"][str(MAIN)]}
    (mql5 / RECORD).write_text(json.dumps(record))

    assert put(mql5).removed == []
    assert secret.exists()


def test_a_failure_halfway_remembers_what_was_written(
    mql5: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(draft: Path, path: Path) -> Path:
        if path.name == MAIN.name:
            raise OSError("the disk is full")
        return replace(draft, path)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="the disk is full"):
        put(mql5)
    monkeypatch.undo()

    record = read_record(mql5)
    assert record is not None
    assert record.files.keys() == {EXPERT}
    assert not list(mql5.rglob("*.new"))
    assert put(mql5).kept == []


def test_models_installed_before_stay(mql5: Path, bundle: Bundle) -> None:
    put(mql5, {**FILES, **model_files(bundle)})

    outcome = put(mql5, FILES)

    assert outcome.removed == []
    assert (mql5 / "Include/EABridge/Models/my-model.onnx").is_file()
    record = read_record(mql5)
    assert record is not None
    assert PurePosixPath("Include/EABridge/Models/my-model.mqh") in record.files


def test_each_file_is_compared(mql5: Path) -> None:
    put(mql5)
    (mql5 / EXPERT).unlink()
    newest: Files = {**NEWER, PurePosixPath("Scripts/EABridge/Ping.mq5"): b"// ping\n"}

    assert compare(mql5, newest, read_record(mql5)) == {
        MAIN: State.OUTDATED,
        EXPERT: State.MISSING,
        DEEP: State.OBSOLETE,
        PurePosixPath("Scripts/EABridge/Ping.mq5"): State.MISSING,
    }
    (mql5 / MAIN).write_text("// mine\n")
    assert compare(mql5, newest, read_record(mql5))[MAIN] is State.CHANGED


def test_the_shipped_library_is_sources_alone() -> None:
    files = library_files(shipped_library())

    assert PurePosixPath("Include/EABridge/Forecaster.mqh") in files
    assert any(path.parts[0] == "Experts" and path.suffix == ".mq5" for path in files)
    assert {path.suffix for path in files} == {".mqh", ".mq5"}
    assert not any("Models" in path.parts for path in files)


def test_a_library_that_is_not_there_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no MQL5 library here"):
        library_files(tmp_path)
