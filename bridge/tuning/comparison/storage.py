"""Results as files: a finished run's arrays, then the JSON that says it is finished."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import RunKey
from bridge.tuning.comparison.results import (
    Measures,
    Memory,
    Point,
    Quantised,
    RunResult,
    Sharing,
    Timing,
    Untrained,
)


def save_run(result: RunResult, folder: Path) -> None:
    """Keep a finished run: arrays first, then the JSON that says it is finished."""
    result.test.save(folder / f"{result.key.name}.test.npz")
    if result.kept is not None:
        result.kept.save(folder / f"{result.key.name}.kept.npz")
    content = {
        name: value for name, value in asdict(result).items() if name not in ("test", "kept")
    }
    content["example"] = None if result.example is None else result.example.tolist()
    write_json(folder / f"{result.key.name}.json", content)


def load_run(key: RunKey, folder: Path) -> RunResult | None:
    """The kept result of a run, or None where it has not been finished."""
    path = folder / f"{key.name}.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    kept = folder / f"{key.name}.kept.npz"
    content |= {
        "key": key,
        "curve": tuple(Point(**point) for point in content["curve"]),
        "test": Losses.load(folder / f"{key.name}.test.npz"),
        "kept": Losses.load(kept) if kept.is_file() else None,
        "example": None if content["example"] is None else np.array(content["example"]),
    }
    return RunResult(**content)


def write_json(path: Path, content: object) -> None:
    """Write JSON whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1), encoding="utf-8", newline="\n")
    partial.replace(path)


def save_untrained(found: list[Untrained], fingerprint: str, path: Path) -> None:
    """Keep what needed no training, under the name of `path` and of each forecaster."""
    entries = []
    for each in found:
        each.test.save(_beside(path, each.name, "test"))
        if each.kept is not None:
            each.kept.save(_beside(path, each.name, "kept"))
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
    write_json(path, {"fingerprint": fingerprint, "forecasters": entries})


def load_untrained(fingerprint: str, path: Path) -> list[Untrained] | None:
    """What `save_untrained` kept, or None where there is nothing of this fingerprint."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["fingerprint"] != fingerprint:
        return None
    return [
        Untrained(
            task=each["task"],
            name=each["name"],
            fold=each["fold"],
            test=Losses.load(_beside(path, each["name"], "test")),
            validation=each["validation"],
            kept=Losses.load(_beside(path, each["name"], "kept")) if each["kept"] else None,
            example=None if each["example"] is None else np.array(each["example"]),
        )
        for each in content["forecasters"]
    ]


def _beside(path: Path, name: str, part: str) -> Path:
    return path.with_name(f"{path.stem}-{name}.{part}.npz")


def save_measures(measures: Measures, fingerprint: str, path: Path) -> None:
    """Keep what was measured at the end."""
    write_json(path, {"fingerprint": fingerprint, **asdict(measures)})


def load_measures(fingerprint: str, path: Path) -> Measures | None:
    """What `save_measures` kept, or None where there is nothing of this fingerprint."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["fingerprint"] != fingerprint:
        return None
    kinds = {"timings": Timing, "memory": Memory, "quantised": Quantised, "sharing": Sharing}
    return Measures(
        **{
            name: tuple(kind(**_tuples(each)) for each in content[name])
            for name, kind in kinds.items()
        }
    )


def _tuples(content: dict[str, object]) -> dict[str, object]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
