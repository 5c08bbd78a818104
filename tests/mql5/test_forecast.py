"""CForecast: what its questions are answered with, and what it refuses to be filled with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from bridge.bars import timeframe_name
from bridge.wire.errors import Code
from tests.mql5.host import HERE, Program, build
from tests.mql5.terminal import Terminal

EMPTY_VALUE = float(np.finfo(np.float64).max)  # what MQL5 calls no value
QUANTILE, PROB_ABOVE, INTERVAL, MEDIAN_AND_UP, MOVE, AGE = range(6)

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
QUANTILES = np.array(
    [
        [1.18, 1.187, 1.19, 1.194, 1.2, 1.203, 1.207, 1.212, 1.22],
        [1.17, 1.18, 1.19, 1.195, 1.199, 1.204, 1.21, 1.22, 1.24],
        [1.16, 1.18, 1.19, 1.2, 1.2, 1.2, 1.21, 1.22, 1.25],  # three levels at one price
    ]
)


@dataclass(frozen=True)
class Given:
    """What a source fills a forecast with, on a chart of EURUSD H1 with five digits."""

    levels: Sequence[float] = LEVELS
    quantiles: ArrayLike = field(default_factory=QUANTILES.copy)
    up: Sequence[float] = (0.48, 0.5, 0.52)
    horizon: int = 3
    last_close: float = 1.201
    bar_opened_seconds_ago: int = 3600


Question = tuple[int, int, float]


@pytest.fixture(scope="module")
def library() -> Program:
    return build(HERE / "programs" / "Library.mq5")


def ask(
    library: Program, terminal: Terminal, given: Given, questions: Sequence[Question] = ()
) -> list[tuple[float, float]] | None:
    """The answers to questions, two numbers each; None where the forecast was refused."""
    quantiles = np.asarray(given.quantiles, np.float64).reshape(-1)
    numbers = [
        *(given.last_close, given.bar_opened_seconds_ago, given.horizon),
        *(len(given.levels), *given.levels),
        *(quantiles.size, *quantiles),
        *(len(given.up), *given.up),
        *(len(questions), *np.asarray(questions, np.float64).reshape(-1)),
    ]
    np.array(numbers, "<f8").tofile(terminal.files / "forecasts.bin")
    assert library.script(terminal, inputs={"InpCommand": "forecasts"}).code == 0
    taken, *answers = np.fromfile(terminal.files / "answers.bin", "<f8").tolist()
    return list(zip(answers[::2], answers[1::2], strict=True)) if taken else None


def answers(
    library: Program, terminal: Terminal, questions: Sequence[Question], given: Given | None = None
) -> list[tuple[float, float]]:
    found = ask(library, terminal, given or Given(), questions)
    assert found is not None, "the forecast was refused"
    return found


def test_quantiles_are_those_of_numpy_bit_for_bit(library: Program, terminal: Terminal) -> None:
    levels = sorted({*LEVELS, *np.linspace(0.1, 0.9, 97).tolist()} - {0.9000000000000001})
    questions = [(QUANTILE, h, level) for h in (1, 2, 3) for level in levels]
    expected = [np.interp(level, LEVELS, QUANTILES[h - 1]) for _, h, level in questions]
    assert [first for first, _ in answers(library, terminal, questions)] == expected


def test_nothing_is_said_beyond_the_outermost_levels_and_the_horizon(
    library: Program, terminal: Terminal
) -> None:
    questions = [
        *((QUANTILE, h, 0.5) for h in (-1, 0, 4)),
        *((QUANTILE, 1, level) for level in (0.0, 0.0999, 0.9001, 1.0, math.nan)),
        *((MEDIAN_AND_UP, h, 0.0) for h in (0, 4)),
        *((PROB_ABOVE, 4, 1.2), (PROB_ABOVE, 1, math.nan), (PROB_ABOVE, 1, math.inf)),
        (MOVE, 4, 0.0),
    ]
    assert {first for first, _ in answers(library, terminal, questions)} == {EMPTY_VALUE}


def test_the_median_and_the_probability_of_a_rise(library: Program, terminal: Terminal) -> None:
    found = answers(library, terminal, [(MEDIAN_AND_UP, h, 0.0) for h in (1, 2, 3)])
    assert found == [(1.2, 0.48), (1.199, 0.5), (1.2, 0.52)]


def test_a_model_without_a_median_level_has_one_between_its_levels(
    library: Program, terminal: Terminal
) -> None:
    given = Given(levels=(0.25, 0.75), quantiles=[[1.0, 2.0]], up=[0.5], horizon=1)
    assert answers(library, terminal, [(MEDIAN_AND_UP, 1, 0.0)], given) == [(1.5, 0.5)]


def test_a_model_of_one_level_answers_for_it(library: Program, terminal: Terminal) -> None:
    given = Given(levels=(0.5,), quantiles=[[1.2]], up=[0.5], horizon=1)
    questions = [(QUANTILE, 1, 0.5), (PROB_ABOVE, 1, 1.1), (PROB_ABOVE, 1, 1.3)]
    assert [first for first, _ in answers(library, terminal, questions, given)] == [1.2, 0.5, 0.5]


def test_the_probability_above_a_price_undoes_the_quantile(
    library: Program, terminal: Terminal
) -> None:
    prices = np.linspace(1.181, 1.219, 20).tolist()
    found = answers(library, terminal, [(PROB_ABOVE, 1, price) for price in prices])
    expected = [1.0 - np.interp(price, QUANTILES[0], LEVELS) for price in prices]
    np.testing.assert_allclose([first for first, _ in found], expected, rtol=1e-12)
    assert all(first > second for (first, _), (second, _) in pairwise(found))


def test_the_probability_stays_at_the_outermost_level_beyond_it(
    library: Program, terminal: Terminal
) -> None:
    found = answers(library, terminal, [(PROB_ABOVE, 1, price) for price in (0.5, 1.18, 1.22, 9)])
    np.testing.assert_allclose([first for first, _ in found], [0.9, 0.9, 0.1, 0.1], rtol=1e-12)


def test_a_price_at_which_several_levels_stand_has_the_highest_of_them(
    library: Program, terminal: Terminal
) -> None:
    ((above, _),) = answers(library, terminal, [(PROB_ABOVE, 3, 1.2)])
    assert above == pytest.approx(0.4)
    flat = Given(levels=(0.1, 0.5, 0.9), quantiles=[[1.2, 1.2, 1.3]], up=[0.5], horizon=1)
    ((above, _),) = answers(library, terminal, [(PROB_ABOVE, 1, 1.2)], flat)
    assert above == pytest.approx(0.5)


def test_an_interval_lies_as_much_below_as_above(library: Program, terminal: Terminal) -> None:
    found = answers(library, terminal, [(INTERVAL, 2, level) for level in (0.8, 0.6, 0.2, 0.5)])
    assert found[0] == (1.17, 1.24)  # from the outermost levels, whatever (1 - 0.8) / 2 rounds to
    np.testing.assert_allclose(found[1], (1.18, 1.22), rtol=1e-12)
    np.testing.assert_allclose(found[2], (1.195, 1.204), rtol=1e-12)
    np.testing.assert_allclose(found[3], np.interp([0.25, 0.75], LEVELS, QUANTILES[1]), rtol=1e-12)


def test_an_interval_wider_than_the_model_is_refused(library: Program, terminal: Terminal) -> None:
    questions = [(INTERVAL, 1, 0.81), (INTERVAL, 1, 0.0), (INTERVAL, 1, 1.0), (INTERVAL, 4, 0.5)]
    assert answers(library, terminal, questions) == [(EMPTY_VALUE, -1.0)] * 4


def test_the_expected_move_is_counted_in_points_from_the_last_close(
    library: Program, terminal: Terminal
) -> None:
    ((move, last_close),) = answers(library, terminal, [(MOVE, 2, 0.0)])
    assert (round(move, 6), last_close) == (-200.0, 1.201)


@pytest.mark.parametrize(("opened_ago", "age"), [(3600, 0), (3700, 100), (90_000, 86_400), (0, 0)])
def test_age_counts_from_the_close_of_the_last_bar_and_is_never_negative(
    library: Program, terminal: Terminal, opened_ago: int, age: int
) -> None:
    given = Given(bar_opened_seconds_ago=opened_ago)
    assert answers(library, terminal, [(AGE, 0, 0.0)], given) == [(age, 1.0)]


def test_a_forecast_that_was_refused_answers_nothing(library: Program, terminal: Terminal) -> None:
    assert ask(library, terminal, Given(up=[0.5])) is None


def changed(h: int, level: int, price: float) -> NDArray[np.float64]:
    quantiles = QUANTILES.copy()
    quantiles[h, level] = price
    return quantiles


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(Given(quantiles=QUANTILES[:2]), id="a row is missing"),
        pytest.param(Given(quantiles=QUANTILES[:, :8]), id="a level is missing"),
        pytest.param(Given(up=(0.5, 0.5)), id="a probability is missing"),
        pytest.param(Given(up=(0.5, 0.5, math.nan)), id="a probability is no number"),
        pytest.param(Given(up=(0.5, 0.5, 1.01)), id="a probability above 1"),
        pytest.param(Given(up=(0.5, 0.5, -0.01)), id="a probability below 0"),
        pytest.param(Given(quantiles=changed(1, 3, math.nan)), id="a price is no number"),
        pytest.param(Given(quantiles=changed(2, 8, math.inf)), id="a price is infinite"),
        pytest.param(Given(quantiles=changed(0, 0, -1.0)), id="a price is negative"),
        pytest.param(Given(quantiles=changed(1, 4, 1.0)), id="a row descends"),
        pytest.param(Given(levels=(*LEVELS[:8], 0.75)), id="levels descend"),
        pytest.param(Given(levels=(0.0, *LEVELS[1:])), id="a level of 0"),
        pytest.param(Given(levels=(*LEVELS[:8], 1.0)), id="a level of 1"),
        pytest.param(Given(levels=(), quantiles=[], horizon=3), id="no levels"),
        pytest.param(Given(quantiles=[], up=[], horizon=0), id="no bars ahead"),
        pytest.param(Given(quantiles=[], up=[], horizon=-1), id="fewer than no bars ahead"),
    ],
)
def test_what_is_not_sound_is_refused(library: Program, terminal: Terminal, given: Given) -> None:
    assert ask(library, terminal, given) is None


def test_what_is_sound_is_taken_at_its_limits(library: Program, terminal: Terminal) -> None:
    assert ask(library, terminal, Given(up=(0.0, 1.0, 0.5))) is not None
    assert ask(library, terminal, Given(quantiles=np.full((3, 9), 1.2))) is not None


def test_errors_have_the_wires_codes_a_name_each_and_advice(
    library: Program, terminal: Terminal
) -> None:
    result = library.script(terminal, inputs={"InpCommand": "errors"})
    rows = [line.split("\t") for line in result.journal]
    names = [name for _, name, _, _ in rows]
    codes = {code.value for code in Code}
    assert codes <= set(names)
    assert len(set(names)) == len(names)
    for number, name, found, advice in rows:
        assert (found == number) is (name in codes or name == "unknown_code")
        assert (len(advice) > 30) is (name != "ok")


def test_timeframes_are_named_as_everywhere_else(library: Program, terminal: Terminal) -> None:
    result = library.script(terminal, inputs={"InpCommand": "timeframes"})
    named = dict(line.split("\t") for line in result.journal)
    assert named == {seconds: timeframe_name(int(seconds)) for seconds in named}
    assert named["3600"] == "H1"


def test_the_fan_is_made_once_moved_with_each_forecast_and_leaves_nothing(
    library: Program, terminal: Terminal
) -> None:
    result = library.script(terminal, inputs={"InpCommand": "fans"})
    told = {
        when: (int(count), float(low), float(high))
        for when, count, low, high in (line.split("\t") for line in result.journal)
    }
    per_bar = 2 * 2 + 1  # two bands of two triangles each, and a piece of the median
    assert {when: count for when, (count, _, _) in told.items()} == {
        "before": 1, "first": 1 + 2 * per_bar, "second": 1 + 2 * per_bar,
        "none": 1, "third": 1 + 2 * per_bar, "after": 1,
    }  # fmt: skip
    assert told["first"][1:] == pytest.approx((1.18, 1.22))
    assert told["second"][2] == pytest.approx(1.32)
    assert not result.undeleted
