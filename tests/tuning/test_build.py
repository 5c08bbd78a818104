"""From bars to a bundle and its scores, with a real network that is small."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
import pytest
import torch
from safetensors import SafetensorError

from bridge.backends import open_backend
from bridge.bars import Bars, read_bars, windows
from bridge.bundles import Bundle, BundleError, open_bundle, shipped_store
from bridge.runtimes import Runtimes
from bridge.synthetic import random_walk_bars
from bridge.tuning.build import BuildError, Listener, TrainingFile, build, choose_recipe
from bridge.tuning.exporting.export import AGREEMENT
from bridge.tuning.methods.bases import BaseError, open_base
from bridge.tuning.methods.networks import load_network
from bridge.tuning.recipes.recipe import (
    DataRecipe,
    MethodRecipe,
    ModelRecipe,
    Recipe,
    RecipeError,
    TrainingRecipe,
)
from bridge.tuning.recipes.recipe_file import to_toml
from bridge.tuning.run_folder import RUN_FILE, remember_files, remembered_files
from bridge.tuning.scoring.evaluation import Source, evaluate
from bridge.tuning.scoring.leakage import LeakageError, read_windows
from bridge.tuning.training.trainer import Progress, TrainingError
from tests.cli.conftest import export
from tests.tuning.folders import save_gpt2

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
    assert set(manifest.files) == {
        *("model.onnx", "model.safetensors", "recipe.toml", "windows.npz")
    }


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
        network = load_network(bundle, lambda label: open_base(label, []))
        quantiles, up = network(torch.from_numpy(window), torch.from_numpy(time))

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


def test_a_name_that_is_taken_is_refused_before_any_training(
    small: Bundle, bars: Bars, tmp_path: Path
) -> None:
    store = small.path.parent
    with pytest.raises(BundleError, match="exists already"):
        build([as_file(tmp_path, bars)], RECIPE, "", run=tmp_path / "run", out=store)
    assert not (tmp_path / "run").exists()


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


ADAPTER = replace(
    RECIPE, name="tuned", method=MethodRecipe(name="bottleneck", base="small", reduction=4)
)


def tune(
    folder: Path, small: Bundle, bars: Bars, recipe: Recipe = ADAPTER, **options: Any
) -> Bundle:
    """Tune `small` and serve it by PyTorch: tracing a graph takes longer than all the rest."""
    return build(
        [as_file(folder, bars)],
        recipe,
        to_toml(recipe),
        run=folder / "run",
        out=folder / "models",
        stores=[small.path.parent],
        runtime="torch",
        **options,
    )


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, small: Bundle, bars: Bars) -> Bundle:
    return tune(tmp_path_factory.mktemp("tuned"), small, bars)


class TestAnAdapter:
    """A model tuned from another one."""

    def test_says_what_it_was_tuned_from_and_how(self, tuned: Bundle, small: Bundle) -> None:
        manifest = tuned.manifest

        assert (manifest.method, manifest.base) == ("bottleneck", small.manifest.label)
        assert (manifest.runtime, manifest.head, manifest.quantisation) == ("torch", "quantile", "")
        assert manifest.recipe["method"]["reduction"] == 4
        assert "peft" in manifest.libraries
        assert not manifest.is_specialist

    def test_holds_its_adapter_and_none_of_its_bases_weights(self, tuned: Bundle) -> None:
        assert set(tuned.manifest.files) == {
            *("adapter_config.json", "adapter_model.safetensors", "recipe.toml", "windows.npz")
        }

    def test_is_scored_as_it_is_served(self, tuned: Bundle, small: Bundle, bars: Bars) -> None:
        backend = open_backend(tuned, Runtimes([small.path.parent]))

        scored = evaluate(backend, tuned.manifest, [Source("EURUSD_H1.csv", bars)])

        assert scored["files"] == tuned.manifest.scores["test"]["files"]

    def test_knows_the_bars_that_its_base_saw(self, tuned: Bundle, small: Bundle) -> None:
        (of_base,) = read_windows(small).values()
        (of_adapter,) = read_windows(tuned).values()

        assert len(of_base) > 0
        assert set(of_base) <= set(of_adapter)

    def test_says_until_when_its_base_was_taught(self, tuned: Bundle, small: Bundle) -> None:
        assert tuned.manifest.data["base_until"] == small.manifest.data["validate_until"]
        assert "base_until" not in small.manifest.data

    def test_is_not_tested_on_bars_that_its_base_saw(
        self, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        earlier = DataRecipe(train_until=date(2017, 7, 31), validate_until=date(2017, 9, 15))

        with pytest.raises(LeakageError, match="were in the training of small"):
            tune(tmp_path, small, bars, replace(ADAPTER, data=earlier))

    def test_of_a_killed_run_goes_on_to_the_same_model(
        self, tuned: Bundle, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        def die_after_the_first_validation(progress: Progress) -> None:
            if progress.step == 13:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tune(
                tmp_path,
                small,
                bars,
                listener=Listener(training=die_after_the_first_validation),
            )
        steps: list[int] = []
        again = tune(
            tmp_path, small, bars, listener=Listener(training=lambda each: steps.append(each.step))
        )

        assert steps[0] == 10  # what the checkpoint had reached
        assert again.manifest.version == tuned.manifest.version

    def test_of_a_killed_run_does_not_go_on_over_another_base_of_the_same_name(
        self, bars: Bars, tmp_path: Path
    ) -> None:
        shape = {"n_embd": 16, "n_layer": 1}
        bases = [tmp_path / "one" / "gpt", tmp_path / "other" / "gpt"]
        save_gpt2(bases[0], **shape)
        save_gpt2(bases[1], **shape, initializer_range=0.3)
        recipes = [
            replace(ADAPTER, method=replace(ADAPTER.method, base=str(base))) for base in bases
        ]

        def die(progress: Progress) -> None:
            if progress.step == 13:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _over(tmp_path, bars, recipes[0], Listener(training=die))
        with pytest.raises(TrainingError, match="of another recipe, another base"):
            _over(tmp_path, bars, recipes[1], Listener())

    def test_a_refused_recipe_leaves_a_finished_run_as_it_was(
        self, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        tune(tmp_path, small, bars, ADAPTER)
        (tmp_path / "models").rename(tmp_path / "elsewhere")
        longer = replace(ADAPTER, training=replace(ADAPTER.training, steps=40))

        with pytest.raises(TrainingError, match="of another recipe"):
            tune(tmp_path, small, bars, longer)

        assert open_bundle(tmp_path / "run").manifest.name == ADAPTER.name

    def test_needs_its_base(self, small: Bundle, bars: Bars, tmp_path: Path) -> None:
        elsewhere = replace(ADAPTER, method=replace(ADAPTER.method, base="nowhere@0123456789ab"))

        with pytest.raises(BaseError, match="nowhere@0123456789ab"):
            tune(tmp_path, small, bars, elsewhere)


def _over(folder: Path, bars: Bars, recipe: Recipe, listener: Listener) -> Bundle:
    """Tune a base that the recipe names by its folder."""
    return build(
        [as_file(folder, bars)],
        recipe,
        to_toml(recipe),
        run=folder / "run",
        out=folder / "models",
        runtime="torch",
        listener=listener,
    )


class TestTheRunsFolder:
    """What training leaves beside the bundle."""

    def test_is_a_bundle_that_pytorch_serves(self, small: Bundle, bars: Bars) -> None:
        run = open_bundle(small.path.parent.parent / "run")

        answer = open_backend(run, Runtimes([])).forecast(bars.ohlc[None, :32], np.zeros(1))

        assert run.manifest.runtime == "torch"
        expected = open_backend(small).forecast(bars.ohlc[None, :32], np.zeros(1))
        assert np.abs(answer.quantiles / expected.quantiles - 1).max() < AGREEMENT

    def test_remembers_the_files_and_how_they_were_read(self, bars: Bars, tmp_path: Path) -> None:
        export_of = export(tmp_path / "EURUSD_H1_x.csv", bars[:300])
        read, _ = read_bars(export_of)
        remember_files(tmp_path, [TrainingFile(export_of, read, repaired=True)])

        (file,) = remembered_files(tmp_path)

        assert (file.path, file.repaired, len(file.bars)) == (export_of.resolve(), True, 300)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda path: path.unlink(), "no longer there: give it with --data"),
            (lambda path: path.write_text(path.read_text() + "\n"), "has changed since"),
            (lambda path: (path.parent / RUN_FILE).unlink(), "does not remember the files"),
            (lambda path: (path.parent / RUN_FILE).write_text("{"), "is damaged"),
        ],
        ids=["gone", "changed", "none", "damaged"],
    )
    def test_says_what_became_of_its_files(
        self, change: Callable[[Path], object], message: str, bars: Bars, tmp_path: Path
    ) -> None:
        path = export(tmp_path / "EURUSD_H1_x.csv", bars[:300])
        remember_files(tmp_path, [TrainingFile(path, bars[:300])])
        change(path)

        with pytest.raises(BuildError, match=message):
            remembered_files(tmp_path)


class TestAFullDisk:
    """Nothing half-written is left, and what was trained is not lost."""

    def test_while_the_bundle_is_written(
        self, small: Bundle, bars: Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = shutil.copyfile

        def disk_full(source: Path, target: Path) -> Any:
            if tmp_path / "models" in Path(target).parents:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
            return copy(source, target)

        monkeypatch.setattr(shutil, "copyfile", disk_full)
        with pytest.raises(OSError, match="No space left"):
            tune(tmp_path, small, bars)
        monkeypatch.undo()

        assert not list((tmp_path / "models").iterdir())
        steps: list[int] = []
        tune(
            tmp_path, small, bars, listener=Listener(training=lambda each: steps.append(each.step))
        )
        assert steps == [20]  # trained before, and only written now

    def test_while_the_weights_are_written(
        self, small: Bundle, bars: Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def disk_full(*_: object, **__: object) -> NoReturn:
            raise SafetensorError("I/O error: No space left on device (os error 28)")

        monkeypatch.setattr("bridge.tuning.run_folder.save_network", disk_full)

        with pytest.raises(BuildError, match=r"cannot be written.*No space left.*make room"):
            tune(tmp_path, small, bars)


class TestChoosingARecipe:
    """What the command line says beside a recipe, and what is filled in."""

    def test_a_method_without_a_base_tunes_the_shipped_model(
        self, bars: Bars, tmp_path: Path
    ) -> None:
        files = [as_file(tmp_path, bars)]

        recipe, text = choose_recipe(None, None, files, method="lora", stores=[shipped_store()])

        assert recipe.method.name == "lora"
        assert recipe.method.base.startswith("fx-h1@")
        assert (recipe.model.context, recipe.model.width) == (128, 64)
        assert text == to_toml(recipe)

    def test_full_without_a_base_trains_from_scratch(self, bars: Bars, tmp_path: Path) -> None:
        recipe, _ = choose_recipe(None, None, [as_file(tmp_path, bars)], method="full")

        assert recipe.method == MethodRecipe()

    def test_a_base_alone_is_fine_tuned_whole(
        self, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        files = [as_file(tmp_path, bars)]

        recipe, _ = choose_recipe(None, None, files, base="small", stores=[small.path.parent])

        assert recipe.method == MethodRecipe(name="full", base=small.manifest.label)

    def test_the_dates_of_a_base_that_saw_these_bars_are_kept(
        self, small: Bundle, bars: Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bridge.tuning.build._LEAST_TEST_BARS", 500)
        files = [as_file(tmp_path, bars)]

        recipe, _ = choose_recipe(None, None, files, base="small", stores=[small.path.parent])

        assert recipe.data.train_until == RECIPE.data.train_until
        assert recipe.data.validate_until == RECIPE.data.validate_until

    def test_bars_after_a_bases_training_have_dates_of_their_own(
        self, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        later = replace(bars, time=bars.time + 366 * 86_400)

        recipe, _ = choose_recipe(
            None, None, [as_file(tmp_path, later)], base="small", stores=[small.path.parent]
        )

        assert recipe.data.train_until > RECIPE.data.validate_until

    def test_the_command_line_has_the_last_word_over_a_recipe(
        self, bars: Bars, tmp_path: Path
    ) -> None:
        (tmp_path / "r.toml").write_text(to_toml(RECIPE), encoding="utf-8")

        recipe, text = choose_recipe(
            tmp_path / "r.toml",
            "mine",
            [as_file(tmp_path, bars)],
            method="ia3",
            head="text",
            stores=[shipped_store()],
        )

        assert (recipe.name, recipe.method.name, recipe.method.base) == ("mine", "ia3", "fx-h1")
        assert recipe.model.head == "text"
        assert text == to_toml(recipe)

    def test_what_a_recipe_leaves_out_is_as_without_one(
        self, small: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        (tmp_path / "r.toml").write_text("[training]\nsteps = 7\n", encoding="utf-8")
        given: dict[str, Any] = {"method": "lora", "base": "small", "stores": [small.path.parent]}
        files = [as_file(tmp_path, bars)]

        whole, _ = choose_recipe(None, None, files, **given)
        recipe, text = choose_recipe(tmp_path / "r.toml", None, files, **given)

        assert (recipe.data, recipe.model) == (whole.data, whole.model)
        assert recipe.training == replace(whole.training, steps=7)
        assert text == to_toml(recipe)

    def test_a_recipe_that_names_no_method_takes_the_usual_one(
        self, bars: Bars, tmp_path: Path
    ) -> None:
        (tmp_path / "r.toml").write_text("[training]\nsteps = 7\n", encoding="utf-8")

        recipe, text = choose_recipe(
            tmp_path / "r.toml",
            None,
            [as_file(tmp_path, bars)],
            stores=[shipped_store()],
            usual_method="bottleneck",
        )

        assert (recipe.method.name, recipe.method.base[:6]) == ("bottleneck", "fx-h1@")
        assert text == to_toml(recipe)

    def test_a_recipe_that_says_all_is_kept_word_for_word(self, bars: Bars, tmp_path: Path) -> None:
        written = "# chosen by hand\n" + to_toml(RECIPE)
        (tmp_path / "r.toml").write_text(written, encoding="utf-8")

        recipe, text = choose_recipe(tmp_path / "r.toml", None, [as_file(tmp_path, bars)])

        assert (recipe, text) == (RECIPE, written)

    def test_a_recipe_for_the_text_head_needs_no_window(self, bars: Bars, tmp_path: Path) -> None:
        (tmp_path / "r.toml").write_text('[model]\nhead = "text"\n', encoding="utf-8")

        recipe, _ = choose_recipe(tmp_path / "r.toml", None, [as_file(tmp_path, bars)])

        assert (recipe.model.context, recipe.model.horizon) == (20, 40)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"method": "loraa"}, r"`method.name` is 'loraa': expected .*did you mean 'lora'"),
            ({"head": "txt"}, r"`model.head` is 'txt': expected 'quantile' or 'text'"),
        ],
    )
    def test_a_wrong_word_beside_a_recipe_is_refused_before_any_training(
        self, bars: Bars, tmp_path: Path, given: dict[str, Any], message: str
    ) -> None:
        (tmp_path / "r.toml").write_text(to_toml(RECIPE), encoding="utf-8")

        with pytest.raises(RecipeError, match=message):
            choose_recipe(tmp_path / "r.toml", None, [as_file(tmp_path, bars)], **given)
