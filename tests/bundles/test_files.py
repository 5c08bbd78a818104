"""What strangers may put into a bundle's folder is read as a plain file there, or not at all."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from bridge.bundles import Bundle, BundleError, files, list_bundles, open_bundle
from bridge.bundles.manifest import MOST_FILES, MOST_NUMBERS, MOST_SYMBOLS, Manifest
from tests.backends import graphs

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")


def _refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as refusal:
        open_bundle(folder)
    message = str(refusal.value)
    assert message.startswith(f"bundle {folder}: ")
    return message.removeprefix(f"bundle {folder}: ")


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system lets nobody make links")


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json"])
def test_a_link_that_leads_out_of_the_bundle_is_refused(
    bundle: Bundle, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    (bundle.path / name).rename(outside)
    _link(bundle.path / name, outside)
    assert f"{name} is a link that leads out of the bundle, to {outside}" in _refusal(bundle.path)


def test_a_link_inside_the_bundle_is_as_good_as_its_file(bundle: Bundle) -> None:
    bundle.graph.rename(bundle.path / "graph")
    _link(bundle.graph, Path("graph"))
    assert open_bundle(bundle.path) == bundle


def test_a_store_may_hold_a_link_to_a_bundle(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    _link(tmp_path / "links" / "current", bundle.path)
    (found,), refused = list_bundles([tmp_path / "links"])
    assert (found.manifest, refused) == (bundle.manifest, [])


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json"])
def test_a_link_to_itself_is_refused(bundle: Bundle, name: str) -> None:
    (bundle.path / name).unlink()
    _link(bundle.path / name, Path(name))
    _refusal(bundle.path)


def test_a_link_to_nothing_is_refused(bundle: Bundle) -> None:
    bundle.graph.unlink()
    _link(bundle.graph, Path("nothing"))
    assert _refusal(bundle.path) == "model.onnx is missing: copy the whole folder again"


@posix
@pytest.mark.parametrize("name", ["model.onnx", "bundle.json"])
def test_a_pipe_is_not_waited_for(bundle: Bundle, name: str) -> None:
    (bundle.path / name).unlink()
    os.mkfifo(bundle.path / name)
    assert f"{name} is a pipe where a plain file should be" in _refusal(bundle.path)


@posix
def test_a_socket_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.graph.unlink()
    monkeypatch.chdir(bundle.path)  # its address has to be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("model.onnx")
        assert "model.onnx is a socket where a plain file should be" in _refusal(bundle.path)


@posix
def test_a_device_that_never_ends_is_not_read(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="zero is a device where a plain file should be"):
        files.sha256(Path("/dev"), "zero")
    bundle.graph.unlink()
    _link(bundle.graph, Path("/dev/zero"))
    assert "leads out of the bundle, to /dev/zero" in _refusal(bundle.path)


def test_a_folder_in_the_place_of_a_file_is_told(bundle: Bundle) -> None:
    bundle.graph.unlink()
    bundle.graph.mkdir()
    assert "model.onnx is a folder where a plain file should be" in _refusal(bundle.path)


def test_a_manifest_without_end_is_read_only_so_far(bundle: Bundle) -> None:
    with (bundle.path / "bundle.json").open("r+b") as manifest:
        manifest.truncate(64 << 30)  # which takes no room on the disk
    assert _refusal(bundle.path) == "bundle.json is longer than 1,048,576 bytes: no manifest is"


def test_a_file_that_only_claims_to_be_long_is_not_read(bundle: Bundle) -> None:
    with bundle.graph.open("r+b") as graph:
        graph.truncate(1 << 40)
    assert _refusal(bundle.path) == "model.onnx is longer than 16 GiB: no model is"


def test_a_graph_too_large_for_its_format_is_not_read_into_memory(bundle: Bundle) -> None:
    with bundle.graph.open("r+b") as graph:
        graph.truncate(3 << 30)
    with pytest.raises(BundleError, match="a graph may have 2,147,483,647"):
        bundle.read("model.onnx")


def test_what_is_read_is_what_was_verified(bundle: Bundle) -> None:
    assert bundle.read("model.onnx") == bundle.graph.read_bytes()
    bundle.graph.write_bytes(b"other")
    for again in (lambda: bundle.read("model.onnx"), bundle.verify):
        with pytest.raises(BundleError, match=r"model\.onnx is not the file that was exported"):
            again()


def test_a_file_that_grows_while_it_is_read_is_not_taken_for_the_one_before(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        found = really(descriptor)
        with bundle.graph.open("ab") as graph:
            graph.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", grow)
    with pytest.raises(BundleError, match="is not the file that was exported"):
        bundle.read("model.onnx")


@pytest.mark.parametrize(
    "name", ["NUL", "nul.onnx", "con", "COM1", "lpt9.txt", "aux.safetensors", "prn.", "model.onnx."]
)
def test_a_name_that_means_no_file_on_windows_is_refused(name: str) -> None:
    content = _content(files={"model.onnx": "0" * 64, name: "0" * 64})
    with pytest.raises(BundleError, match=r"`files` .*: expected plain file names"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("name", ["console.txt", "auxiliary", "com.onnx", "nul1", "a.nul"])
def test_a_name_that_only_resembles_one_is_none(name: str) -> None:
    with pytest.raises(BundleError, match="changed after it was written"):  # and nothing else
        Manifest.from_json(json.dumps(_content(files={"model.onnx": "0" * 64, name: "0" * 64})))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context", 10**9),
        ("horizon", 10**9),
        ("horizon", 65_536),
        ("files", {f"f{number}": "0" * 64 for number in range(MOST_FILES + 1)}),
        ("symbols", [f"S{number}" for number in range(MOST_SYMBOLS + 1)]),
    ],
    ids=["context", "horizon", "horizon x levels", "files", "symbols"],
)
def test_numbers_that_no_forecaster_has_are_refused(field: str, value: object) -> None:
    levels = [number / 1000 for number in range(1, 1000)]
    with pytest.raises(BundleError, match=f"`{field}` is .*: expected "):
        Manifest.from_json(json.dumps(_content(levels=levels, **{field: value})))


def test_the_longest_forecast_fits_a_message_however_it_is_written() -> None:
    from bridge.wire.codec import MAX_BODY_BYTES, pack

    numbers = [float(number) for number in range(MOST_NUMBERS)]
    assert len(pack({"quantiles": numbers})) < 0.9 * MAX_BODY_BYTES


def _content(**changes: Any) -> dict[str, Any]:
    return {**json.loads(graphs.manifest("m").to_json()), "files": {"a": "0" * 64}, **changes}
