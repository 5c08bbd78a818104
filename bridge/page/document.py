"""The page as one document that needs nothing from elsewhere, and the policy that holds it to that.

Style and scripts stand in files of their own, each about one thing, and are put into the page when
it is first asked for. The policy names them by their hashes, so that a browser runs these and no
others, whatever a symbol's name may try to be.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_SCRIPTS = ("words", "svg", "fan", "strips", "cards", "tables", "page")
_STYLE_PLACE, _SCRIPT_PLACE = "/* style */", "/* script */"


@dataclass(frozen=True)
class Document:
    """The page's bytes, and the value of its Content-Security-Policy header."""

    body: bytes
    policy: str


@cache
def document() -> Document:
    """The page. Read from its files once."""
    style = _text("page.css")
    script = "".join(_text(f"scripts/{name}.js") for name in _SCRIPTS)
    for ending in ("</script", "</style", "<!--"):
        if ending in (script + style).lower():
            raise ValueError(f"a part of the page has {ending}, which would end its element")
    html = _text("page.html")
    for place, part in ((_STYLE_PLACE, style), (_SCRIPT_PLACE, script)):
        before, found, after = html.partition(place)
        if not found or place in after:
            raise ValueError(f"page.html must have {place} once")
        html = before + part + after
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "connect-src 'self'",
            "img-src data:",  # the tab's icon
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )
    return Document(html.encode(), policy)


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(part: str) -> str:
    digest = hashlib.sha256(part.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
