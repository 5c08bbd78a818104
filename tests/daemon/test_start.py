"""How `eabridge serve` starts, and every way in which it says that it cannot."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.backends import Backend, BackendDied
from bridge.bundles import Bundle
from bridge.daemon.start import ServeOptions, lane_opener
from tests.backends import fake_runtime, graphs
from tests.conftest import Daemon, StartDaemon
from tests.daemon.backends import Steady
from tests.daemon.peer import Connect, close_item, forecast, request

_PATIENCE_S = 60

Damage = Callable[[Bundle], None]


def _flip_a_byte(bundle: Bundle) -> None:
    content = bytearray(bundle.graph.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.graph.write_bytes(content)


def _lose_the_graph(bundle: Bundle) -> None:
    bundle.graph.unlink()


def _lose_the_manifest(bundle: Bundle) -> None:
    (bundle.path / "bundle.json").unlink()


def _use_a_later_manifest_version(bundle: Bundle) -> None:
    manifest = bundle.path / "bundle.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"manifest": 1', '"manifest": 2'), encoding="utf-8")


def _garble_the_manifest(bundle: Bundle) -> None:
    (bundle.path / "bundle.json").write_bytes(b"\xff\xfe{")


def _write_no_graph(bundle: Bundle) -> None:
    folder, store = bundle.path.name, bundle.path.parent
    for file in bundle.path.iterdir():
        file.unlink()
    bundle.path.rmdir()
    graphs.put(store, b"no graph at all", graphs.manifest("damaged"), folder=folder)


DAMAGES = pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_flip_a_byte, r"model\.onnx is not the file that was exported"),
        (_lose_the_graph, r"model\.onnx is missing"),
        (_lose_the_manifest, r"bundle\.json is missing"),
        (
            _use_a_later_manifest_version,
            r"bundle\.json is of manifest version 2 and this eabridge reads version 1",
        ),
        (_garble_the_manifest, r"bundle\.json is not UTF-8"),
        (_write_no_graph, r"model\.onnx is not a readable graph"),
    ],
    ids=[
        "a flipped byte",
        "a missing graph",
        "a missing manifest",
        "an unknown manifest version",
        "a garbled manifest",
        "an unreadable graph",
    ],
)


def _serve(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bridge", "serve", "--bind", "tcp://127.0.0.1:0"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_PATIENCE_S,
        check=False,
    )


def _one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The sentence with which a command refused: exit code 2, its last line on stderr."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    sentence = result.stderr.rstrip("\n").rpartition("\n")[2]
    assert sentence.startswith("eabridge serve: ")
    return sentence


def test_ready_is_said_once_with_the_endpoint(daemon: Daemon) -> None:
    assert re.fullmatch(r"tcp://127\.0\.0\.1:[1-9]\d*", daemon.endpoint)


def test_the_log_names_what_is_served(start_daemon: StartDaemon, store: Path) -> None:
    bundle = graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    assert f"serving {bundle.manifest.label}" in start_daemon("--models", store).log()


@DAMAGES
def test_a_damaged_bundle_is_refused_by_name_and_the_others_served(
    start_daemon: StartDaemon, store: Path, connect: Connect, damage: Damage, reason: str
) -> None:
    damaged = graphs.put(store, graphs.steady(), graphs.manifest("damaged"))
    whole = graphs.put(store, graphs.steady(), graphs.manifest("whole"))
    damage(damaged)
    daemon = start_daemon("--models", store)
    peer = connect(daemon.endpoint)
    served = [model["name"] for model in peer.ask(request("hello"))["models"]]
    assert served == ["whole"]
    reply = peer.ask(forecast(close_item(np.ones(4))))
    assert reply["model"] == whole.manifest.label
    assert re.search(rf"refused: bundle {re.escape(str(damaged.path))}: {reason}", daemon.log())


@DAMAGES
def test_with_no_bundle_left_it_exits_and_says_why(
    store: Path, damage: Damage, reason: str
) -> None:
    damaged = graphs.put(store, graphs.steady(), graphs.manifest("damaged"))
    damage(damaged)
    sentence = _one_sentence(_serve("--models", store))
    assert f"no model to serve in {store}" in sentence
    assert re.search(reason, sentence)


def test_an_empty_store_is_told(store: Path) -> None:
    sentence = _one_sentence(_serve("--models", store))
    assert f"no model to serve in {store}: it holds no bundle, a folder with a bundle" in sentence


def test_a_missing_store_is_told(tmp_path: Path) -> None:
    sentence = _one_sentence(_serve("--models", tmp_path / "nowhere"))
    assert f"{tmp_path / 'nowhere'}: there is no such folder of models" in sentence


def test_a_file_in_the_place_of_a_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "models.zip").write_bytes(b"PK")
    sentence = _one_sentence(_serve("--models", tmp_path / "models.zip"))
    assert "models.zip: it is a file: give the folder that the models are in" in sentence


def test_a_missing_store_among_several_is_told_and_the_others_served(
    start_daemon: StartDaemon, store: Path, tmp_path: Path
) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    daemon = start_daemon("--models", tmp_path / "nowhere", "--models", store)
    assert f"{tmp_path / 'nowhere'}: there is no such folder of models" in daemon.log()


def test_stores_that_are_all_missing_are_told(tmp_path: Path) -> None:
    stores = tmp_path / "a", tmp_path / "b"
    sentence = _one_sentence(_serve("--models", stores[0], "--models", stores[1]))
    assert str(stores[0]) in sentence
    assert str(stores[1]) in sentence


def test_the_shipped_store_is_served_where_there_is_no_local_one(
    start_daemon: StartDaemon, connect: Connect
) -> None:
    daemon = start_daemon()
    assert connect(daemon.endpoint).ask(request("hello"))["models"]
    assert "no such folder" not in daemon.log()


def test_an_unknown_default_is_told_with_those_there_are(store: Path) -> None:
    bundle = graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    sentence = _one_sentence(_serve("--models", store, "--default", "unknown"))
    assert "--default unknown: there is no such model" in sentence
    assert bundle.manifest.label in sentence


def test_a_default_may_name_its_version(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    label = graphs.put(store, graphs.steady(), graphs.manifest("b")).manifest.label
    graphs.put(store, graphs.steady(), graphs.manifest("a"))
    peer = connect(start_daemon("--models", store, "--default", label).endpoint)
    assert peer.ask(forecast(close_item(np.ones(4))))["model"] == label


def test_a_port_in_use_is_told_in_one_sentence(daemon: Daemon) -> None:
    sentence = _one_sentence(_serve("--bind", daemon.endpoint))
    assert f"{daemon.endpoint} is in use" in sentence
    assert "--bind another port" in sentence


def test_a_port_that_another_program_uses_is_told(store: Path) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        assert "is in use" in _one_sentence(_serve("--models", store, "--bind", endpoint))


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://0.0.0.0:5655", "tcp://*:5655", "tcp://192.168.0.10:5655", "tcp://[::]:5655"],
)
def test_an_interface_that_is_not_loopback_is_refused(store: Path, endpoint: str) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    sentence = _one_sentence(_serve("--models", store, "--bind", endpoint))
    assert f"cannot listen on {endpoint}" in sentence
    assert "loopback only" in sentence
    assert "tcp://127.0.0.1:5655" in sentence


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "ipc://eabridge",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:5655x",
        "tcp://127.0.0.1:0;tcp://0.0.0.0:0",
        "tcp://127.0.0.1.example.org:0",
    ],
)
def test_an_endpoint_that_is_none_is_refused(store: Path, endpoint: str) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    sentence = _one_sentence(_serve("--models", store, "--bind", endpoint))
    assert f"cannot listen on {endpoint}" in sentence
    assert "give an address such as tcp://127.0.0.1:5655" in sentence


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "tcp://localhost:0", "127.0.0.1:0"])
def test_any_free_port_of_loopback_may_be_asked(
    start_daemon: StartDaemon, store: Path, connect: Connect, endpoint: str
) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    daemon = start_daemon("--models", store, "--bind", endpoint)
    assert connect(daemon.endpoint).ask(request("hello"))["ok"]


def test_a_runtime_that_cannot_be_loaded_is_told_in_one_sentence(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a Windows that lacks Microsoft's Visual C++ Redistributable."""
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "onnxruntime.py").write_text("raise ImportError('DLL load failed')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    sentence = _one_sentence(_serve("--models", store))
    assert "ONNX Runtime cannot be loaded (DLL load failed): on Windows it needs" in sentence


def test_a_model_whose_process_died_while_it_was_opened_is_opened_once_more(store: Path) -> None:
    bundle = fake_runtime.put(store, "steady")
    deaths = [BackendDied("killed"), BackendDied("killed")]

    class Runtime:
        def open(self, bundle: Bundle) -> Backend:
            if deaths:
                raise deaths.pop()
            return Steady()

        def drop(self, label: str) -> None:
            raise AssertionError

    open_lane = lane_opener(ServeOptions([store], "tcp://127.0.0.1:0"), Runtime())
    with pytest.raises(BackendDied):
        open_lane(bundle)
    deaths.append(BackendDied("killed"))
    open_lane(bundle).close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--hang-seconds", "0"), "'0' is no number of seconds above 0"),
        (("--hang-seconds", "inf"), "'inf' is no number of seconds above 0"),
        (("--hang-seconds", "long"), "'long' is no number of seconds above 0"),
        (("--workers", "-1"), "'-1' is no whole number of at least 0"),
        (("--max-connections", "0"), "'0' is no whole number of at least 1"),
        (("--rate", "0"), "'0' is no whole number of at least 1"),
        (("--cache", "much"), "'much' is no whole number of at least 0 MiB"),
        (("--cache", "1000000000"), "is more memory than this machine has: it is in MiB"),
        (("--cache", "0", "--cache-file", "f"), "--cache 0 holds nothing: leave one of them out"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
)
def test_what_cannot_be_meant_is_told(arguments: tuple[str, ...], reason: str) -> None:
    assert reason in _one_sentence(_serve(*arguments))


def test_keys_in_the_current_folder_are_not_the_users_own(tmp_path: Path) -> None:
    sentence = _one_sentence(_serve("--keys", ".", folder=tmp_path))
    assert "--keys .: " in sentence


def test_serving_imports_nothing_slow(store: Path, tmp_path: Path, connect: Connect) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    command = [sys.executable, "-X", "importtime", "-m", "bridge", "serve", "--models", str(store)]
    log_path = tmp_path / "stderr.txt"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            [*command, "--bind", "tcp://127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        endpoint = process.stdout.readline().removeprefix("ready ").strip()
        assert connect(endpoint).ask(forecast(close_item(np.ones(4))))["ok"]
        process.terminate()
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in log_path.read_text(encoding="utf-8").splitlines()
        if line.startswith("import time:")
    }
    assert "onnxruntime" in imported
    slow = {"torch", "pandas", "matplotlib", "rich", "onnx", "transformers"}
    only_where_asked = {"sqlite3", "prometheus_client"}
    assert imported & (slow | only_where_asked) == set()
