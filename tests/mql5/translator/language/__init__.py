"""What MQL5 has: its words, and the names that a terminal brings along."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text between white space: tables of names read best so."""
    return frozenset(text.split())
