"""Files, days, and what is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bridge.bundles import Bundle
from bridge.tuning.comparison import subject as checks
from bridge.tuning.comparison.comparing import compare
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, Plan
from bridge.tuning.comparison.subject import Subject, choose_subject, require_comparable
from bridge.tuning.comparison.tasks import ComparisonError, Source, read_source
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.nf4 import Nf4Error
from bridge.tuning.recipes.recipe import DataRecipe, MethodRecipe, ModelRecipe, Recipe
from bridge.tuning.scoring.leakage import LeakageError
from tests.tuning.comparison.conftest import NO_EFFORT, PLAN, SHAPE, base_bundle, hourly, source


@pytest.fixture(scope="module")
def tuned() -> Source:
    return source("TUNED", 3)


@pytest.fixture(scope="module")
def kept() -> Source:
    return source("KEPT", 4)


@pytest.fixture(scope="module")
def bundle(tuned: Source, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return base_bundle(tmp_path_factory.mktemp("base") / "store", tuned.bars)


def day_of(source: Source, bar: int) -> date:
    """The day of a bar."""
    return datetime.fromtimestamp(int(source.bars.time[bar]), timezone.utc).date()


def recipe(tuned: Source, trained: int = 4000, validated: int = 5000, **model: Any) -> Recipe:
    """Of a base that is trained and validated up to these bars."""
    days = DataRecipe(train_until=day_of(tuned, trained), validate_until=day_of(tuned, validated))
    shape = {"context": 32, "horizon": 4, "layers": 1, "heads": 2, "width": 16}
    return Recipe(data=days, model=ModelRecipe(**{**shape, **model}))


def test_the_days_of_the_bases_recipe_cut_the_comparison(tuned: Source) -> None:
    [days] = choose_subject([tuned], [], 1, None, recipe(tuned)).days

    assert days.train_until == day_of(tuned, 4000)
    assert days.validate_until == day_of(tuned, 5000)
    assert days.test_until == day_of(tuned, -1)


def test_folds_are_tested_after_the_days_of_the_bases_recipe(tuned: Source) -> None:
    first, second = choose_subject([tuned], [], 2, None, recipe(tuned)).days

    assert first.validate_until == day_of(tuned, 5000)
    assert second.test_until == day_of(tuned, -1)


def test_folds_are_tested_after_the_days_of_the_base(tuned: Source, bundle: Bundle) -> None:
    first, _ = choose_subject([tuned], [], 2, bundle).days

    assert str(first.validate_until) == bundle.manifest.data["validate_until"]


def test_a_recipe_that_leaves_nothing_to_test_on_is_refused(tuned: Source) -> None:
    with pytest.raises(ComparisonError, match=r"recipe validates up to .* move train_until"):
        choose_subject([tuned], [], 1, None, recipe(tuned, validated=-1))


def test_bars_that_end_before_the_bases_last_day_are_refused_by_their_files_name(
    tuned: Source, bundle: Bundle
) -> None:
    early = replace(source("EARLY", 5), bars=hourly("EARLY", 5)[:5000])

    with pytest.raises(
        ComparisonError, match=r"was chosen on bars up to .* those of EARLY_H1.csv end on"
    ):
        choose_subject([tuned, early], [], 1, bundle)


def test_a_base_whose_day_is_no_day_is_refused(tuned: Source, bundle: Bundle) -> None:
    wrong = replace(bundle, manifest=replace(bundle.manifest, data={"validate_until": "some day"}))

    with pytest.raises(ComparisonError, match="validate_until = 'some day', which is no day"):
        choose_subject([tuned], [], 1, wrong)


def test_files_of_two_timeframes_are_refused(tuned: Source, kept: Source) -> None:
    slow = replace(kept, bars=replace(kept.bars, tf=7200))

    with pytest.raises(ComparisonError, match="compare on one timeframe"):
        choose_subject([tuned, slow], [], 1, None)


def test_the_same_bars_under_two_names_are_refused(tuned: Source) -> None:
    other = replace(tuned, path=Path("OTHER_H1.csv"), bars=replace(tuned.bars, symbol="OTHER"))

    with pytest.raises(LeakageError, match="OTHER_H1"):
        choose_subject([tuned, other], [], 1, None)


def test_bars_that_the_base_is_to_learn_under_another_name_are_refused(tuned: Source) -> None:
    other = replace(tuned, path=Path("OTHER_H1.csv"), bars=replace(tuned.bars, symbol="OTHER"))

    with pytest.raises(LeakageError, match=r"TUNED_H1.csv is named as bars of TUNED, .* OTHER"):
        choose_subject([tuned], [other], 1, None)


def test_bars_that_all_came_after_the_base_are_cut_by_themselves(
    tuned: Source, bundle: Bundle
) -> None:
    late = replace(tuned, bars=tuned.bars[int(0.7 * len(tuned.bars)) :])

    [days] = choose_subject([late], [], 1, bundle).days

    assert day_of(late, 0) < days.train_until < days.validate_until < days.test_until


def test_bars_that_leave_no_test_the_base_was_not_chosen_on_are_refused(
    tuned: Source, bundle: Bundle
) -> None:
    count = len(tuned.bars)
    amid = replace(tuned, bars=tuned.bars[int(0.53 * count) : int(0.605 * count)])

    with pytest.raises(ComparisonError, match="give bars that begin before the former, or after"):
        choose_subject([amid], [], 1, bundle)


def test_too_few_bars_are_refused_with_how_many_are_needed(tuned: Source, bundle: Bundle) -> None:
    late = replace(tuned, bars=tuned.bars[4000:])
    subject = choose_subject([late], [], 1, bundle)

    with pytest.raises(
        ComparisonError, match=r"TUNED_H1.csv has .* bars to train on up to .* at least 1,035 are"
    ):
        require_comparable(subject, PLAN, open_base(str(bundle.path), []))


def test_a_file_of_the_bases_own_needs_no_bars_to_train_on(
    tuned: Source, kept: Source, bundle: Bundle
) -> None:
    short = replace(kept, bars=kept.bars[5300:])
    subject = choose_subject([tuned], [short], 1, bundle)

    require_comparable(subject, PLAN, open_base(str(bundle.path), []))


def test_a_file_of_the_bases_own_that_ends_early_shortens_no_test_of_the_others(
    tuned: Source, kept: Source, bundle: Bundle
) -> None:
    early = replace(kept, bars=kept.bars[:7000])

    [days] = choose_subject([tuned], [early], 1, bundle).days

    assert days.test_until == day_of(tuned, -1)


def test_a_file_of_the_bases_own_without_bars_to_test_on_is_refused_by_name(
    tuned: Source, kept: Source, bundle: Bundle
) -> None:
    early = replace(kept, bars=kept.bars[:5000])
    subject = choose_subject([tuned], [early], 1, bundle)

    with pytest.raises(
        ComparisonError, match=r"KEPT_H1.csv has 0 bars to test on .* or leave the file out"
    ):
        require_comparable(subject, PLAN, open_base(str(bundle.path), []))


def test_a_base_with_the_text_head_is_refused(tuned: Source, tmp_path: Path) -> None:
    shape = replace(SHAPE, context=20, horizon=40, patch=4, head="text")
    base = open_base(str(base_bundle(tmp_path, tuned.bars, shape).path), [])
    subject = choose_subject([tuned], [], 1, base.bundle)

    with pytest.raises(ComparisonError, match=r"base@.* has the text head.*the quantile head"):
        compare(subject, base, PLAN, tmp_path / "out", effort=NO_EFFORT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": "text"}, "base of --base-recipe has the text head"),
        ({"levels": (0.6, 0.7, 0.9)}, r"levels are \(0.6, 0.7, 0.9\) and 0.5 lies outside"),
        ({"width": 4}, "the base is 4 wide and the bottleneck divides that by 8"),
    ],
)
def test_a_recipe_of_a_base_that_cannot_be_compared_is_refused_before_it_is_trained(
    tuned: Source, changes: dict[str, Any], message: str
) -> None:
    wrong = recipe(tuned, **changes)
    subject = choose_subject([tuned], [], 1, None, wrong)

    with pytest.raises(ComparisonError, match=message):
        require_comparable(subject, PLAN, None, wrong)


def test_a_recipe_that_makes_an_adapter_of_the_base_is_refused(tuned: Source) -> None:
    wrong = replace(recipe(tuned), method=MethodRecipe(name="lora"))
    subject = choose_subject([tuned], [], 1, None, wrong)

    with pytest.raises(ComparisonError, match="says method lora, and a base is trained whole"):
        require_comparable(subject, PLAN, None, wrong)


def test_levels_without_the_outer_ones_are_no_reason_to_refuse(tuned: Source) -> None:
    inner = recipe(tuned, levels=(0.25, 0.5, 0.75))

    require_comparable(choose_subject([tuned], [], 1, None, inner), PLAN, None, inner)


def test_four_bits_are_asked_for_before_anything_is_trained(
    tuned: Source, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise Nf4Error("no four bits here")

    monkeypatch.setattr(checks, "require_nf4", refuse)
    subject = choose_subject([tuned], [], 1, bundle)
    base = open_base(str(bundle.path), [])

    require_comparable(subject, PLAN, base)
    with pytest.raises(Nf4Error, match="no four bits here"):
        require_comparable(subject, Plan(methods=("lora", "qlora")), base)


def test_the_narrowest_base_of_a_bottleneck_is_as_wide_as_its_reduction(
    tuned: Source, bundle: Bundle
) -> None:
    subject = Subject([tuned], [], choose_subject([tuned], [], 1, bundle).days)

    def of_width(width: int) -> Base:
        opened = open_base(str(bundle.path), [])
        assert opened.config is not None
        return replace(opened, width=width, config=replace(opened.config, width=width))

    require_comparable(subject, PLAN, of_width(DEFAULT_VARIANT.reduction))
    with pytest.raises(ComparisonError, match="is 6 wide"):
        require_comparable(subject, PLAN, of_width(DEFAULT_VARIANT.reduction - 2))


def test_what_repair_left_of_a_file_tells_it_from_the_same_bytes_read_later(
    tuned: Source, tmp_path: Path
) -> None:
    path = tmp_path / "TUNED_H1.csv"
    path.write_text("bars", encoding="utf-8")
    forming = tuned.bars[:-1]

    assert read_source(path, forming).sha256 == read_source(path, tuned.bars).sha256
    assert (
        read_source(path, forming, repaired=True).sha256
        != read_source(path, tuned.bars, repaired=True).sha256
    )


def test_the_last_day_tested_is_one_that_all_files_have(tuned: Source) -> None:
    shorter = replace(source("SHORT", 6), bars=hourly("SHORT", 6)[:-240])

    [days] = choose_subject([tuned, shorter], [], 1, None, recipe(tuned)).days

    assert days.test_until == day_of(shorter, -1)
    assert days.test_until < day_of(tuned, -1) - timedelta(days=5)
