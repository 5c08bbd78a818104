"""Stores: folders of bundles, searched in order; damage is told and passed over."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.bundles import (
    Bundle,
    BundleError,
    default_model,
    default_stores,
    find_bundle,
    list_bundles,
    shipped_store,
)
from tests.backends import graphs


def test_the_shipped_store_holds_a_bundle() -> None:
    bundles, refused = list_bundles([shipped_store()])
    assert bundles
    assert refused == []


def test_by_default_the_local_store_comes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    assert default_stores() == [tmp_path.resolve() / "models", shipped_store()]


def test_by_default_a_local_store_is_not_missed_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_stores() == [shipped_store()]


def test_a_local_store_that_is_the_shipped_one_is_one_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shipped_store().parent)
    assert default_stores() == [shipped_store()]


def test_bundles_are_listed_by_the_name_of_their_folder(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        graphs.put(tmp_path, graphs.steady(), graphs.manifest(name))
    bundles, refused = list_bundles([tmp_path])
    assert [bundle.manifest.name for bundle in bundles] == ["a", "b", "c"]
    assert refused == []


def test_a_store_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    assert list_bundles([tmp_path / "nowhere"]) == ([], [])


def test_folders_and_files_that_are_no_bundles_are_passed_over(
    bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("models")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "scores.txt").write_text("good")
    assert list_bundles([tmp_path]) == ([bundle], [])


def test_a_half_written_draft_is_passed_over(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle.path, tmp_path / ".steady-draft")
    assert list_bundles([tmp_path]) == ([bundle], [])


def test_a_damaged_bundle_is_refused_and_the_others_listed(bundle: Bundle, tmp_path: Path) -> None:
    damaged = graphs.put(tmp_path, graphs.steady(), graphs.manifest("damaged"))
    damaged.graph.write_bytes(b"cut")
    bundles, refused = list_bundles([tmp_path])
    assert bundles == [bundle]
    assert [str(damaged.path) in str(error) for error in refused] == [True]


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx"])
def test_a_bundle_without_one_of_its_files_is_refused_not_overlooked(
    bundle: Bundle, tmp_path: Path, name: str
) -> None:
    (bundle.path / name).unlink()
    bundles, refused = list_bundles([tmp_path])
    assert bundles == []
    assert [f"{name} is missing" in str(error) for error in refused] == [True]


def test_the_same_version_in_two_stores_is_one_bundle(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle.path, tmp_path / "second" / "steady")
    bundles, refused = list_bundles([tmp_path, tmp_path / "second"])
    assert (bundles, refused) == ([bundle], [])


def test_two_versions_of_a_name_in_two_stores_are_both_listed_the_first_store_first(
    bundle: Bundle, tmp_path: Path
) -> None:
    other = graphs.put(tmp_path / "second", graphs.nan_above(), graphs.manifest("steady"))
    assert list_bundles([tmp_path, tmp_path / "second"])[0] == [bundle, other]
    assert list_bundles([tmp_path / "second", tmp_path])[0] == [other, bundle]


def test_a_store_that_cannot_be_read_is_refused_and_the_others_listed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    really = Path.iterdir

    def iterdir(folder: Path) -> Iterator[Path]:
        if folder == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return really(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    bundles, refused = list_bundles([locked, tmp_path])
    assert bundles == [bundle]
    assert [str(locked) in str(error) for error in refused] == [True]


def test_a_folder_that_cannot_be_read_is_refused_and_the_others_listed(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = graphs.put(tmp_path, graphs.steady(), graphs.manifest("locked"))
    really = Path.is_file

    def is_file(path: Path) -> bool:
        if path.parent == locked.path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really(path)

    monkeypatch.setattr(Path, "is_file", is_file)
    bundles, refused = list_bundles([tmp_path])
    assert bundles == [bundle]
    assert [str(locked.path) in str(error) for error in refused] == [True]


def test_a_bundle_is_found_by_name(bundle: Bundle, tmp_path: Path) -> None:
    assert find_bundle("steady", [tmp_path]) == bundle


def test_a_bundle_is_found_by_name_and_version(bundle: Bundle, tmp_path: Path) -> None:
    assert find_bundle(bundle.manifest.label, [tmp_path]) == bundle


def test_a_bundle_is_found_by_its_folder(bundle: Bundle) -> None:
    assert find_bundle(str(bundle.path), []) == bundle


def test_a_name_in_two_stores_means_the_first(bundle: Bundle, tmp_path: Path) -> None:
    other = graphs.put(tmp_path / "second", graphs.nan_above(), graphs.manifest("steady"))
    assert find_bundle("steady", [tmp_path / "second", tmp_path]) == other


def test_name_and_version_reach_the_one_that_a_name_does_not(
    bundle: Bundle, tmp_path: Path
) -> None:
    graphs.put(tmp_path / "second", graphs.nan_above(), graphs.manifest("steady"))
    assert find_bundle(bundle.manifest.label, [tmp_path / "second", tmp_path]) == bundle


def test_an_unknown_name_is_told_with_those_there_are(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError) as refusal:
        find_bundle("unknown", [tmp_path])
    message = str(refusal.value)
    assert "'unknown'" in message
    assert bundle.manifest.label in message
    assert str(tmp_path) in message


def test_a_name_that_no_folder_can_have_is_unknown(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no model"):
        find_bundle("x" * 5000, [tmp_path])


def test_an_unknown_name_is_told_with_those_that_were_refused(
    bundle: Bundle, tmp_path: Path
) -> None:
    bundle.graph.unlink()
    with pytest.raises(BundleError, match=r"there are: none; refused: .*model\.onnx is missing"):
        find_bundle("steady", [tmp_path])


def test_an_empty_store_has_no_bundle_to_find(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there are: none"):
        find_bundle("steady", [tmp_path])


def test_the_shipped_model_is_meant_where_none_is_named_and_it_is_there() -> None:
    assert default_model([graphs.manifest("aaa"), graphs.manifest("fx-h1")]) == "fx-h1"


def test_else_the_first_model_is_meant() -> None:
    assert default_model([graphs.manifest("bbb"), graphs.manifest("aaa")]) == "bbb"


def test_a_specialist_is_not_meant_where_there_is_another_model() -> None:
    base = graphs.manifest("base")
    specialist = graphs.specialist("aaa", base, ["EURGBP"])
    assert default_model([specialist, base]) == "base"
    assert default_model([specialist]) == "aaa"
