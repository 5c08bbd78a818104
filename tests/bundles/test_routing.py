"""Routing: which bundle answers for a symbol, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.bundles import Bundle, BundleError, Specialists, find_routed
from bridge.bundles.routing import is_written_for
from tests.backends import graphs

WRITTEN = [  # tests/mql5 holds the terminal's routing to the same cases
    ("EURGBP", "EURGBP", True),
    ("eurgbp", "EURGBP", True),
    ("EURGBPm", "EURGBP", True),
    ("mEURGBP", "EURGBP", True),
    ("EURGBPpro", "EURGBP", True),
    ("EURGBP.r", "EURGBP", True),
    ("EURGBP.RAW", "EURGBP", True),
    ("EURGBP_i", "EURGBP", True),
    ("EURGBP#", "EURGBP", True),
    ("EURGBPm.raw", "EURGBP", True),
    ("EURGBPmX", "EURGBP", False),
    ("#EURGBP", "EURGBP", True),
    ("FX.EURGBP", "EURGBP", True),
    ("FX.EURGBP.r", "EURGBP", True),
    ("US500.cash", "US500", True),
    ("EURGBP.r", "EURGBP.r", True),
    ("EURGBP", "EURGBP.r", False),
    ("EURGBPM", "EURGBP", False),
    ("BTCUSDT", "BTCUSD", False),
    ("ETH/BTC", "BTC", False),
    ("US500", "US50", False),
    ("XEURGBP", "EURGBP", False),
    ("EURGB", "EURGBP", False),
    ("GBPEUR", "EURGBP", False),
    ("", "EURGBP", False),
]


@pytest.mark.parametrize(("symbol", "known", "is_so"), WRITTEN)
def test_a_broker_may_write_a_symbol_so(symbol: str, known: str, is_so: bool) -> None:
    assert is_written_for(symbol, known) is is_so


@pytest.fixture
def base(tmp_path: Path) -> Bundle:
    return graphs.put(tmp_path, graphs.steady(), graphs.manifest("fx"))


def put_specialist(of: Bundle, name: str, *symbols: str, **changed: Any) -> Bundle:
    manifest = graphs.specialist(name, of.manifest, symbols)
    return graphs.put(of.path.parent, graphs.steady(), replace(manifest, **changed))


@pytest.fixture
def gbp(base: Bundle) -> Bundle:
    return put_specialist(base, "fx-eurgbp", "EURGBP")


def test_a_bare_name_is_answered_by_the_specialist_of_the_symbol(base: Bundle, gbp: Bundle) -> None:
    assert find_routed("fx", "EURGBP.r", [base.path.parent]) == gbp


@pytest.mark.parametrize("symbol", ["EURUSD", ""])
def test_another_symbol_is_answered_by_the_base(base: Bundle, gbp: Bundle, symbol: str) -> None:
    assert find_routed("fx", symbol, [base.path.parent]) == base


def test_a_version_means_exactly_that_bundle(base: Bundle, gbp: Bundle) -> None:
    assert find_routed(base.manifest.label, "EURGBP", [base.path.parent]) == base


def test_a_folder_means_exactly_that_bundle(base: Bundle, gbp: Bundle) -> None:
    assert find_routed(str(base.path), "EURGBP", [base.path.parent]) == base


def test_a_specialist_is_asked_by_its_own_name_for_any_symbol(base: Bundle, gbp: Bundle) -> None:
    assert find_routed("fx-eurgbp", "EURUSD", [base.path.parent]) == gbp


def test_a_model_that_is_not_there_is_refused_as_ever(base: Bundle) -> None:
    with pytest.raises(BundleError, match="there is no model 'gold'"):
        find_routed("gold", "EURGBP", [base.path.parent])


@pytest.mark.parametrize(
    "changed",
    [
        {"base": "fx@000000000000"},
        {"base": "fx"},
        {"data": {}},
        {"data": {"specialist": "yes"}},
        {"tf": 60},
        {"inputs": "ohlc"},
        {"levels": (0.25, 0.5, 0.75)},
        {"context": 8},
        {"horizon": 1},
    ],
    ids=lambda changed: ", ".join(f"{key} {value}" for key, value in changed.items()),
)
def test_a_model_that_does_not_stand_for_this_very_base_answers_by_its_own_name_alone(
    base: Bundle, changed: dict[str, Any]
) -> None:
    other = put_specialist(base, "other", "EURGBP", **changed)
    specialists = Specialists(base, [base, other])
    assert specialists.of == ()
    assert specialists.answering("EURGBP") == base


def test_the_longest_name_that_fits_is_meant(base: Bundle, gbp: Bundle) -> None:
    raw = put_specialist(base, "fx-raw", "EURGBP.r")
    specialists = Specialists(base, [gbp, raw])
    assert specialists.answering("EURGBP.r") == raw
    assert specialists.answering("EURGBP.m") == gbp


def test_of_two_specialists_for_a_symbol_the_first_answers(base: Bundle, gbp: Bundle) -> None:
    again = put_specialist(base, "fx-again", "EURGBP", "EURUSD")
    specialists = Specialists(base, [gbp, again])
    assert specialists.answering("EURGBP") == gbp
    assert specialists.answering("EURUSD") == again
