"""Versions of models, made before the daemon starts, and what each of them answers offline.

All versions of a model answer differently, so that no answer of one passes for another's.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bridge.backends import open_backend
from bridge.bars import Bars
from bridge.bundles import Bundle, Manifest, find_bundle, shipped_store, write_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.runtimes import Runtimes
from bridge.synthetic import random_walk_bars
from tests.backends import graphs

BASE, SPECIALISTS = "fx-h1", ("fx-h1-eurgbp", "fx-h1-usdchf")
SMALL, SLOW, ROTTEN = "small", "slow", "rotten"
TORCH_BASE, TORCH_ADAPTER = "torch-base", "torch-adapter"
TF = 3600

_BIASES = {BASE: "head.median.bias", SMALL: "factors"}
_OLDER_BARS = 32  # which a model ignores
_STEPS = (20_000, 60_000)  # of the slow model: some hundredths of a second each
_HANGING = 1e12  # and of a window that it never has done with

Bits = tuple[bytes, bytes]
"""A forecast's `quantiles` and `up`, as they stand on the wire."""


@dataclass(frozen=True, eq=False)
class Question:
    """A window, and the time of its last bar.

    Attributes:
        number: among those of its kind.
        bars: [context + some, 4] open, high, low, close.
    """

    number: int
    time: int
    bars: NDArray[np.float64]

    @cached_property
    def ohlc(self) -> bytes:
        return self.bars.astype("<f8").tobytes()

    @cached_property
    def closes(self) -> bytes:
        return self.bars[:, 3].astype("<f8").tobytes()

    def as_bars(self, symbol: str) -> Bars:
        """As the Python client takes it."""
        count = len(self.bars)
        time = self.time - TF * np.arange(count - 1, -1, -1, dtype=np.int64)
        return Bars(symbol, TF, time, self.bars, np.zeros(count))


@dataclass(frozen=True)
class Piece:
    """One version of a model: its bundle, kept apart from any store, and its offline answers.

    `bits` are in the order of `questions`, which all versions of the model share.
    """

    bundle: Bundle
    questions: Sequence[Question]
    bits: Sequence[Bits]

    @property
    def name(self) -> str:
        return self.bundle.manifest.name

    @property
    def label(self) -> str:
        return self.bundle.manifest.label


@dataclass(frozen=True)
class Wardrobe:
    """All there is to wear.

    Attributes:
        outfits: sets of versions that belong together and take each other's place whole: of a
            base and its specialists, or of one model. By the name of the base, or of the model.
        hanging: a window that the slow model never has done with.
    """

    outfits: Mapping[str, Sequence[Sequence[Piece]]]
    hanging: Question

    @cached_property
    def by_label(self) -> dict[str, Piece]:
        return {piece.label: piece for piece in self._pieces()}

    @cached_property
    def questions(self) -> dict[str, Sequence[Question]]:
        """What each model may be asked, by its name."""
        return {piece.name: piece.questions for piece in self._pieces()}

    @property
    def has_torch(self) -> bool:
        return TORCH_BASE in self.outfits

    def _pieces(self) -> Iterator[Piece]:
        for outfits in self.outfits.values():
            for outfit in outfits:
                yield from outfit


def fill(folder: Path, *, seed: int, versions: int, questions: int, torch: bool) -> Wardrobe:
    """Make the bundles under a folder, and ask each of them, in this process, all there is.

    Args:
        versions: of each model that changes, 2 at least.
        questions: for each model, the slow and the torch ones aside, which get fewer.
        torch: whether to make models that PyTorch runs; needs `eabridge[train]`.
    """
    draw = np.random.default_rng(seed)
    windows = [_question(number, 128, draw) for number in range(questions)]
    few = [_question(number, 16, draw) for number in range(min(questions, 48))]
    slow = [_slow_question(number, draw) for number in range(8)]
    outfits = {BASE: _shipped(folder, windows, versions)}
    outfits[SMALL] = [(_small(folder, number, windows),) for number in range(versions)]
    outfits[SLOW] = [(_slow(folder, slow),)]
    if torch:
        outfits |= _torch(folder, few, versions)
    hanging = Question(0, 0, np.ones((graphs.CONTEXT, 4)))
    hanging.bars[-1] = _HANGING
    return Wardrobe(outfits, hanging)


def has_torch() -> bool:
    """Whether bundles that PyTorch runs can be made here."""
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers", "peft"))


def hang(piece: Piece, store: Path) -> Bundle:
    """Put a piece into a store, in the place of the version that stands there."""
    bundle = piece.bundle
    files = {name: bundle.path / name for name in bundle.manifest.files}
    folder = store / piece.name
    return write_bundle(folder, replace(bundle.manifest, files={}), files, replace_existing=True)


