"""`bundle.json`: what a model is, takes and gives, where it came from, and how well it scored."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

MANIFEST_VERSION = 1
MANIFEST_FILE = "bundle.json"
VERSION_CHARACTERS = 12
MOST_BARS = 65_536
"""The longest context and the farthest horizon: a slip of the pen is not allocated."""
MOST_NUMBERS = 1 << 20
"""Of one forecast, horizon times levels: its reply, in any form, fits the 16 MiB of a message."""
MOST_FILES = 64
MOST_SYMBOLS = 4096

_NAME = re.compile(r"[a-z0-9][a-z0-9._\-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # on Windows
_TIMEFRAMES = range(1 << 32)
_SYMBOL_CHARACTERS = range(1, 33)
_BASE_CHARACTERS = range(201)

RUNTIMES = ("onnx", "torch")
METHODS = ("full", "lora", "qlora", "bottleneck", "prefix", "ia3")
"""How a base model may be tuned."""
HEADS = ("quantile", "text")
QUANTISATIONS = ("", "int8")
SPECIALIST = "specialist"
"""The entry of `data` that makes a bundle answer for its base on its own symbols."""
BASE_UNTIL = "base_until"
"""The entry of `data` that says until which day its base's training and validation saw bars."""


def is_plain_name(name: str) -> bool:
    """Whether a bundle may be called so: lower-case letters, digits, `.`, `_` and `-`."""
    return _NAME.fullmatch(name) is not None


class BundleError(ValueError):
    """A bundle cannot be used. The message names it, and the file in it that is at fault."""


