"""Score a servable model on files of bars, on the windows that its training never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend
from bridge.bars import Bars, Part, timeframe_name, window_ends
from bridge.bars.windows import midnight_after
from bridge.bundles import Bundle, Manifest
from bridge.bundles.manifest import BASE_UNTIL
from bridge.bundles.routing import is_written_for
from bridge.tuning.scoring import baselines
from bridge.tuning.scoring.asking import forecast_moves, true_moves
from bridge.tuning.scoring.leakage import (
    Windows,
    read_windows,
    require_named_right,
    require_unseen,
    seen_rows,
)
from bridge.tuning.scoring.scores import (
    BLOCK_SECONDS,
    RANDOM_WALK,
    Outcomes,
    merge,
    sum_blocks,
    summarise,
)

MODEL = "model"
BASELINES = (RANDOM_WALK, "ewma", "hour_of_week", baselines.STRONGEST_WALK)
REVERSAL = "reversal"


class EvaluationError(ValueError):
    """A file cannot be scored. The message names it and says what would be right."""


@dataclass(frozen=True)
class Source:
    """Bars to score, and the file's name for the report."""

    file: str
    bars: Bars

    @property
    def path(self) -> Path:
        """The file's name as a path, as the leakage checks take it."""
        return Path(self.file)


class Answering(Protocol):
    """A model with its specialists: which of them answers for a symbol, and its backend."""

    def bundle_for(self, symbol: str) -> Bundle: ...

    def backend_for(self, symbol: str) -> Backend: ...


@dataclass(frozen=True)
class _Model:
    """What answers for one file, and what its training saw."""

    backend: Backend
    manifest: Manifest
    seen: Windows


