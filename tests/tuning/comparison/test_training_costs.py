"""What training took, from curves that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.plan import OWN, TEXT, RunKey
from bridge.tuning.comparison.results import (
    BASE_NETWORK,
    PINBALL_RATIO,
    Comparison,
    Measures,
    Memory,
    RunResult,
)
from bridge.tuning.comparison.training_costs import SAME_LOSS, Cost, cost_of, speed_to_full
from bridge.tuning.scoring.baselines import STRONGEST_WALK
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.training.objectives import QuantileObjective
from tests.tuning.comparison.invented import comparison, run, untrained, walk_losses

WALK = walk_losses(30)


def trained(
    method: str,
    seed: int,
    seconds: float,
    validations: Sequence[float],
    *,
    fold: int = 0,
    task: str = OWN,
    score: str = PINBALL_RATIO,
) -> RunResult:
    key = RunKey(task, method, seed, fold)
    return run(key, WALK, seconds=seconds, validations=validations, score=score)


def compared(runs: Sequence[RunResult], *, base: float = 0.99, walk: float = 0.975) -> Comparison:
    """Beside a base and a walk that validate so, in every fold."""
    task = runs[0].key.task
    others = [untrained(RANDOM_WALK, WALK, task=task)]
    for fold in {each.key.fold for each in runs}:
        for name, score in ((BASE, base), (STRONGEST_WALK, walk)):
            others.append(untrained(name, WALK, task=task, fold=fold, validation=score))
    return comparison(runs, others, (task,))


def cost(found: Comparison, method: str) -> Cost:
    task = found.runs[0].key.task
    return cost_of(found, found.of(task, method))


def test_the_name_of_the_score_is_the_objectives() -> None:
    assert QuantileObjective.score == PINBALL_RATIO


def test_a_time_is_that_of_the_first_validation_below() -> None:
    found = cost(compared([trained("lora", 0, 30.0, (0.99, 0.98, 0.97))]), "lora")

    assert found.beats_base is not None
    assert found.beats_walk is not None
    assert found.beats_base.value == pytest.approx(20.0)  # as good as the base is not better
    assert found.beats_walk.value == pytest.approx(30.0)
    assert found.validated_every.value == pytest.approx(10.0)


def test_where_the_base_beats_the_walk_already_there_is_nothing_to_time() -> None:
    runs = [trained("lora", 0, 30.0, (0.968, 0.967, 0.966))]

    found = cost(compared(runs, base=0.967, walk=0.974), "lora")

    assert found.walk_beaten_at_start
    assert found.beats_walk is None
    assert found.beats_base is not None


def test_where_the_base_is_as_good_as_full_already_there_is_nothing_to_time() -> None:
    runs = [trained("full", 0, 30.0, (0.97, 0.966)), trained("lora", 0, 30.0, (0.967, 0.966))]

    found = compared(runs, base=0.966 + 0.5 * SAME_LOSS)

    assert cost(found, "lora").full_met_at_start
    assert cost(found, "lora").same_loss is None
    assert speed_to_full(found, OWN, "lora") is None


def test_only_where_every_run_got_there_is_there_a_time() -> None:
    runs = [trained("lora", seed, 10.0, (0.98, best)) for seed, best in ((0, 0.97), (1, 0.976))]

    found = cost(compared(runs), "lora")

    assert found.beats_walk is None
    assert found.reached == (2, 1, 0)


def test_the_speed_to_fulls_score_is_paired_by_seed_and_has_an_interval() -> None:
    fulls = [trained("full", seed, 10.0 * (seed + 1), (0.98, 0.97)) for seed in range(3)]
    # Twice as fast with two seeds, four times as fast with one, however long full takes.
    loras = [
        trained("lora", seed, 10.0 * (seed + 1) * share, (0.98, 0.97 + 0.5 * SAME_LOSS))
        for seed, share in enumerate((0.5, 0.5, 0.25))
    ]

    found = speed_to_full(compared([*fulls, *loras]), OWN, "lora")

    assert found is not None
    assert found.value == pytest.approx((2.0 * 2.0 * 4.0) ** (1 / 3))
    assert found.low is not None
    assert found.high is not None
    reach = 4.303 * np.std(np.log([2.0, 2.0, 4.0]), ddof=1) / np.sqrt(3)
    assert found.high / found.value == pytest.approx(np.exp(reach), rel=1e-3)
    assert found.low == pytest.approx(found.value**2 / found.high)


def test_bits_per_digit_are_no_pinball_ratio_to_come_near_to() -> None:
    runs = [
        trained(method, 0, 10.0, (2.1, 2.0), task=TEXT, score="bits per digit")
        for method in ("full", "lora")
    ]

    found = compared(runs, base=3.0, walk=3.0)

    assert cost(found, "lora").same_loss is None
    assert cost(found, "lora").reached == (0, 0, 0)
    assert speed_to_full(found, TEXT, "lora") is None


def test_folds_are_averaged_and_seeds_are_the_sample() -> None:
    runs = [
        trained("lora", seed, seconds, (0.98, 0.97), fold=fold)
        for seed in (0, 1)
        for fold, seconds in ((0, 10.0), (1, 30.0))
    ]

    found = cost(compared(runs), "lora").seconds

    # Both seeds took as long: that folds differ is no doubt about other seeds.
    assert (found.value, found.low, found.high) == pytest.approx((20.0, 20.0, 20.0))


def test_memory_on_the_device_stands_beside_that_of_the_process() -> None:
    runs = [trained("lora", 0, 10.0, (0.98, 0.97))]
    found = compared(runs)
    memory = Memory(BASE_NETWORK, OWN, "lora", 500, 1.0, 300)
    other = Memory("larger", OWN, "lora", 900, 1.0)

    with_cuda = cost(replace(found, measures=Measures(memory=(other, memory))), "lora")
    without = replace(found, measures=Measures(memory=(replace(memory, device_bytes=0),)))

    assert (with_cuda.memory_bytes, with_cuda.device_bytes) == (500, 300)
    assert (cost(without, "lora").memory_bytes, cost(without, "lora").device_bytes) == (500, None)
    assert cost(found, "lora").memory_bytes is None
