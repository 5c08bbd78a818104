"""What a comparison trains."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, QUANTILE, TEXT, Plan, Variant


def test_every_method_is_trained_once_for_each_task_and_seed() -> None:
    plan = Plan(methods=("full", "lora"), seeds=3, ablation=False)

    trained = [(run.task, run.method, run.seed) for run in plan.runs(64)]

    assert len(trained) == len(set(trained)) == 3 * 2 * 3
    assert {task for task, _, _ in trained} == {OWN, QUANTILE, TEXT}


def test_text_is_trained_at_20_in_and_40_out_alone() -> None:
    assert Plan(heads=("text",)).tasks == (OWN, TEXT)


def test_one_seed_of_everything_comes_before_the_next() -> None:
    seeds = [run.seed for run in Plan(methods=("full", "bottleneck"), seeds=2).runs(64)]

    assert seeds == sorted(seeds)


def test_the_ablation_goes_up_to_the_square_bottleneck_with_and_without_non_linearity() -> None:
    variants = Plan().variants(64)

    assert Variant(1) in variants
    assert Variant(1, activation="identity") in variants
    assert Variant(8, placement="pfeiffer") in variants
    assert DEFAULT_VARIANT not in variants  # it is the method's own run


def test_there_is_no_ablation_without_the_bottleneck() -> None:
    assert not Plan(methods=("full", "lora")).variants(64)


@pytest.mark.parametrize(("width", "narrowest"), [(768, 12), (64, 1), (48, 1), (16, 1), (8, 1)])
def test_no_bottleneck_of_the_ablation_is_narrower_than_one_number(
    width: int, narrowest: int
) -> None:
    plan = Plan(methods=("bottleneck",))

    sizes = [width // each.reduction for each in (*plan.variants(width), DEFAULT_VARIANT)]

    assert (min(sizes), max(sizes)) == (narrowest, width)
    assert len(plan.runs(width)) == len(plan.tasks) * 3 + 3 * len(plan.variants(width))


def test_names_of_runs_are_file_names_of_their_own() -> None:
    names = [run.name for run in Plan(folds=2).runs(64)]

    assert len(names) == len(set(names))
    assert all(name.replace("-", "").isalnum() for name in names)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"methods": ("full", "dora")}, "'dora' is no method: choose from full, lora"),
        ({"methods": ("full", "full")}, "method 'full' is given twice"),
        ({"methods": ()}, "no method is given"),
        ({"heads": ("words",)}, "'words' is no head"),
        ({"seeds": 0}, "seeds is 0: at least 1"),
        ({"steps": 0}, "steps is 0: at least 1"),
        ({"folds": 0}, "folds is 0: at least 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        Plan(**wrong)


@pytest.mark.parametrize("stride", [1, 6, 7, 24, 120])
def test_the_windows_of_20_in_and_40_out_end_at_every_hour_of_the_week(stride: int) -> None:
    step = Plan(stride=stride).point_stride

    assert step >= 4 * stride
    assert len({bar * step % 120 for bar in range(120)}) == 120