def rotten(folder: Path, kind: int) -> Bundle:
    """A bundle that is whole, and fails in one of several ways when it is tried."""
    models = [
        graphs.never_finite().SerializeToString(),
        graphs.blending().SerializeToString(),
        graphs.float32().SerializeToString(),
        b"no graph at all",
    ]
    return graphs.put(folder, models[kind % len(models)], graphs.manifest(ROTTEN))


def _question(number: int, context: int, draw: np.random.Generator) -> Question:
    older = int(draw.integers(0, 2)) * _OLDER_BARS
    walk = random_walk_bars(context + older, TF, int(draw.integers(1 << 40)))
    time = int(draw.integers(200_000, 500_000)) * TF
    return Question(number, time, np.ascontiguousarray(walk.ohlc))


def _slow_question(number: int, draw: np.random.Generator) -> Question:
    bars = np.ones((graphs.CONTEXT, 4))
    bars[-1] = float(draw.integers(*_STEPS))
    return Question(number, number * TF, bars)


def _shipped(folder: Path, questions: Sequence[Question], versions: int) -> list[tuple[Piece, ...]]:
    """The shipped base with its specialists, and the like that were trained otherwise."""
    store = [shipped_store()]
    bundles = [find_bundle(name, store) for name in (BASE, *SPECIALISTS)]
    outfits = [tuple(_asked(bundle, questions) for bundle in bundles)]
    for number in range(1, versions):
        base = _moved(bundles[0], folder / f"{BASE}-{number}", number)
        others = [
            _moved(bundle, folder / f"{bundle.manifest.name}-{number}", number, base.manifest.label)
            for bundle in bundles[1:]
        ]
        outfits.append(tuple(_asked(bundle, questions) for bundle in (base, *others)))
    return outfits


def _small(folder: Path, number: int, questions: Sequence[Question]) -> Piece:
    model = graphs.steady()
    _move(model, _BIASES[SMALL], 1e-3 * number)
    return _asked(
        graphs.put(folder / f"{SMALL}-{number}", model, graphs.manifest(SMALL)), questions
    )


def _slow(folder: Path, questions: Sequence[Question]) -> Piece:
    return _asked(graphs.put(folder / SLOW, graphs.slow(), graphs.manifest(SLOW)), questions)


def _torch(
    folder: Path, questions: Sequence[Question], versions: int
) -> dict[str, list[tuple[Piece, ...]]]:
    """A base that stays, and an adapter on it of which there are versions."""
    from tests.backends import networks

    store = folder / "torch"
    store.mkdir()
    base = networks.put_base(store, TORCH_BASE)
    adapters = []
    for number in range(versions):
        networks.put_adapter(store, base, TORCH_ADAPTER, seed=1 + number)
        aside = folder / f"{TORCH_ADAPTER}-{number}"
        shutil.move(store / TORCH_ADAPTER, aside)
        shutil.rmtree(store / f".{TORCH_ADAPTER}", ignore_errors=True)
        adapters.append(find_bundle(str(aside), []))
    runtimes = Runtimes([store])
    return {
        TORCH_BASE: [(_asked(base, questions, runtimes),)],
        TORCH_ADAPTER: [(_asked(adapter, questions, runtimes),) for adapter in adapters],
    }


def _moved(bundle: Bundle, folder: Path, number: int, base: str | None = None) -> Bundle:
    """The bundle as another training might have left it."""
    model = onnx.load_from_string(bundle.read(GRAPH_FILE))
    _move(model, _BIASES[BASE], 0.02 * number)
    manifest = replace(bundle.manifest, files={})
    if base is not None:
        manifest = replace(manifest, base=base)
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / GRAPH_FILE
        graph.write_bytes(model.SerializeToString())
        files = {name: bundle.path / name for name in bundle.manifest.files}
        return write_bundle(folder, manifest, {**files, GRAPH_FILE: graph})


def _move(model: onnx.ModelProto, name: str, by: float) -> None:
    """Add to one of a graph's constants."""
    (constant,) = [each for each in model.graph.initializer if each.name == name]
    value = numpy_helper.to_array(constant)
    constant.CopyFrom(numpy_helper.from_array((value + by).astype(value.dtype), name))


def _asked(
    bundle: Bundle, questions: Sequence[Question], runtimes: Runtimes | None = None
) -> Piece:
    """A piece with its answers, each window asked alone."""
    backend = open_backend(bundle, runtimes)
    manifest: Manifest = bundle.manifest
    bits = []
    for question in questions:
        window = question.bars[-manifest.context :]
        if manifest.inputs == "close":
            window = window[:, 3]
        time = np.array([question.time], np.float64)
        answer = backend.forecast(np.ascontiguousarray(window[np.newaxis]), time)
        bits.append((answer.quantiles.tobytes(), answer.up.tobytes()))
    backend.close()
    return Piece(bundle, questions, bits)
