"""The runtime's language core: what a program may take for granted."""

from __future__ import annotations

import pytest

from tests.mql5.expectations import PROGRAMS, expect_all
from tests.mql5.host import build
from tests.mql5.terminal import Terminal


@pytest.mark.parametrize("platform", ["linux", "windows"])
@pytest.mark.parametrize("name", ["Arrays", "Strings", "Conversions", "Numbers", "Objects"])
def test_programs_find_what_the_language_promises(
    name: str, platform: str, terminal: Terminal
) -> None:
    expect_all(name, terminal, platform)


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_print_writes_numbers_as_the_terminal_does(platform: str, terminal: Terminal) -> None:
    assert expect_all("Formats", terminal, platform).journal == [
        "one line of 3 parts 0.1 1 1e-10 true 65 65",
        "0.3333333333333333 1.1 123456789.125 1e+300 18446744073709551615",
        "two",
        "lines",
        "EURUSD at 1.08421",
        "2020.01.01 00:00:05",
        "Alert: look 1",
        "expected 10, failed 0",
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("past a fixed array", "array out of range"),
        ("before an array", "array out of range"),
        ("an empty array", "array out of range"),
        ("through a reference", "array out of range"),
        ("past a string", "array out of range"),
        ("integer division", "zero divide"),
        ("remainder", "zero divide"),
        ("double division", "zero divide"),
        ("division in place", "zero divide"),
        ("NULL", "null pointer access"),
        ("a deleted object", "invalid pointer access"),
        ("deleted twice", "delete of an invalid pointer"),
        ("not made by new", "delete of an invalid pointer"),
        ("in a destructor", "null pointer access"),
        ("a format's string", "%s takes a string"),
        ("a format's double", "%d takes an integer"),
        ("a format's long", "%d has 32 bits, write %I64d"),
        ("too few for a format", "fewer arguments"),
        ("too many for a format", "more arguments"),
    ],
)
def test_a_critical_error_ends_the_program(error: str, said: str, terminal: Terminal) -> None:
    result = build(PROGRAMS / "Critical.mq5").script(terminal, inputs={"Error": error})
    assert result.code == 3
    ended = [line for line in result.journal if line.startswith("critical error: ")]
    assert len(ended) == 1
    assert said in ended[0]
    assert ("survived" in result.journal) == (error == "in a destructor")


def test_a_critical_error_names_the_line(terminal: Terminal) -> None:
    source = PROGRAMS / "Critical.mq5"
    lines = source.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "Print(5 % zero)" in text)
    result = build(source).script(terminal, inputs={"Error": "remainder"})
    assert result.journal == [f"critical error: zero divide in 'Critical.mq5' ({line})"]


def test_objects_that_nobody_deleted_are_reported(terminal: Terminal) -> None:
    result = build(PROGRAMS / "Undeleted.mq5").script(terminal)
    assert result.code == 0
    assert result.undeleted[:2] == ["3 undeleted objects left", "3 objects of type CLeak left"]


def test_inputs_have_their_own_values_unless_given_others(terminal: Terminal) -> None:
    program = build(PROGRAMS / "Inputs.mq5")
    assert program.script(terminal).journal == [
        "false 128 20200101 0.5 fx-h1 SIDE_NONE 2020.01.01 00:00:00 255,165,0"
    ]
    given = {
        "Trade": True,
        "Bars_": -1,
        "Magic": 2**62,
        "Risk": 0.1,
        "Model": "C:\\a\n= é",
        "Side": 2,
        "From": 0,
        "Shade": 255,
    }
    assert program.script(terminal, inputs=given).journal == [
        "true -1 4611686018427387904 0.1 C:\\a",
        "= é SIDE_SHORT 1970.01.01 00:00:00 255,0,0",
    ]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"Bars_": 2**31}, "input Bars_ cannot be 2147483648"),
        ({"Bars_": "many"}, "input Bars_ cannot be many"),
        ({"Risk": "1,5"}, "input Risk cannot be 1,5"),
        ({"Trade": "maybe"}, "input Trade cannot be maybe"),
        ({"Rsk": 1.0}, "the program has no input Rsk"),
    ],
)
def test_inputs_that_cannot_be_are_refused(
    inputs: dict[str, object], said: str, terminal: Terminal
) -> None:
    result = build(PROGRAMS / "Inputs.mq5").script(terminal, inputs=inputs)
    assert result.code == 5
    assert said in result.errors
