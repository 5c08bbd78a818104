"""Scores: what they measure, and how sure they are of it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.tuning.scoring.baselines import gaussian_quantiles
from bridge.tuning.scoring.scores import (
    RANDOM_WALK,
    Outcomes,
    merge,
    pinball,
    sum_blocks,
    summarise,
)

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
WINDOWS, HORIZON = 4000, 4


def outcomes(seed: int = 0, *, guessed_scale: float = 1.0, up: float = 0.6) -> Outcomes:
    """Normal moves, forecast by a walk of half their size again and by a better guess."""
    draw = np.random.default_rng(seed)
    root = np.sqrt(np.arange(1, HORIZON + 1))
    moves = draw.normal(0, 1e-3, (WINDOWS, HORIZON)) * root
    time = 1_577_923_200 + np.arange(WINDOWS, dtype=np.int64) * 7 * 3600
    ones = np.broadcast_to(root * 1e-3, moves.shape)
    quantiles = {
        "model": gaussian_quantiles(ones * guessed_scale, LEVELS),
        RANDOM_WALK: gaussian_quantiles(ones * 1.5, LEVELS),
    }
    return sum_blocks(time, moves, LEVELS, quantiles, {"model": np.full(WINDOWS, up)})


def score(name: str, **options: Any) -> dict[str, Any]:
    return summarise(outcomes(**options), name)


def test_the_random_walk_scores_one_against_itself() -> None:
    scores = score(RANDOM_WALK)

    assert scores["wql_ratio"] == 1.0
    assert scores["wql_ratio_h"] == [1.0] * HORIZON
    assert scores["wql_ratio_ci"] == [1.0, 1.0]


def test_the_right_deviation_beats_a_wrong_one_in_every_horizon() -> None:
    scores = score("model")

    assert scores["wql_ratio"] == pytest.approx(np.mean(scores["wql_ratio_h"]), abs=1e-5)
    assert all(ratio < 0.99 for ratio in scores["wql_ratio_h"])


def test_the_right_deviation_covers_what_it_promises() -> None:
    scores = score("model")

    assert scores["coverage_80"] == pytest.approx(0.8, abs=0.015)
    low, high = scores["coverage_80_ci"]
    assert low < 0.8 < high


def test_a_deviation_too_small_covers_too_little() -> None:
    inner = NormalDist().cdf(1.2815515 / 2)

    assert score("model", guessed_scale=0.5)["coverage_80"] == pytest.approx(
        2 * inner - 1, abs=0.015
    )


def test_calling_every_move_up_is_right_half_the_time() -> None:
    scores = score("model", up=0.6)

    low, high = scores["direction_1_ci"]
    assert low < 0.5 < high
    assert score("model", up=0.4)["direction_1"] == pytest.approx(
        1 - scores["direction_1"], abs=1e-4
    )


def test_a_forecaster_without_a_direction_is_not_scored_on_it() -> None:
    assert "direction_1" not in score(RANDOM_WALK)


def test_intervals_hold_the_score_and_narrow_with_more_data() -> None:
    whole = summarise(outcomes(), "model")
    merged = summarise(merge([outcomes(seed) for seed in range(8)]), "model")

    for scores in (whole, merged):
        low, high = scores["wql_ratio_ci"]  # type: ignore[misc]
        assert low < scores["wql_ratio"] < high

    def width(scores: dict[str, Any]) -> float:
        low, high = scores["wql_ratio_ci"]
        return float(high - low)

    assert width(merged) < width(whole)


def test_the_same_data_give_the_same_intervals() -> None:
    assert score("model") == score("model")


def test_files_of_the_same_weeks_share_their_blocks() -> None:
    merged = merge([outcomes(0), outcomes(1)])

    assert len(merged.block) == len(outcomes(0).block)
    assert merged.windows.sum() == 2 * WINDOWS


def test_too_few_weeks_give_scores_without_intervals() -> None:
    moves = np.random.default_rng(0).normal(0, 1e-3, (200, 1))
    time = np.arange(200, dtype=np.int64) * 3600
    quantiles = {
        name: gaussian_quantiles(np.full((200, 1), 1e-3), LEVELS) for name in ("model", RANDOM_WALK)
    }

    scored = summarise(sum_blocks(time, moves, LEVELS, quantiles, {}), "model")

    assert scored["wql_ratio"] == 1.0
    assert scored["wql_ratio_ci"] is None


def test_coverage_is_of_the_quantiles_it_is_named_after() -> None:
    levels = (0.05, 0.1, 0.5, 0.9, 0.95)
    moves = np.random.default_rng(0).normal(0, 1e-3, (4000, 1))
    time = np.arange(4000, dtype=np.int64) * 7 * 3600

    def coverage(levels: tuple[float, ...]) -> object:
        quantiles = {RANDOM_WALK: gaussian_quantiles(np.full((4000, 1), 1e-3), levels)}
        return summarise(sum_blocks(time, moves, levels, quantiles, {}), RANDOM_WALK).get(
            "coverage_80"
        )

    assert coverage(levels) == pytest.approx(0.8, abs=0.02)
    assert coverage((0.05, 0.5, 0.95)) is None


def test_a_score_of_nothing_is_none_and_not_a_number_that_json_lacks() -> None:
    moves = np.zeros((50, 1))
    quantiles = {name: np.zeros((50, 1, 9)) for name in ("model", RANDOM_WALK)}
    time = np.arange(50, dtype=np.int64) * 3600

    scored = summarise(sum_blocks(time, moves, LEVELS, quantiles, {"model": np.ones(50)}), "model")

    assert scored["wql_ratio"] is None
    assert scored["direction_1"] is None


def test_windows_that_did_not_move_are_left_out_of_the_direction() -> None:
    moves = np.array([[0.0], [1e-3], [-1e-3], [0.0]])
    time = np.arange(4, dtype=np.int64) * 3600
    quantiles = {
        name: gaussian_quantiles(np.full((4, 1), 1e-3), LEVELS) for name in ("model", RANDOM_WALK)
    }

    scored = summarise(sum_blocks(time, moves, LEVELS, quantiles, {"model": np.ones(4)}), "model")

    assert scored["direction_1"] == 0.5


def test_pinball_is_summed_over_levels_and_never_negative() -> None:
    quantiles: NDArray[np.float64] = np.array([[[1.0, 2.0, 3.0]]])
    levels = np.array([0.25, 0.5, 0.75])

    assert pinball(quantiles, np.array([[2.0]]), levels).item() == pytest.approx(0.25 + 0 + 0.25)
    assert pinball(quantiles, np.array([[9.0]]), levels).item() == pytest.approx(2 + 3.5 + 4.5)
