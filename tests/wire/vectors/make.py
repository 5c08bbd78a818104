"""Writes the golden vectors: `python -m tests.wire.vectors.make`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.wire.vectors.malformed import malformed
from tests.wire.vectors.replies import replies
from tests.wire.vectors.requests import requests

_HERE = Path(__file__).resolve().parent
FILES = {"requests.json": requests, "replies.json": replies, "malformed.json": malformed}


def text_of(file: str) -> str:
    """What `file` holds: a line for each key of a vector, its value on that line."""
    blocks = []
    for made in FILES[file]():
        lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in made.items()]
        blocks.append("{\n  " + ",\n  ".join(lines) + "\n}")
    return "[\n" + ",\n".join(blocks) + "\n]\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def main() -> None:
    for file in FILES:
        (_HERE / file).write_text(text_of(file), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
