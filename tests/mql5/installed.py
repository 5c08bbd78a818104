"""The library as `eabridge mt5 install` leaves it in a terminal: with models to compile in."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path, PurePosixPath

from bridge.bundles import Bundle, open_bundle, shipped_store
from bridge.mt5 import library_files, model_files, shipped_library
from tests.backends import graphs
from tests.mql5.toolchain import BUILD, HERE

MQL5 = BUILD / "terminal" / "MQL5"


@functools.cache
def shipped_bundle() -> Bundle:
    """The bundle that ships, and the default model of the installed library."""
    return open_bundle(shipped_store() / "fx-h1")


def installed(program: str) -> Path:
    """A program of the library, such as `Experts/EABridge/ForecastTraderModel.mq5`, installed."""
    _install()
    return MQL5 / program


def beside_installed(program: str) -> Path:
    """A program of tests/mql5/programs, beside an installed library whose models it includes."""
    _install()
    path = MQL5 / "Experts" / program
    _write(path, (HERE / "programs" / program).read_bytes())
    return path


@functools.cache
def _install() -> None:
    """Write what is not there yet or has changed: programs that did not are not built again."""
    files = {**library_files(shipped_library()), **_odd_models(), **model_files(shipped_bundle())}
    for place, content in files.items():
        _write(MQL5 / place, content)


def _odd_models() -> dict[PurePosixPath, bytes]:
    """Small models that read closes: a good one, and some that are not what they promise."""
    odd = (
        (graphs.steady(), graphs.manifest("test-close")),
        (graphs.never_finite(), graphs.manifest("test-nan")),
        (graphs.steady(), graphs.manifest("test-other", context=8, horizon=3)),
        (b"this is no graph", graphs.manifest("test-broken")),
    )
    files: dict[PurePosixPath, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for graph, promised in odd:
            files.update(model_files(graphs.put(Path(folder), graph, promised)))
    return files


def _write(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
