"""One adapter for each symbol, and only where it beats its base beyond chance."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars, Part
from bridge.bundles import Bundle, BundleError, Specialists
from bridge.synthetic import random_walk_bars
from bridge.tuning.build import BuildError, TrainingFile, build
from bridge.tuning.methods.bases import open_base
from bridge.tuning.methods.networks import tuned_network
from bridge.tuning.publishing import Listener
from bridge.tuning.recipes.recipe import (
    DataRecipe,
    MethodRecipe,
    ModelRecipe,
    Recipe,
    TrainingRecipe,
)
from bridge.tuning.recipes.recipe_file import to_toml
from bridge.tuning.specialists import (
    Comparison,
    Specialist,
    build_specialists,
    compare,
    describe,
    specialist_name,
    tuned_base,
)
from bridge.tuning.training.samples import Samples
from tests.tuning import folders

HARDLY_TRAINED = Recipe(
    name="base",
    data=DataRecipe(train_until=date(2020, 4, 30), validate_until=date(2020, 9, 10)),
    model=ModelRecipe(context=32, horizon=4, layers=1, heads=2, width=16),
    training=TrainingRecipe(
        steps=2, batch=32, warmup_steps=1, validate_every=1, learning_rate=1e-4, ema_decay=0.0
    ),
)
TUNING = replace(
    HARDLY_TRAINED,
    method=MethodRecipe(name="bottleneck", base="base", reduction=2, train_shell=True),
    training=TrainingRecipe(
        steps=80, batch=64, warmup_steps=5, validate_every=40, learning_rate=1e-2, ema_decay=0.9
    ),
)
RUINOUS = replace(TUNING, training=replace(HARDLY_TRAINED.training, learning_rate=1.0))
"""Steps so long that the adapter forecasts worse than its base."""


def busy_afternoons(symbol: str, seed: int) -> Bars:
    """6,600 hours whose moves are four times as large from noon to six as at other hours."""
    bars = random_walk_bars(6600, 3600, seed)
    busy = (bars.time // 3600 % 24 >= 12) & (bars.time // 3600 % 24 < 18)
    moves = np.random.default_rng(seed).normal(0, 1e-3, 6600) * np.where(busy, 4.0, 1.0)
    close = 1.1 * np.exp(np.cumsum(moves))
    opened = np.concatenate([[1.1], close[:-1]])
    high, low = np.maximum(opened, close) * 1.0002, np.minimum(opened, close) / 1.0002
    return Bars(symbol, 3600, bars.time, np.stack([opened, high, low, close], axis=1), bars.volume)


def as_file(folder: Path, bars: Bars, name: str) -> TrainingFile:
    path = folder / name
    path.write_text(f"the bars of {name} stand beside it\n", encoding="utf-8")
    return TrainingFile(path, bars)


@pytest.fixture(scope="module")
def base_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("base")
    return build(
        [as_file(folder, busy_afternoons("OTHER", 1), "OTHER_H1.csv")],
        HARDLY_TRAINED,
        to_toml(HARDLY_TRAINED),
        run=folder / "run",
        out=folder / "models",
        runtime="torch",
    )


def tune(base: Bundle, folder: Path, recipe: Recipe, *files: TrainingFile) -> list[Specialist]:
    return build_specialists(
        files,
        recipe,
        open_base("base", [base.path.parent]),
        runs=folder / "runs",
        out=folder / "models",
        runtime="torch",
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, base_bundle: Bundle) -> Specialist:
    """An adapter that learned what its base does not know: when the market moves."""
    folder = tmp_path_factory.mktemp("kept")
    (made,) = tune(
        base_bundle, folder, TUNING, as_file(folder, busy_afternoons("BUSY", 2), "BUSY_H1.csv")
    )
    return made


class TestAnAdapterThatWins:
    def test_is_written_under_its_bases_and_its_symbols_name(self, kept: Specialist) -> None:
        assert kept.bundle is not None
        assert kept.bundle.path.name == kept.bundle.manifest.name == "base-busy"

    def test_answers_for_its_base_on_its_symbol(
        self, kept: Specialist, base_bundle: Bundle
    ) -> None:
        assert kept.bundle is not None
        routes = Specialists(base_bundle, [base_bundle, kept.bundle])

        assert kept.bundle.manifest.is_specialist
        assert routes.answering("BUSY") is kept.bundle
        assert routes.answering("OTHER") is base_bundle

    def test_says_what_it_gained_and_how_sure_that_is(self, kept: Specialist) -> None:
        assert kept.bundle is not None
        validation = kept.bundle.manifest.scores["validation"]

        assert validation["gain"] == pytest.approx(
            validation["wql_ratio"] - validation["base_wql_ratio"], abs=2e-5
        )
        low, high = validation["gain_ci"]
        assert low <= validation["gain"] <= high < 0


def test_an_adapter_without_a_gain_is_not_written(base_bundle: Bundle, tmp_path: Path) -> None:
    (made,) = tune(
        base_bundle, tmp_path, RUINOUS, as_file(tmp_path, busy_afternoons("BUSY", 2), "BUSY_H1.csv")
    )

    assert made.bundle is None
    assert not made.comparison.is_better
    assert not (tmp_path / "models").exists()
    assert "not kept" in describe(made.comparison)


def test_an_earlier_one_that_stays_is_told_of(
    kept: Specialist, base_bundle: Bundle, tmp_path: Path
) -> None:
    assert kept.bundle is not None
    shutil.copytree(kept.bundle.path, tmp_path / "models" / kept.name)
    told: list[str] = []

    (made,) = build_specialists(
        [as_file(tmp_path, busy_afternoons("BUSY", 2), "BUSY_H1.csv")],
        RUINOUS,
        open_base("base", [base_bundle.path.parent]),
        runs=tmp_path / "runs",
        out=tmp_path / "models",
        runtime="torch",
        replace_existing=True,
        listener=Listener(stage=told.append),
    )

    assert made.bundle is None
    assert any("base-busy is of an earlier run and stays: remove it" in text for text in told)


class TestComparing:
    """Two networks on the same windows."""

    @pytest.fixture
    def windows(self) -> Samples:
        bars = busy_afternoons("BUSY", 2)
        return Samples([bars], [Part(0, 6000)], context=32, horizon=4, stride=9)

    def test_a_network_gains_nothing_over_itself(self, windows: Samples) -> None:
        network = tuned_network(folders.SHAPE, MethodRecipe(), None, seed=0).eval()

        found = compare(network, network, windows, 3600)

        assert (found.gain, found.interval) == (0.0, (0.0, 0.0))
        assert not found.is_better

    def test_worse_is_above_zero(self, windows: Samples) -> None:
        walk = tuned_network(folders.SHAPE, MethodRecipe(), None, seed=0).eval()
        wrong = folders.shaken(tuned_network(folders.SHAPE, MethodRecipe(), None, seed=0), 0.3)

        found = compare(walk, wrong.eval(), windows, 3600)

        assert found.gain > 0
        assert found.interval is not None
        assert found.interval[0] > 0

    def test_a_few_weeks_prove_nothing(self) -> None:
        bars = busy_afternoons("BUSY", 2)
        weeks = Samples([bars], [Part(0, 1000)], context=32, horizon=4)
        network = tuned_network(folders.SHAPE, MethodRecipe(), None, seed=0).eval()

        found = compare(network, network, weeks, 3600)

        assert found.interval is None
        assert not found.is_better
        assert "too few weeks" in describe(found)

    @pytest.mark.parametrize(
        ("interval", "is_better"),
        [((-0.002, -0.0001), True), ((-0.002, 0.0), False), ((-0.002, 0.001), False)],
    )
    def test_the_whole_interval_has_to_be_better(
        self, interval: tuple[float, float], is_better: bool
    ) -> None:
        assert Comparison(0.97, 0.969, -0.001, interval, 800).is_better is is_better


class TestBadInput:
    def test_a_file_without_a_symbol(self, base_bundle: Bundle, tmp_path: Path) -> None:
        file = as_file(tmp_path, busy_afternoons("", 2), "bars.csv")

        with pytest.raises(BuildError, match=r"bars\.csv names no symbol: name it SYMBOL_H1\.csv"):
            tune(base_bundle, tmp_path, TUNING, file)

    def test_two_files_of_one_symbol(self, base_bundle: Bundle, tmp_path: Path) -> None:
        files = [as_file(tmp_path, busy_afternoons("BUSY", seed), f"{seed}.csv") for seed in (2, 3)]

        with pytest.raises(BuildError, match=r"2\.csv and 3\.csv are both of BUSY"):
            tune(base_bundle, tmp_path, TUNING, *files)

    def test_a_recipe_of_another_window(self, base_bundle: Bundle, tmp_path: Path) -> None:
        wider = replace(TUNING, model=replace(TUNING.model, horizon=8))
        file = as_file(tmp_path, busy_afternoons("BUSY", 2), "BUSY.csv")

        with pytest.raises(BuildError, match="horizon = 8 and base@"):
            tune(base_bundle, tmp_path, wider, file)

    def test_a_name_that_is_taken(self, base_bundle: Bundle, tmp_path: Path) -> None:
        (tmp_path / "models" / "base-busy").mkdir(parents=True)
        file = as_file(tmp_path, busy_afternoons("BUSY", 2), "BUSY.csv")

        with pytest.raises(BundleError, match="base-busy exists already"):
            tune(base_bundle, tmp_path, TUNING, file)
        assert not (tmp_path / "runs").exists()

    def test_a_base_that_is_not_served(self, tmp_path: Path) -> None:
        folders.save_gpt2(tmp_path / "gpt2")
        recipe = replace(TUNING, method=MethodRecipe("lora", base=str(tmp_path / "gpt2")))

        with pytest.raises(BuildError, match="cannot have specialists"):
            tuned_base(recipe, [])


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("EURGBP", "base-eurgbp"), ("EURGBP.r", "base-eurgbp.r"), ("#US30", "base-us30")],
)
def test_the_name_is_plain_whatever_the_broker_calls_the_symbol(
    symbol: str, name: str, base_bundle: Bundle
) -> None:
    assert specialist_name(open_base("base", [base_bundle.path.parent]), symbol) == name
