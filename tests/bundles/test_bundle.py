"""One bundle on disk: every byte is checked before use, and it is written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bridge.bundles import Bundle, BundleError, open_bundle, shipped_store, write_bundle
from bridge.bundles import bundle as bundle_module
from tests.backends import graphs


def _flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def _disk_full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_bundle_is_opened_as_it_was_written(bundle: Bundle) -> None:
    assert open_bundle(bundle.path) == bundle


def test_the_manifest_lists_each_file_with_its_sha256(bundle: Bundle) -> None:
    assert bundle.manifest.files == {
        "model.onnx": hashlib.sha256(bundle.graph.read_bytes()).hexdigest()
    }


def test_the_manifest_on_disk_carries_the_version(bundle: Bundle) -> None:
    content = json.loads((bundle.path / "bundle.json").read_text(encoding="utf-8"))
    assert content["version"] == bundle.manifest.version


def test_another_graph_is_another_version(bundle: Bundle, tmp_path: Path) -> None:
    other = graphs.put(tmp_path / "b", graphs.nan_above(), graphs.manifest("steady"))
    assert other.manifest.version != bundle.manifest.version


def test_the_same_content_elsewhere_is_the_same_version(bundle: Bundle, tmp_path: Path) -> None:
    other = graphs.put(tmp_path / "b", graphs.steady(), graphs.manifest("steady"))
    assert other.manifest.version == bundle.manifest.version


def test_every_bundle_that_ships_is_whole() -> None:
    folders = [path.parent for path in sorted(shipped_store().glob("*/bundle.json"))]
    assert folders
    for folder in folders:
        open_bundle(folder)


@pytest.mark.parametrize("position", [0, 100, -1])
def test_a_flipped_byte_is_refused_with_the_file_and_what_to_do(
    bundle: Bundle, position: int
) -> None:
    _flip(bundle.graph, position)
    with pytest.raises(BundleError) as refusal:
        open_bundle(bundle.path)
    message = str(refusal.value)
    assert message.startswith(f"bundle {bundle.path}: model.onnx is not the file that was exported")
    assert "copy the bundle again" in message


def test_a_file_cut_short_is_refused(bundle: Bundle) -> None:
    bundle.graph.write_bytes(bundle.graph.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"model\.onnx is not the file that was exported"):
        open_bundle(bundle.path)


def test_a_flipped_byte_in_a_file_that_serving_does_not_read_is_refused_too(
    tmp_path: Path,
) -> None:
    graph, notes = tmp_path / "graph", tmp_path / "notes"
    graph.write_bytes(graphs.steady().SerializeToString())
    notes.write_text("how it was trained")
    files = {"model.onnx": graph, "recipe.toml": notes}
    bundle = write_bundle(tmp_path / "store" / "m", graphs.manifest("m"), files)
    _flip(bundle.path / "recipe.toml", 3)
    with pytest.raises(BundleError, match=r"recipe\.toml is not the file"):
        open_bundle(bundle.path)


@pytest.mark.parametrize(
    ("name", "advice"), [("bundle.json", ""), ("model.onnx", ": copy the whole folder again")]
)
def test_a_missing_file_is_named(bundle: Bundle, name: str, advice: str) -> None:
    (bundle.path / name).unlink()
    with pytest.raises(BundleError) as refusal:
        open_bundle(bundle.path)
    assert str(refusal.value) == f"bundle {bundle.path}: {name} is missing{advice}"


def test_a_missing_folder_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        open_bundle(tmp_path / "nowhere")


def test_a_file_in_the_place_of_the_folder_is_a_bundle_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BundleError, match="file"):
        open_bundle(tmp_path / "file")


def test_a_folder_in_the_place_of_a_file_is_a_bundle_error(bundle: Bundle) -> None:
    bundle.graph.unlink()
    bundle.graph.mkdir()
    with pytest.raises(BundleError, match=str(bundle.path.name)):
        open_bundle(bundle.path)


def test_a_manifest_that_is_not_utf8_is_a_bundle_error(bundle: Bundle) -> None:
    (bundle.path / "bundle.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(BundleError, match=r"bundle\.json"):
        open_bundle(bundle.path)


def test_a_manifest_that_lists_no_graph_is_refused(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("no graph")
    with pytest.raises(BundleError, match=r"lists no model\.onnx"):
        write_bundle(tmp_path / "m", graphs.manifest("m"), {"recipe.toml": notes})


def test_a_disk_that_fails_while_reading_is_a_bundle_error(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(BundleError, match=os.strerror(errno.EIO)):
        open_bundle(bundle.path)


def test_a_written_bundle_is_not_written_again(bundle: Bundle, tmp_path: Path) -> None:
    before = bundle.graph.read_bytes()
    with pytest.raises(BundleError, match="exists already: bundles are not changed"):
        graphs.put(tmp_path, graphs.nan_above(), graphs.manifest("steady"))
    assert bundle.graph.read_bytes() == before


def test_a_bundle_is_replaced_where_that_is_asked(bundle: Bundle, tmp_path: Path) -> None:
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.nan_above().SerializeToString())
    other = write_bundle(
        bundle.path, graphs.manifest("steady"), {"model.onnx": graph}, replace_existing=True
    )
    assert open_bundle(bundle.path) == other
    assert other.manifest.version != bundle.manifest.version


def test_replacing_leaves_nothing_of_the_old_bundle(bundle: Bundle, tmp_path: Path) -> None:
    (bundle.path / "stray.txt").write_text("old")
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.steady().SerializeToString())
    files = {"model.onnx": graph}
    write_bundle(bundle.path, graphs.manifest("steady"), files, replace_existing=True)
    assert sorted(path.name for path in bundle.path.iterdir()) == ["bundle.json", "model.onnx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "steady"]


def test_the_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path / "new" / "store", graphs.steady(), graphs.manifest("m"))
    assert open_bundle(bundle.path) == bundle


@pytest.mark.parametrize("name", ["../stray", "folder/model.onnx", "..", ".hidden", ""])
def test_a_file_name_that_leaves_the_bundle_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.steady().SerializeToString())
    files = {"model.onnx": graph, name: graph}
    with pytest.raises(BundleError, match="plain file names"):
        write_bundle(tmp_path / "store" / "m", graphs.manifest("m"), files)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [graph]


def test_a_manifest_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    broken = replace(graphs.manifest("m"), horizon=0)
    with pytest.raises(BundleError, match="`horizon`"):
        graphs.put(tmp_path / "store", graphs.steady(), broken)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_source_that_is_missing_leaves_nothing_behind(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(FileNotFoundError):
        write_bundle(store / "m", graphs.manifest("m"), {"model.onnx": tmp_path / "nowhere"})
    assert list(store.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.steady().SerializeToString())

    def half_a_copy(source: Any, target: Any) -> NoReturn:
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        _disk_full()

    monkeypatch.setattr(shutil, "copyfile", half_a_copy)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_bundle(tmp_path / "store" / "m", graphs.manifest("m"), {"model.onnx": graph})
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize("step", [1, 2])
def test_a_disk_that_fails_while_replacing_leaves_the_old_bundle(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.nan_above().SerializeToString())
    rename, steps = Path.replace, iter(range(1, 9))

    def fail_once(path: Path, target: Path) -> Path:
        if next(steps) == step:
            _disk_full()
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_bundle(
            bundle.path, graphs.manifest("steady"), {"model.onnx": graph}, replace_existing=True
        )
    assert open_bundle(bundle.path) == bundle
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "steady"]


def test_a_disk_that_fails_for_good_while_replacing_loses_nothing(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.nan_above().SerializeToString())
    rename = Path.replace

    def fail_to_come_back(path: Path, target: Path) -> Path:
        if target == bundle.path:
            _disk_full()
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", fail_to_come_back)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_bundle(
            bundle.path, graphs.manifest("steady"), {"model.onnx": graph}, replace_existing=True
        )
    (aside,) = tmp_path.glob(".steady-*/old")
    assert open_bundle(aside).manifest == bundle.manifest


def test_a_bundle_that_somebody_reads_is_replaced_as_soon_as_it_may_be(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows moves no folder of which a file is open."""
    graph = tmp_path / "graph"
    graph.write_bytes(graphs.nan_above().SerializeToString())
    rename, refusals = Path.replace, [bundle.path, bundle.path]

    def refuse(path: Path, target: Path) -> Path:
        if path in refusals:
            refusals.remove(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    files = {"model.onnx": graph}
    other = write_bundle(bundle.path, graphs.manifest("steady"), files, replace_existing=True)
    assert open_bundle(bundle.path) == other
    assert refusals == []


def test_a_folder_that_may_not_be_written_is_told_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(bundle_module, "_LOCKED_S", 0.1)
    with pytest.raises(PermissionError):
        graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("m"))
    assert [path.name for path in (tmp_path / "store").iterdir()] == []


def test_a_bundle_may_be_read_by_whoever_may_read_a_new_folder(
    bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    assert bundle.path.stat().st_mode == (tmp_path / "new").stat().st_mode
