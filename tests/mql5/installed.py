"""The library as `eabridge mt5 install` leaves it in a terminal: with models to compile in."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path, PurePosixPath

from bridge.bundles import Bundle, list_bundles, open_bundle, shipped_store
from bridge.mt5 import library_files, model_files, shipped_library
from bridge.mt5.embedded import DEFAULT_INCLUDE
from bridge.mt5.library import MODELS
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
    stored, _ = list_bundles([shipped_store()])
    files = {
        **library_files(shipped_library()),
        **_odd_models(),
        **_routed_model(),
        **model_files(shipped_bundle(), stored),
    }
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


def _routed_model() -> dict[PurePosixPath, bytes]:
    """A base with specialists for EURGBP and for broken bars, beside the default: CRoutedModel."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        base = graphs.put(store, graphs.steady(), graphs.manifest("test-base"))
        others = [
            graphs.put(store, graph, graphs.specialist(name, base.manifest, [symbol]))
            for name, graph, symbol in (
                ("test-gbp", graphs.steady(), "EURGBP"),
                ("test-none", b"this is no graph", "BROKEN"),
            )
        ]
        files = dict(model_files(base, others))
    text = files.pop(MODELS / DEFAULT_INCLUDE).replace(b"CDefaultModel", b"CRoutedModel")
    return {**files, MODELS / "Routed.mqh": text.replace(b"MODELS_DEFAULT", b"MODELS_ROUTED")}


def _write(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
