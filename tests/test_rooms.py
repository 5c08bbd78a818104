"""The package's architecture: a room imports only rooms below it, and nothing imports a command."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bridge

PACKAGE = Path(bridge.__file__).parent
ROOMS = [
    *("cli", "page", "doctor", "mt5", "tuning", "forecaster", "daemon", "book"),
    *("backends", "bundles", "bars", "http", "wire"),
]
BESIDE = {
    "doctor": {"answers", "client", "keys", "synthetic"},
    "daemon": {"keys"},
    "backends": {"interpreter"},
}  # modules of no room that a room may use
FORBIDDEN = {
    "page": {"torch", "pandas", "rich", "zmq", "numpy", "onnxruntime"},
    "doctor": {"torch", "pandas", "rich", "zmq"},
    "mt5": {"torch", "pandas", "rich", "zmq", "numpy", "onnxruntime"},
    "book": {"torch", "pandas", "rich", "zmq"},
    "daemon": {"torch", "pandas", "matplotlib", "transformers", "rich"},
    "tuning": {"zmq"},
    "backends": {"transformers", "peft", "pandas", "zmq"},
    "bundles": {"torch", "safetensors", "onnxruntime", "zmq"},
    "http": {"zmq", "numpy"},
    "wire": {"zmq", "numpy"},
    "bars": {"pandas", "zmq"},
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide where things are"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(room: str) -> list[Path]:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    return files


@pytest.mark.parametrize("room", ROOMS[1:])
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    below = {*ROOMS[ROOMS.index(room) :], *BESIDE.get(room, set())}

    for path in files_of(room):
        for module in imports(path):
            parts = module.split(".")
            if parts[0] == "bridge" and len(parts) > 1:
                assert parts[1] in below, f"{path.name} imports {module}"


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_keeps_out_what_does_not_belong_in_it(room: str) -> None:
    for path in files_of(room):
        found = {module.split(".")[0] for module in imports(path)} & FORBIDDEN[room]
        assert not found, f"{path.name} imports {found}"


def test_torch_is_imported_by_its_backend_alone() -> None:
    for path in files_of("backends"):
        assert "torch" not in set(imports(path)) or path.name == "pytorch.py"


def test_who_opens_any_bundle_imports_torch_and_the_workshop_only_for_one_that_needs_them() -> None:
    body = ast.parse((PACKAGE / "runtimes.py").read_text(encoding="utf-8")).body
    at_once = {str(each.module) for each in body if isinstance(each, ast.ImportFrom)}
    assert "bridge.backends" in at_once
    assert not any(name.startswith(("torch", "bridge.tuning")) for name in at_once)
    assert "bridge.backends.pytorch" not in at_once


def test_nothing_imports_a_command() -> None:
    for path in PACKAGE.glob("**/*.py"):
        if path.parent.name != "cli" and path.name != "__main__.py":
            assert not any(module.split(".")[:2] == ["bridge", "cli"] for module in imports(path))


def test_nothing_is_unpickled_evaluated_or_forked() -> None:
    for path in PACKAGE.glob("**/*.py"):
        assert not {"pickle", "shelve", "marshal", "dill"} & set(imports(path)), path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"eval", "exec", "os.fork", "torch.load"}, f"{path}: {name}"
