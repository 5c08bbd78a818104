"""Recipes as TOML: read with every wrong key and value told by name, and written back."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from bridge.tuning.recipes.recipe import (
    MethodRecipe,
    Recipe,
    RecipeError,
    check_recipe,
    check_words,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_Part = TypeVar("_Part", bound=Any)


@dataclass(frozen=True)
class RecipeFile:
    """A recipe's file as it was read; what it leaves out is taken from a default."""

    path: Path
    text: str
    content: Mapping[str, Any]

    def draft(self, method: str = "full") -> Recipe:
        """Over the plain defaults: enough to know the method, the base and the head.

        Args:
            method: the one that is meant where the file names none.

        Raises:
            RecipeError: an unknown key or word, or a value of the wrong type.
        """
        with self._named():
            recipe = _build(Recipe(method=MethodRecipe(name=method)), self.content, "")
            check_words(recipe)
            return recipe

    def over(self, default: Recipe) -> Recipe:
        """The recipe, keys that are not given taken from `default`.

        Raises:
            RecipeError: an unknown key or a value of the wrong type or range.
        """
        with self._named():
            recipe = _build(default, self.content, "")
            check_recipe(recipe)
            return recipe

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except RecipeError as error:
            raise RecipeError(f"{self.path}: {error}") from error


def open_recipe(path: Path) -> RecipeFile:
    """Read a recipe's file.

    Raises:
        RecipeError: no such file, or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return RecipeFile(path, text, tomllib.loads(text))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: there is no such recipe") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; keys that are not given keep their plain defaults.

    Raises:
        RecipeError: no such file, not TOML, an unknown key or a value of the wrong type or range.
    """
    return open_recipe(path).over(Recipe())


def to_toml(recipe: Recipe) -> str:
    """A recipe as TOML that `read_recipe` reads back to the same values."""
    lines = [f"name = {json.dumps(recipe.name)}"]
    for table in ("data", "model", "method", "training"):
        lines += ["", f"[{table}]"]
        for key, value in asdict(getattr(recipe, table)).items():
            shown = str(value) if isinstance(value, date) else json.dumps(value)
            lines.append(f"{key} = {shown}")
    return "\n".join(lines) + "\n"


def _build(default: _Part, content: Mapping[str, Any], where: str) -> _Part:
    types = get_type_hints(type(default))
    values = {}
    for key, value in content.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(types)}"
            raise RecipeError(f"unknown key `{where}{key}`: {hint}")
        values[key] = _value(types[key], getattr(default, key), value, f"{where}{key}")
    return replace(default, **values)


def _value(kind: Any, default: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise RecipeError(f"`{where}` is a table: write [{where}]")
        return _build(default, value, f"{where}.")
    if kind == tuple[float, ...]:
        if isinstance(value, list) and all(type(item) in (int, float) for item in value):
            return tuple(float(item) for item in value)
        raise RecipeError(f"`{where}` is {value!r}: expected an array of numbers")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise RecipeError(f"`{where}` is {value!r}: expected {_KINDS[kind]}")
    return value


_KINDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"} | {
    date: "a date such as 2018-12-31"
}
