"""From bars to a bundle and its scores, with a real network that is small."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bridge.backends import Backend, open_backend
from bridge.bars import Bars, windows
from bridge.bundles import Bundle, BundleError, open_bundle, shipped_store
from bridge.synthetic import random_walk_bars
from bridge.tuning.build import BuildError, TrainingFile, build, choose_recipe, load_forecaster
from bridge.tuning.evaluation import EvaluationError, Source, evaluate
from bridge.tuning.export import AGREEMENT
from bridge.tuning.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe, to_toml

RECIPE = Recipe(
    name="small",
    data=DataRecipe(
        source="made by a test",
        license="none needed",
        train_until=date(2017, 10, 31),
        validate_until=date(2017, 12, 15),
    ),
    model=ModelRecipe(context=32, horizon=4, layers=1, heads=2, width=16),
    training=TrainingRecipe(steps=20, batch=32, warmup_steps=2, validate_every=10),
)


def as_file(folder: Path, bars: Bars, name: str = "EURUSD_H1.csv") -> TrainingFile:
    path = folder / name
    path.write_text("the bars stand beside it\n", encoding="utf-8")
    return TrainingFile(path, bars)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, bars: Bars) -> Bundle:
    folder = tmp_path_factory.mktemp("small")
    return build(
        [as_file(folder, bars)], RECIPE, to_toml(RECIPE), run=folder / "run", out=folder / "models"
    )


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return open_bundle(shipped_store() / "fx-h1")


def test_a_bundle_says_where_it_came_from(small: Bundle) -> None:
    manifest = small.manifest

    assert manifest.name == "small"
    assert manifest.symbols == ("EURUSD",)
    assert manifest.data["train_until"] == "2017-10-31"
    assert manifest.data["embargo_bars"] == 36
    (file,) = manifest.data["files"]
    assert file["file"] == "EURUSD_H1.csv"
    assert file["license"] == "none needed"
    assert len(file["sha256"]) == 64
    assert manifest.recipe["training"]["steps"] == 20
    assert {"torch", "onnxruntime", "transformers"} <= manifest.libraries.keys()
    assert set(manifest.files) == {"model.onnx", "model.safetensors", "recipe.toml"}


def test_a_bundle_carries_its_scores_on_the_untouched_part(small: Bundle, bars: Bars) -> None:
    test = small.manifest.scores["test"]

    assert 0.5 < test["overall"]["wql_ratio"] < 1.5
    first = test["files"][0]["first"]
    embargo_end = bars.time[np.searchsorted(bars.time, 1_513_382_400) + 36]  # 2017-12-16 00:00
    assert first >= embargo_end


@pytest.mark.parametrize("name", ["small", "shipped"])
def test_the_graph_keeps_to_what_metatrader_reads(
    name: str, request: pytest.FixtureRequest
) -> None:
    bundle: Bundle = request.getfixturevalue(name)

    graph = onnx.load(bundle.graph)

    assert graph.ir_version <= 8
    assert [(each.domain, each.version <= 18) for each in graph.opset_import] == [("", True)]
    assert not any(each.external_data for each in graph.graph.initializer)
    assert not graph.functions
    double = onnx.TensorProto.DOUBLE
    ends = [*graph.graph.input, *graph.graph.output]
    assert [each.name for each in ends] == ["bars", "time", "quantiles", "up"]
    assert all(each.type.tensor_type.elem_type == double for each in ends)
    assert b"site-packages" not in bundle.graph.read_bytes()


@pytest.mark.parametrize("name", ["small", "shipped"])
def test_graph_and_network_agree_on_real_windows(
    name: str, request: pytest.FixtureRequest, bars: Bars
) -> None:
    bundle: Bundle = request.getfixturevalue(name)
    ends = np.arange(200, 4900, 37)
    window = windows(bars.ohlc, ends, bundle.manifest.context)
    time = bars.time[ends].astype(np.float64)

    from_graph = open_backend(bundle).forecast(window, time)
    with torch.no_grad():
        quantiles, up = load_forecaster(bundle)(torch.from_numpy(window), torch.from_numpy(time))

    assert np.abs(from_graph.quantiles / quantiles.numpy() - 1).max() < AGREEMENT
    assert np.abs(from_graph.up - up.numpy()).max() < 1e-5


def test_the_shipped_graph_is_small(shipped: Bundle) -> None:
    assert shipped.graph.stat().st_size < 6_000_000


def test_a_window_is_answered_bit_for_bit_alike_at_any_place_in_any_batch(
    shipped: Bundle, bars: Bars
) -> None:
    backend = open_backend(shipped)
    ends = np.arange(500, 500 + 64 * 11, 11)
    window = windows(bars.ohlc, ends, shipped.manifest.context)
    time = bars.time[ends].astype(np.float64)
    alone = [backend.forecast(window[i : i + 1], time[i : i + 1]) for i in range(64)]

    for size in (2, 3, 5, 17, 64):
        for start in range(0, 64, size):
            part = slice(start, start + size)
            together = backend.forecast(window[part], time[part])
            for index, answer in enumerate(alone[part]):
                assert together.quantiles[index].tobytes() == answer.quantiles.tobytes()
                assert together.up[index].tobytes() == answer.up.tobytes()


def test_a_bundle_is_not_overwritten_unless_told_to(small: Bundle, bars: Bars) -> None:
    folder = small.path.parent.parent
    arguments = ([as_file(folder, bars)], RECIPE, to_toml(RECIPE))

    with pytest.raises(BundleError, match="exists already"):
        build(*arguments, run=folder / "run", out=folder / "models")

    again = build(*arguments, run=folder / "run", out=folder / "models", replace_existing=True)
    assert again.manifest.version == small.manifest.version


def test_files_of_two_timeframes_are_not_mixed(tmp_path: Path, bars: Bars) -> None:
    minutes = random_walk_bars(5000, 60, seed=1)

    with pytest.raises(BuildError, match=r"M1 bars and EURUSD_H1\.csv H1"):
        build(
            [as_file(tmp_path, bars), as_file(tmp_path, minutes, "X_M1.csv")],
            RECIPE,
            "",
            run=tmp_path / "run",
            out=tmp_path / "models",
        )


def test_too_few_bars_are_refused_with_both_numbers(tmp_path: Path, bars: Bars) -> None:
    with pytest.raises(BuildError, match=r"has 500 bars to train on.* at least 1,036"):
        build(
            [as_file(tmp_path, bars[:500])],
            RECIPE,
            "",
            run=tmp_path / "run",
            out=tmp_path / "models",
        )


def test_bars_that_end_before_validation_are_refused(tmp_path: Path, bars: Bars) -> None:
    with pytest.raises(BuildError, match="to validate on up to 2017-12-15"):
        build(
            [as_file(tmp_path, bars[:3300])],
            RECIPE,
            "",
            run=tmp_path / "run",
            out=tmp_path / "models",
        )


def test_a_shape_that_cannot_be_is_the_recipes_fault(tmp_path: Path, bars: Bars) -> None:
    odd = replace(RECIPE, model=replace(RECIPE.model, heads=3))

    with pytest.raises(BuildError, match="recipe's model: width 16"):
        build([as_file(tmp_path, bars)], odd, "", run=tmp_path / "run", out=tmp_path / "models")


def test_without_a_recipe_the_dates_follow_the_bars(tmp_path: Path, bars: Bars) -> None:
    recipe, text = choose_recipe(None, "mine", [as_file(tmp_path, bars)])

    assert recipe.name == "mine"
    assert date(2017, 4, 19) < recipe.data.train_until < recipe.data.validate_until
    assert text == to_toml(recipe)


class TestEvaluation:
    """Scores of a servable model, on windows that its training never saw."""

    @pytest.fixture
    def backend(self, small: Bundle) -> Backend:
        return open_backend(small)

    def test_of_a_trained_symbol_only_later_bars_are_scored(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        scored = evaluate(backend, small.manifest, [Source("a.csv", bars)])

        assert scored["files"][0]["first"] > 1_513_382_400
        assert scored["files"][0] == small.manifest.scores["test"]["files"][0] | {"file": "a.csv"}

    def test_of_another_symbol_too_only_later_bars_are_scored(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        same_bars_as_another_broker_names_them = replace(bars, symbol="EURUSDm")

        scored = evaluate(
            backend, small.manifest, [Source("a.csv", same_bars_as_another_broker_names_them)]
        )

        assert scored["files"][0]["first"] > 1_513_382_400
        assert scored["files"][0]["training_years"] is False

    def test_another_symbol_without_later_bars_is_scored_and_marked(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        other = replace(bars, symbol="EURXYZ")

        scored = evaluate(backend, small.manifest, [Source("a.csv", other[:3000])])

        assert scored["files"][0]["first"] == bars.time[31]
        assert scored["files"][0]["training_years"] is True

    def test_since_overrides_what_training_saw(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        scored = evaluate(backend, small.manifest, [Source("a.csv", bars)], since=date(2017, 6, 30))

        assert scored["files"][0]["first"] < 1_500_000_000

    def test_the_report_has_every_score_for_each_file_and_overall(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        scored = evaluate(
            backend,
            small.manifest,
            [Source("a.csv", bars), Source("b.csv", replace(bars, symbol="OTHER"))],
        )

        assert scored["model"] == "small"
        assert scored["version"] == small.manifest.version
        assert [each["file"] for each in scored["files"]] == ["a.csv", "b.csv"]
        for each in [*scored["files"], scored["overall"]]:
            assert len(each["wql_ratio_h"]) == 4
            for name in ("wql_ratio", "coverage_80", "direction_1"):
                assert 0 < each[name] < 1.5
                assert f"{name}_ci" in each
            assert {"random_walk", "ewma", "hour_of_week"} < set(each["baselines"])
            assert each["baselines"]["random_walk"]["wql_ratio"] == 1.0

    def test_progress_reaches_the_number_of_windows(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        seen: list[tuple[int, int]] = []

        scored = evaluate(
            backend,
            small.manifest,
            [Source("a.csv", bars)],
            on_progress=lambda done, total: seen.append((done, total)),
        )

        assert seen[-1] == (scored["overall"]["windows"],) * 2

    def test_bars_that_all_were_in_training_are_not_scored_in_silence(
        self, small: Bundle, backend: Backend, bars: Bars
    ) -> None:
        with pytest.raises(EvaluationError, match="--since"):
            evaluate(backend, small.manifest, [Source("a.csv", bars[:3000])])

    def test_another_timeframe_is_refused(self, small: Bundle, backend: Backend) -> None:
        minutes = random_walk_bars(500, 60, seed=0)

        with pytest.raises(EvaluationError, match="trained on H1 bars and these are M1"):
            evaluate(backend, small.manifest, [Source("a.csv", minutes)])
