"""Reads the golden vectors as a test in any language would: from the JSON files alone."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "vectors"


@dataclass(frozen=True)
class Extension:
    """An extension value, which no field takes and an unknown key may have."""

    type: int
    data: bytes


@dataclass(frozen=True)
class Vector:
    """One vector; the README of the folder explains the attributes."""

    name: str
    kind: str
    body: bytes
    meaning: dict[str, Any] | None
    canonical: bool
    answer: str | None
    field: str | None
    items: list[str] | None


def vectors(file: str) -> list[Vector]:
    """The vectors of one file."""
    return [
        Vector(
            name=entry["name"],
            kind=entry["kind"],
            body=bytes.fromhex(entry["hex"]),
            meaning=value(entry["meaning"]),
            canonical=entry["canonical"],
            answer=entry.get("answer"),
            field=entry.get("field"),
            items=entry.get("items"),
        )
        for entry in json.loads((FOLDER / file).read_text(encoding="utf-8"))
    ]


def value(meaning: Any) -> Any:
    """A meaning's JSON as the value that it stands for."""
    if isinstance(meaning, list):
        return [value(item) for item in meaning]
    if not isinstance(meaning, dict):
        return meaning
    if "int" in meaning:
        return int(meaning["int"])
    if "float" in meaning:
        return float(meaning["float"])
    if "bin" in meaning:
        return bytes.fromhex(meaning["bin"])
    if "ext" in meaning:
        return Extension(meaning["ext"][0], bytes.fromhex(meaning["ext"][1]))
    return {key: value(item) for key, item in meaning.items()}


def float64_fields(meaning: Any) -> list[tuple[bytes, bytes]]:
    """For each `bin` of numbers in a meaning's JSON: its bytes, and its numbers packed anew."""
    if isinstance(meaning, list):
        return [pair for item in meaning for pair in float64_fields(item)]
    if not isinstance(meaning, dict):
        return []
    if "float64" in meaning:
        numbers = [float(number) for number in meaning["float64"]]
        return [(bytes.fromhex(meaning["bin"]), struct.pack(f"<{len(numbers)}d", *numbers))]
    return [pair for item in meaning.values() for pair in float64_fields(item)]
