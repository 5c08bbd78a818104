"""The page as a document: whole, alone, legible."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bridge.page
from bridge.page.document import document

HERE = Path(bridge.page.__file__).parent
BACKGROUNDS = ("--ground", "--card")
TEXTS = ("--ink", "--soft", "--blue", "--red")


def test_it_names_nothing_elsewhere() -> None:
    found = re.findall(r"https?://[^\s'\"`<]+", document().body.decode())
    assert set(found) <= {"http://www.w3.org/2000/svg"}  # a name, and no address


def test_every_script_is_part_of_it() -> None:
    body = document().body.decode()
    parts = [*(HERE / "scripts").glob("*.js"), HERE / "page.css"]
    assert len(parts) > 5
    for part in parts:
        assert part.read_text(encoding="utf-8") in body


def test_nothing_becomes_markup() -> None:
    for script in (HERE / "scripts").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|DOMParser", text
        ), script.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme: str) -> None:
    colours = scheme_colours(scheme)
    for ground in BACKGROUNDS:
        for text in TEXTS:
            assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}"
        for line in ("--close", "--blue", "--mark"):  # of charts
            assert contrast(colours[line], colours[ground]) >= 3, f"{line} on {ground}"
    for health in ("--green", "--amber", "--blue", "--grey"):
        word = "#101214" if health == "--amber" else colours["--on-health"]
        assert contrast(word, colours[health]) >= 4.5, health
    assert contrast(colours["--card"], colours["--close"]) >= 4.5  # the last price on its tag


def scheme_colours(scheme: str) -> dict[str, str]:
    css = (HERE / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 2
    pairs = re.findall(r"(--[a-z-]+): (#[0-9a-f]{6})", "".join(blocks[: 1 + (scheme == "dark")]))
    return dict(pairs)  # dark ones replace the light ones


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
