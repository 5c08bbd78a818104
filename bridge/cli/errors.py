"""Errors that are the user's to mend: said in one sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """What was wrong and what would be right. The command ends with exit code 2."""


@contextmanager
def needs(extra: str, purpose: str) -> Iterator[None]:
    """Imports inside may be missing: say which extra brings them."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"{purpose} needs the Python package {error.name}: "
            f'install it with pip install "eabridge[{extra}]"'
        ) from error


def written_file(error: OSError) -> str:
    """The file that could not be written or read: of a copy or a move, where it was to go."""
    name = error.filename if error.filename2 is None else error.filename2
    return "" if name is None else str(name)
