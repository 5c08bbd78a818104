"""Numbers with intervals, over seeds and over weeks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bridge.tuning.comparison.estimates import Scorer, over_seeds, times_over_seeds, written
from bridge.tuning.comparison.losses import Losses, join, window_losses
from bridge.tuning.scoring.baselines import gaussian_quantiles
from bridge.tuning.scoring.points import point_errors
from bridge.tuning.scoring.scores import BLOCK_SECONDS, RANDOM_WALK, sum_blocks, summarise

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
HORIZON = 3
COUNT = 900
DRAW = np.random.default_rng(5)
TIME = np.arange(COUNT, dtype=np.int64) * 4 * 3600
MOVES = np.cumsum(DRAW.normal(0, 1e-3, (COUNT, HORIZON)), axis=1)
WALK = gaussian_quantiles(np.full((COUNT, HORIZON), 2e-3), LEVELS)
SHARP = gaussian_quantiles(1e-3 * np.sqrt(np.tile([1.0, 2.0, 3.0], (COUNT, 1))), LEVELS) + 1e-4
UP = DRAW.random(COUNT)


def losses(quantiles: np.ndarray, up: np.ndarray | None = None) -> Losses:
    return window_losses(TIME, MOVES, LEVELS, quantiles, up)


@pytest.fixture
def scorer() -> Scorer:
    return Scorer(losses(WALK), BLOCK_SECONDS)


def test_scores_of_one_seed_are_those_of_evaluate(scorer: Scorer) -> None:
    outcomes = sum_blocks(TIME, MOVES, LEVELS, {RANDOM_WALK: WALK, "sharp": SHARP}, {"sharp": UP})
    expected = summarise(outcomes, "sharp")

    ratio = scorer.pinball_ratio([losses(SHARP, UP)])
    direction = scorer.direction([losses(SHARP, UP)])

    assert [ratio.value, ratio.low, ratio.high] == pytest.approx(
        [expected["wql_ratio"], *expected["wql_ratio_ci"]], abs=1e-5
    )
    assert scorer.coverage([losses(SHARP)]).value == pytest.approx(
        expected["coverage_80"], abs=1e-5
    )
    assert direction is not None
    assert direction.value == pytest.approx(expected["direction_1"], abs=1e-5)


def test_point_scores_are_of_all_windows_together(scorer: Scorer) -> None:
    found = point_errors(SHARP[..., LEVELS.index(0.5)], MOVES)
    stays = point_errors(np.zeros_like(MOVES), MOVES)
    root = np.sqrt(found.square.mean())

    for name, expected in (
        ("mse", found.square.mean()),
        ("rmse", root),
        ("nrmse", root / found.span.mean()),
        ("nrmse_article", root / found.reach.mean()),
        ("rmse_ratio", root / np.sqrt(stays.square.mean())),
    ):
        score = getattr(scorer, name)([losses(SHARP)])
        assert score.value == pytest.approx(expected, rel=1e-6)
        assert score.low < score.value < score.high


def test_that_the_price_stays_scores_one_against_itself(scorer: Scorer) -> None:
    found = scorer.rmse_ratio([losses(WALK)])

    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_windows_of_several_files_in_the_same_weeks_are_drawn_together(scorer: Scorer) -> None:
    twice = window_losses(
        *(np.concatenate([each, each]) for each in (TIME, MOVES)),
        LEVELS,
        np.concatenate([SHARP, SHARP]),
        None,
    )
    both = Scorer(twice, BLOCK_SECONDS).rmse([twice])

    assert both == scorer.rmse([losses(SHARP)])


def test_seeds_count_alike(scorer: Scorer) -> None:
    sharp, walk = (scorer.pinball_ratio([losses(each)]).value for each in (SHARP, WALK))

    both = scorer.pinball_ratio([losses(SHARP), losses(WALK)])

    assert both.value == pytest.approx((sharp + walk) / 2)


def test_seeds_that_differ_widen_the_interval(scorer: Scorer) -> None:
    alike = scorer.pinball_ratio([losses(SHARP)] * 3)
    apart = scorer.pinball_ratio([losses(SHARP), losses(WALK), losses(1.5 * WALK)])

    assert alike.low is not None
    assert alike.high is not None
    assert apart.low is not None
    assert apart.high is not None
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_a_forecaster_is_no_better_than_itself(scorer: Scorer) -> None:
    same = scorer.pinball_difference([losses(SHARP)], [losses(SHARP)])

    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_a_paired_difference_is_known_better_than_either_score(scorer: Scorer) -> None:
    near = SHARP * 1.01

    alone = scorer.pinball_ratio([losses(near)])
    paired = scorer.pinball_difference([losses(near)], [losses(SHARP)])

    assert paired.low is not None
    assert paired.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)


def test_a_forecaster_that_calls_no_direction_has_none(scorer: Scorer) -> None:
    assert scorer.direction([losses(WALK)]) is None


def test_a_short_test_gives_no_interval() -> None:
    week = slice(0, 42)
    short = window_losses(TIME[week], MOVES[week], LEVELS, WALK[week], None)

    assert Scorer(short, BLOCK_SECONDS).pinball_ratio([short]).low is None


def test_the_mean_over_seeds_has_students_interval() -> None:
    values = [1.0, 2.0, 4.0]

    found = over_seeds(values)

    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))


def test_times_over_seeds_have_an_interval_above_nothing() -> None:
    found = times_over_seeds([1.0, 4.0])

    assert found.value == pytest.approx(2.0)
    assert found.low is not None
    assert 0 < found.low < 1.0


def test_one_seed_has_no_interval() -> None:
    assert over_seeds([3.0]).low is None


def test_folds_are_one_series_in_the_order_of_time() -> None:
    first, second = (
        window_losses(TIME[rows], MOVES[rows], LEVELS, SHARP[rows], None)
        for rows in (slice(0, 400), slice(400, COUNT))
    )

    joined = join([second, first])

    assert np.array_equal(joined.time, TIME)
    assert np.allclose(joined.pinball, losses(SHARP).pinball)


def test_windows_that_end_together_are_added_up() -> None:
    twice = window_losses(
        np.concatenate([TIME, TIME]),
        np.concatenate([MOVES, MOVES]),
        LEVELS,
        np.concatenate([SHARP, SHARP]),
        None,
    )

    assert len(twice) == COUNT
    assert np.allclose(twice.pinball, 2 * losses(SHARP).pinball)


@pytest.mark.parametrize(
    ("value", "shown"), [(-0.00001, "0.0000"), (0.00001, "0.0000"), (0.0012, "+0.0012")]
)
def test_nothing_is_written_without_a_sign(value: float, shown: str) -> None:
    assert written(value, "+.4f") == shown


def scaled(ratio: float) -> Losses:
    """Losses whose pinball ratio is this one in every week."""
    walk = losses(WALK)
    return replace(walk, pinball=ratio * walk.pinball)


def test_where_seeds_alone_differ_the_interval_is_students(scorer: Scorer) -> None:
    ratios = [0.95, 0.96, 1.00]

    found = scorer.pinball_ratio([scaled(each) for each in ratios])

    expected = over_seeds(ratios)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_where_the_seeds_of_two_differ_the_interval_is_welchs(scorer: Scorer) -> None:
    ratios, others = [0.95, 0.96, 1.00], [0.99, 1.00, 1.02, 1.01]

    found = scorer.pinball_difference(
        [scaled(each) for each in ratios], [scaled(each) for each in others]
    )

    expected = stats.ttest_ind(ratios, others, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("by_week", "by_seed", "by_both", "seeds", "others"),
    [
        (0.01, 0.0, 0.0, 1, 1),
        (0.0, 0.01, 0.0, 3, 1),
        (0.0, 0.01, 0.0, 2, 1),
        (0.01, 0.0, 0.01, 3, 1),
        (0.03, 0.01, 0.01, 3, 1),
        (0.03, 0.01, 0.01, 3, 3),
    ],
)
def test_of_many_intervals_about_one_in_twenty_misses_the_truth(
    by_week: float, by_seed: float, by_both: float, seeds: int, others: int
) -> None:
    """Weeks and seeds are drawn from a world in which two methods are equally good."""
    weeks, per_week = 80, 3
    count = weeks * per_week
    time = np.arange(count, dtype=np.int64) * BLOCK_SECONDS // per_week
    ones, wide = np.ones(count), np.ones((count, 2))
    walk = Losses(time, ones, wide, wide, ones, ones, ones, ones, ones)
    scorer, draw = Scorer(walk, BLOCK_SECONDS), np.random.default_rng(1)

    def runs(number: int) -> list[Losses]:
        week = by_week * draw.normal(size=weeks)
        found = []
        for _ in range(number):
            own = by_both * draw.normal(size=weeks)
            if number > 1:  # what was not trained has no seeds
                own += by_seed * draw.normal()
            factor = 1.0 + np.repeat(week + own, per_week)
            found.append(replace(walk, pinball=walk.pinball * factor[:, None]))
        return found

    tries = 400
    hits = 0
    for _ in range(tries):
        found = scorer.pinball_difference(runs(seeds), runs(others))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.0 <= found.high

    assert 0.925 < hits / tries < 0.995


def test_the_ratio_at_each_bar_has_its_interval(scorer: Scorer) -> None:
    by_bar = scorer.pinball_ratio_h([losses(SHARP)])

    assert len(by_bar) == HORIZON
    assert np.mean([each.value for each in by_bar]) == pytest.approx(
        scorer.pinball_ratio([losses(SHARP)]).value
    )
    assert all(each.low < each.value < each.high for each in by_bar)


def test_the_articles_nrmse_is_none_where_it_would_divide_by_less_than_nothing(
    scorer: Scorer,
) -> None:
    far_above = losses(SHARP + 0.5)

    assert scorer.nrmse_article([far_above]) is None
    assert scorer.nrmse_article_difference([far_above], [losses(SHARP)]) is None
    assert scorer.nrmse([far_above]).value > 1.0


def test_without_the_quantiles_of_80_per_cent_there_is_no_coverage() -> None:
    inner = window_losses(TIME, MOVES, LEVELS[1:-1], WALK[..., 1:-1], None)

    assert Scorer(inner, BLOCK_SECONDS).coverage([inner]) is None
