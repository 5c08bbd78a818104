"""`--model NAME` and `--models DIR`: which bundle a command works with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.errors import UserError

if TYPE_CHECKING:
    from bridge.bundles import Bundle

SHIPPED_DEFAULT = "fx-h1"


def choose_bundle(model: str | None, stores: Sequence[Path] | None) -> Bundle:
    """The bundle asked for; the shipped default when none is named.

    Raises:
        UserError: there is none such.
    """
    from bridge.bundles import BundleError, default_stores, find_bundle

    try:
        return find_bundle(model or SHIPPED_DEFAULT, stores or default_stores())
    except BundleError as error:
        raise UserError(str(error)) from error