def may_pass(error: BaseException) -> bool:
    """Whether what failed may go well another time, as it stands.

    A file was locked or its drive away, or memory was short; a file that is missing stays so.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (OSError, MemoryError)):
        cause = cause.__cause__
    return cause is not None and not isinstance(cause, FileNotFoundError)


@dataclass(frozen=True)
class Manifest:
    """The content of `bundle.json`.

    What serving needs is checked here field by field; `network`, `data`, `recipe`, `scores` and
    `libraries` are a record for people and for the workshop.

    Attributes:
        name: lower-case letters, digits, `.`, `_` and `-`.
        task: `forecast`.
        inputs: `close` or `ohlc`.
        context: bars of a window. horizon: bars ahead.
        levels: quantile levels, ascending.
        tf: seconds per bar the model was trained on; 0 where any.
        symbols: those it was trained on; empty where any.
        files: name of each file in the bundle to its SHA-256.
        network: what the forecaster's shape is, enough to build it again for its weights.
        data: each training file with its hash, source and licence, and the split's dates.
        recipe: how it was trained. scores: how it did on bars it never saw.
        libraries: versions of what trained and exported it.
        runtime: `onnx`, or `torch`: served by PyTorch, from its base and its adapter.
        method: how it was tuned, one of `METHODS`.
        base: label of the model it was tuned from; empty where it began from scratch.
        quantisation: of the graph: empty (float32) or `int8`.
        head: `quantile` or `text`.
    """

    name: str
    task: str
    inputs: str
    context: int
    horizon: int
    levels: tuple[float, ...]
    tf: int
    symbols: tuple[str, ...]
    files: dict[str, str]
    network: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    runtime: str = "onnx"
    method: str = "full"
    base: str = ""
    quantisation: str = ""
    head: str = "quantile"

    @property
    def is_specialist(self) -> bool:
        """Whether it answers in the place of its base for its own symbols."""
        return self.data.get(SPECIALIST) is True and bool(self.base) and bool(self.symbols)

    @cached_property
    def version(self) -> str:
        """Hash of the content: of this manifest, and through `files` of every byte beside it."""
        content = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:VERSION_CHARACTERS]

    @property
    def label(self) -> str:
        """`name@version`, as the wire writes it."""
        return f"{self.name}@{self.version}"

    def to_json(self) -> str:
        """The text of `bundle.json`."""
        content = {**self._content(), "version": self.version}
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read and check a manifest.

        Raises:
            BundleError: not JSON, another manifest version, a field missing, wrong or unknown,
                or a `version` that is not this content's.
        """
        try:
            return cls._from_content(json.loads(text))
        except BundleError:
            raise
        except ValueError as error:
            raise BundleError(f"{MANIFEST_FILE} is not JSON ({error})") from error
        except RecursionError as error:
            raise BundleError(f"{MANIFEST_FILE} is nested too deeply to be a manifest") from error

    @classmethod
    def _from_content(cls, content: object) -> Manifest:
        if not isinstance(content, dict):
            raise BundleError(f"{MANIFEST_FILE} is not a JSON object")
        number = content.pop("manifest", None)
        if type(number) is not int or number != MANIFEST_VERSION:
            raise BundleError(
                f"{MANIFEST_FILE} is of manifest version {number!r} and this eabridge reads "
                f"version {MANIFEST_VERSION}: update eabridge, or export the model again"
            )
        version = content.pop("version", None)
        unknown = content.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise BundleError(
                f"{MANIFEST_FILE}: `{min(unknown)[:40]}` is no field that this eabridge knows: "
                "update eabridge, or export the model again"
            )
        manifest = cls(**_checked(content))
        if version != manifest.version:
            raise BundleError(
                f"{MANIFEST_FILE} says version {version!r} but its content hashes to "
                f"{manifest.version!r}: it was changed after it was written"
            )
        return manifest

    def _content(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for name, default in _OMITTED.items():
            if plain[name] == default:  # written before this field was: the version stays
                del plain[name]
        return {"manifest": MANIFEST_VERSION, **plain}


_OMITTED = {
    each.name: each.default
    for each in fields(Manifest)
    if each.name in ("runtime", "method", "base", "quantisation", "head")
}
"""Fields that are left out where they say what every bundle was before they were known."""


def is_plain_file_name(name: str) -> bool:
    """Whether a bundle may hold a file of that name: it leads nowhere else."""
    is_plain = _FILE.fullmatch(name) is not None and not name.endswith(".")
    return is_plain and _DEVICE.fullmatch(name) is None


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The fields that serving relies on, of the right kind; tuples in the place of lists."""

    def need(name: str, test: bool, expected: str) -> None:
        if not test:
            found = repr(content[name])[:80] if name in content else "missing"
            raise BundleError(f"{MANIFEST_FILE}: `{name}` is {found}: expected {expected}")

    def is_count(value: object) -> bool:
        return type(value) is int and 1 <= value <= MOST_BARS

    def is_symbol(value: object) -> bool:
        return isinstance(value, str) and len(value) in _SYMBOL_CHARACTERS and value.isprintable()

    name, levels, files = (content.get(key) for key in ("name", "levels", "files"))
    need("name", isinstance(name, str) and bool(_NAME.fullmatch(name)), "a plain lower-case name")
    need("task", content.get("task") == "forecast", "'forecast'")
    need("inputs", content.get("inputs") in ("close", "ohlc"), "'close' or 'ohlc'")
    need("context", is_count(content.get("context")), f"1 to {MOST_BARS} bars")
    need("horizon", is_count(content.get("horizon")), f"1 to {MOST_BARS} bars")
    tf = content.get("tf")
    need("tf", type(tf) is int and tf in _TIMEFRAMES, "seconds per bar, or 0 for any")
    need(
        "levels",
        isinstance(levels, list)
        and bool(levels)
        and all(isinstance(level, float) and 0 < level < 1 for level in levels)
        and sorted(set(levels)) == levels,
        "ascending numbers between 0 and 1",
    )
    most = MOST_NUMBERS // (1 + len(content["levels"]))
    need(
        "horizon",
        content["horizon"] <= most,
        f"at most {most} bars with so many levels, for a reply to hold them",
    )
    symbols = content.get("symbols")
    need(
        "symbols",
        isinstance(symbols, list)
        and len(symbols) <= MOST_SYMBOLS
        and all(is_symbol(symbol) for symbol in symbols),
        f"an array of at most {MOST_SYMBOLS} names of 1 to 32 characters",
    )
    need(
        "files",
        isinstance(files, dict)
        and 1 <= len(files) <= MOST_FILES
        and all(is_plain_file_name(key) for key in files)
        and all(isinstance(value, str) and _SHA256.fullmatch(value) for value in files.values()),
        f"plain file names, {MOST_FILES} at most, each with its SHA-256",
    )
    base = content.get("base", "")
    need(
        "base",
        isinstance(base, str) and len(base) in _BASE_CHARACTERS and base.isprintable(),
        f"a label of at most {max(_BASE_CHARACTERS)} characters",
    )
    for choice, known in (
        ("runtime", RUNTIMES),
        ("method", METHODS),
        ("quantisation", QUANTISATIONS),
        ("head", HEADS),
    ):
        names = ", ".join(repr(each) for each in known)
        need(choice, content.get(choice, known[0]) in known, f"one of {names}")
    for record in ("network", "data", "recipe", "scores", "libraries"):
        need(record, isinstance(content.get(record, {}), dict), "an object")
    return {**content, "levels": tuple(content["levels"]), "symbols": tuple(content["symbols"])}