def evaluate(
    backend: Backend,
    manifest: Manifest,
    sources: Sequence[Source],
    *,
    seen: Windows | None = None,
    routed: Answering | None = None,
    stride: int = 7,
    since: date | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Scores for each file and overall, as `eabridge evaluate --json` prints them.

    Args:
        backend, manifest: the model.
        sources: the files. Only bars after the model's training and validation are scored. Of a
            symbol it was not trained on, a file that ends before is scored whole, and marked
            `training_years`, as is one of years that its base was trained on: other symbols of
            the same years taught the model about them.
        seen: fingerprints of what its training saw, as `leakage.read_windows` gives them; nothing
            is known without.
        routed: gives each file's symbol its specialist, of the model's own shapes, as the daemon
            does. What it answers with is then named in the file's entry, as `model`.
        stride: bars between the ends of neighbouring windows.
        since: score bars after this day instead, whatever training saw. A file whose bars
            training did see is marked `seen`.
        on_progress: called with windows done and in all.

    Raises:
        EvaluationError: a wrong timeframe, or too few bars to score.
        LeakageError: training saw bars that would be scored, whatever they are called; or it saw
            a file's bars under another symbol's name.
        BackendError: a specialist cannot be run.
        BundleError: a specialist's fingerprints cannot be read.
    """
    own = _Model(backend, manifest, seen or {})
    models = [_answering(own, routed, source.bars.symbol) for source in sources]
    parts, ends = [], []
    for source, model in zip(sources, models, strict=True):
        part = _unseen(model.manifest, source, since)
        found = window_ends(part, manifest.context, manifest.horizon, stride)
        if not len(found):
            raise EvaluationError(_too_few(model.manifest, source, part, since))
        require_named_right([source], model.seen, label=model.manifest.name)
        if since is None:
            require_unseen([source], [part], model.seen, label=model.manifest.name)
        parts.append(part)
        ends.append(found)
    total = sum(len(found) for found in ends)
    done = 0
    files, outcomes = [], []
    for source, model, part, found in zip(sources, models, parts, ends, strict=True):

        def advance(count: int, before: int = done) -> None:
            on_progress(before + count, total)

        outcome = score_windows(model.backend, model.manifest, source.bars, found, advance)
        done += len(found)
        outcomes.append(outcome)
        files.append(
            {
                "file": source.file,
                "symbol": source.bars.symbol,
                "first": int(source.bars.time[found[0]]),
                "last": int(source.bars.time[found[-1]]),
                "training_years": int(source.bars.time[found[0]]) < _taught_until(model.manifest),
                "seen": seen_rows(source.bars, part, model.seen) is not None,
                **({"model": model.manifest.label} if routed else {}),
                **_report(outcome),
            }
        )
    return {
        "model": manifest.name,
        "version": manifest.version,
        "stride": stride,
        "files": files,
        "overall": _report(merge(outcomes)),
    }


def score_windows(
    backend: Backend,
    manifest: Manifest,
    bars: Bars,
    ends: NDArray[np.int64],
    on_progress: Callable[[int], None] = lambda done: None,
) -> Outcomes:
    """The model and every baseline over the windows that end at `ends`."""
    context, horizon = manifest.context, manifest.horizon
    moves = true_moves(bars, ends, horizon)
    quantiles, up = forecast_moves(backend.forecast, manifest, bars, ends, on_progress)
    all_quantiles = {MODEL: quantiles} | {
        name: baselines.gaussian_quantiles(value, manifest.levels)
        for name, value in baselines.walks(bars, ends, context, horizon).items()
    }
    # The last move turned round is the one classical caller of direction that hours reward.
    all_quantiles[REVERSAL] = all_quantiles[RANDOM_WALK]
    called = {MODEL: up, REVERSAL: baselines.reversal(bars, ends)}
    return sum_blocks(
        bars.time[ends],
        moves,
        manifest.levels,
        all_quantiles,
        called,
        block_seconds=max(BLOCK_SECONDS, 2 * (context + horizon) * bars.tf),
    )


def _report(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "windows": int(outcomes.windows.sum()),
        **summarise(outcomes, MODEL),
        "baselines": {
            **{name: summarise(outcomes, name) for name in BASELINES},
            REVERSAL: {
                name: value
                for name, value in summarise(outcomes, REVERSAL).items()
                if name.startswith("direction")
            },
        },
    }


def _answering(own: _Model, routed: Answering | None, symbol: str) -> _Model:
    if routed is None:
        return own
    bundle = routed.bundle_for(symbol)
    if bundle.manifest.label == own.manifest.label:
        return own
    return _Model(routed.backend_for(symbol), bundle.manifest, read_windows(bundle))


def _unseen(manifest: Manifest, source: Source, since: date | None) -> Part:
    bars = source.bars
    if manifest.tf not in (0, bars.tf):
        raise EvaluationError(
            f"{source.file}: {manifest.name} was trained on {timeframe_name(manifest.tf)} bars "
            f"and these are {timeframe_name(bars.tf)}: export {timeframe_name(manifest.tf)}"
        )
    if since is not None:
        return Part(int(np.searchsorted(bars.time, midnight_after(since))), len(bars))
    cut = int(np.searchsorted(bars.time, _unseen_from(manifest)))
    later = Part(
        min(cut + (manifest.context + manifest.horizon if cut else 0), len(bars)), len(bars)
    )
    was_trained_on = any(is_written_for(bars.symbol, symbol) for symbol in manifest.symbols)
    if was_trained_on or len(later) >= manifest.context + manifest.horizon:
        return later
    return Part(0, len(bars))


def _unseen_from(manifest: Manifest) -> int:
    """POSIX seconds from which on the model's training and validation saw no bar."""
    until = manifest.data.get("validate_until")
    return 0 if until is None else midnight_after(date.fromisoformat(until))


def _taught_until(manifest: Manifest) -> int:
    """The same of the model and of its base, which may have seen later years than its adapter."""
    until = manifest.data.get(BASE_UNTIL)
    of_base = 0 if until is None else midnight_after(date.fromisoformat(until))
    return max(_unseen_from(manifest), of_base)


def _too_few(manifest: Manifest, source: Source, part: Part, since: date | None) -> str:
    need = manifest.context + manifest.horizon
    seen = since is None and part.start > 0
    why = (
        f" after {manifest.data.get('validate_until')}, when {manifest.name}'s training on "
        f"{source.bars.symbol} ended: give later bars, or --since DATE to score what it has seen"
        if seen
        else f"{f' after {since}' if since else ''}: a window takes {need}"
    )
    return f"{source.file}: {len(part)} bars{why}"
