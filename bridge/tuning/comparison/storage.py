"""Results as files: a finished run's arrays, then the JSON that says it is finished.

Arrays are kept in single precision. What is saved is given back as it will be read, so that a
report of results just made is that of the same results found again.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import RunKey
from bridge.tuning.comparison.results import (
    LeftOut,
    Measures,
    Memory,
    Point,
    Quantised,
    RunResult,
    Sharing,
    Timing,
    Untrained,
)

_Value = TypeVar("_Value")
_UNREADABLE = (
    *(BadZipFile, EOFError, FileNotFoundError, KeyError, TypeError, ValueError),
    zlib.error,
)
"""What files of another version, or with a part missing, raise: they count as not there."""


def save_run(result: RunResult, folder: Path) -> RunResult:
    """Keep a finished run: arrays first, then the JSON that says it is finished."""
    path = folder / f"{result.key.name}.json"
    path.unlink(missing_ok=True)  # or it would vouch for another run's arrays
    _save_losses(result.test, _beside(path, "test"))
    _save_losses(result.kept, _beside(path, "kept"))
    content = {
        name: value for name, value in asdict(result).items() if name not in ("test", "kept")
    }
    content["example"] = None if result.example is None else result.example.tolist()
    write_json(path, content)
    return _required(load_run(result.key, folder))


def load_run(key: RunKey, folder: Path) -> RunResult | None:
    """The kept result of a run, or None where it has not been finished, or by another version."""
    path = folder / f"{key.name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kept = _beside(path, "kept")
        content |= {
            "key": key,
            "curve": tuple(Point(**point) for point in content["curve"]),
            "test": Losses.load(_beside(path, "test")),
            "kept": Losses.load(kept) if kept.is_file() else None,
            "example": None if content["example"] is None else np.array(content["example"]),
        }
        return RunResult(**content)
    except _UNREADABLE:
        return None


def save_untrained(
    found: Sequence[Untrained], left_out: Sequence[LeftOut], fingerprint: str, path: Path
) -> tuple[list[Untrained], list[LeftOut]]:
    """Keep what needed no training, under the name of `path` and of each forecaster."""
    path.unlink(missing_ok=True)
    entries = []
    for each in found:
        _save_losses(each.test, _beside(path, "test", each.name))
        _save_losses(each.kept, _beside(path, "kept", each.name))
        entries.append(
            {
                "task": each.task,
                "name": each.name,
                "fold": each.fold,
                "validation": each.validation,
                "example": None if each.example is None else each.example.tolist(),
                "kept": each.kept is not None,
            }
        )
    content = {
        "fingerprint": fingerprint,
        "forecasters": entries,
        "left_out": [asdict(each) for each in left_out],
    }
    write_json(path, content)
    return _required(load_untrained(fingerprint, path))


def load_untrained(fingerprint: str, path: Path) -> tuple[list[Untrained], list[LeftOut]] | None:
    """What `save_untrained` kept, or None where there is nothing of this fingerprint."""
    try:
        content = _of_fingerprint(fingerprint, path)
        if content is None:
            return None
        found = [
            Untrained(
                task=each["task"],
                name=each["name"],
                fold=each["fold"],
                test=Losses.load(_beside(path, "test", each["name"])),
                validation=each["validation"],
                kept=Losses.load(_beside(path, "kept", each["name"])) if each["kept"] else None,
                example=None if each["example"] is None else np.array(each["example"]),
            )
            for each in content["forecasters"]
        ]
        return found, [LeftOut(**each) for each in content["left_out"]]
    except _UNREADABLE:
        return None


def save_measures(measures: Measures, fingerprint: str, path: Path) -> None:
    """Keep what was measured at the end."""
    write_json(path, {"fingerprint": fingerprint, **asdict(measures)})


def load_measures(fingerprint: str, path: Path) -> Measures | None:
    """What `save_measures` kept, or None where there is nothing of this fingerprint."""
    kinds = {"timings": Timing, "memory": Memory, "quantised": Quantised, "sharing": Sharing}
    try:
        content = _of_fingerprint(fingerprint, path)
        if content is None:
            return None
        return Measures(
            **{
                name: tuple(kind(**_tuples(each)) for each in content[name])
                for name, kind in kinds.items()
            }
        )
    except _UNREADABLE:
        return None


def write_json(path: Path, content: object) -> None:
    """Write JSON whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1), encoding="utf-8", newline="\n")
    partial.replace(path)


def _of_fingerprint(fingerprint: str, path: Path) -> dict[str, Any] | None:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content if content["fingerprint"] == fingerprint else None


def _save_losses(losses: Losses | None, path: Path) -> None:
    """None leaves none behind: of an earlier run there may be some."""
    if losses is None:
        path.unlink(missing_ok=True)
    else:
        losses.save(path)


def _beside(path: Path, part: str, name: str = "") -> Path:
    """`own-lora-fold0-seed1.test.npz` of a run, `untrained-own-fold0-theta.test.npz`."""
    return path.with_name(f"{'-'.join(filter(None, (path.stem, name)))}.{part}.npz")


def _required(value: _Value | None) -> _Value:
    """What was written a moment ago."""
    assert value is not None
    return value


def _tuples(content: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
