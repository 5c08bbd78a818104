"""`eabridge train` and `evaluate`, from an export to a served model."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.bundles import open_bundle, shipped_store
from bridge.cli import show_training
from bridge.client import Client
from bridge.tuning.specialists import Comparison, Specialist
from tests.cli.conftest import Ran, Run, export, of_another_source
from tests.conftest import StartDaemon, shipped_model
from tests.tuning import folders

RECIPE = """\
name = "tiny"

[data]
train_until = 2017-10-31
validate_until = 2017-12-15

[model]
context = 32
horizon = 4
layers = 1
heads = 2
width = 16

[training]
steps = 10
batch = 32
warmup_steps = 2
validate_every = 5
"""


TUNING = """\
name = "tuned"

[data]
train_until = 2017-10-31
validate_until = 2017-12-15

[model]
context = 32
horizon = 4
layers = 2
heads = 2
width = 32

[training]
steps = 4
batch = 32
warmup_steps = 1
validate_every = 2
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_from_an_export_to_an_answer_on_the_wire(
    run: Run, export_file: Path, recipe: Path, tmp_path: Path, start_daemon: StartDaemon
) -> None:
    ran = run("train", "--data", export_file, "--recipe", recipe)

    assert ran.code == 0, ran.err
    assert "step 5: loss" in ran.err
    assert "wrote tiny@" in ran.out
    assert "hour of week" in ran.out
    assert (tmp_path / "models" / "tiny" / "recipe.toml").read_text() == RECIPE
    daemon = start_daemon("--models", tmp_path / "models")
    with Client(daemon.endpoint) as client:
        (model,) = client.hello().models
    assert (model.name, model.context, model.horizon) == ("tiny", 32, 4)


@pytest.mark.parametrize(("ratio", "is_told"), [(0.98, False), (1.0, True), (None, False)])
def test_a_model_that_a_random_walk_matches_is_advised_against(
    capsys: pytest.CaptureFixture[str], ratio: float | None, is_told: bool
) -> None:
    bundle = shipped_model()
    overall = {**bundle.manifest.scores["test"]["overall"], "wql_ratio": ratio}

    show_training.scores("fx-h1", {"files": [], "overall": overall})

    assert ("do not trade by it" in capsys.readouterr().out) is is_told


def test_two_sources_of_one_market_are_told_of(
    run: Run, export_file: Path, tmp_path: Path, bars: Bars
) -> None:
    other = export(tmp_path / "EURUSD.r_H1.csv", of_another_source(bars))

    ran = run("train", "--data", export_file, other, "--method", "lora", "--base", "none@1")

    assert "EURUSD.r_H1.csv move alike" in ran.err


def test_a_model_that_exists_is_not_trained_over(
    run: Run, export_file: Path, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "models" / "tiny").mkdir(parents=True)

    ran = run("train", "--data", export_file, "--recipe", recipe)

    assert ran.code == 2
    assert "--replace" in ran.err


def test_another_name_may_be_given(run: Run, export_file: Path, recipe: Path) -> None:
    ran = run("train", "--data", export_file, "--recipe", recipe, "--name", "mine", "--to", "torch")

    assert "wrote mine@" in ran.out


def test_a_wrong_recipe_is_refused_before_any_work(
    run: Run, export_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.toml").write_text("[training]\nstep = 10\n")

    ran = run("train", "--data", export_file, "--recipe", tmp_path / "wrong.toml")

    assert ran.code == 2
    assert "unknown key `training.step`: did you mean `steps`?" in ran.err


@pytest.mark.parametrize("name", ["Mein Modell", "../x"])
def test_a_name_that_no_bundle_may_have_is_refused_before_any_work(
    run: Run, export_file: Path, recipe: Path, name: str, tmp_path: Path
) -> None:
    ran = run("train", "--data", export_file, "--recipe", recipe, "--name", name)

    assert ran.code == 2
    assert f"`name` is '{name}'" in ran.err
    assert not (tmp_path / "runs").exists()


def test_a_store_that_cannot_be_written_is_refused_before_any_work(
    run: Run, export_file: Path, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")

    ran = run("train", "--data", export_file, "--recipe", recipe, "--out", tmp_path / "taken" / "x")

    assert ran.code == 2
    assert "taken" in ran.err
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(
    run: Run, export_file: Path, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")

    ran = run(
        "train", "--data", export_file, "--recipe", recipe, "--run", tmp_path / "taken" / "run"
    )

    assert ran.code == 2
    assert "taken" in ran.err
    assert "Traceback" not in ran.err


def test_a_full_disk_is_said_with_what_to_do(
    run: Run, export_file: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copyfile

    def disk_full(source: Path, target: Path) -> object:
        if "models" in Path(target).parts:
            # As a copy's error names them: what was read, and what was written.
            raise OSError(errno.ENOSPC, "No space left", str(source), None, str(target))
        return copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", disk_full)
    ran = run("train", "--data", export_file, "--recipe", recipe, "--to", "torch")

    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("eabridge train: models")
    assert "the disk is full: make room, and the same command goes on" in ran.err
    assert not list((tmp_path / "models").iterdir())


def test_a_file_given_twice_is_refused(run: Run, export_file: Path) -> None:
    ran = run("train", "--data", export_file, export_file)

    assert ran.code == 2
    assert "is given twice" in ran.err


class TestTuning:
    """`--method` and `--base`: an adapter on a model that exists."""

    @pytest.fixture
    def base(self, tmp_path: Path) -> Path:
        """A store with the untrained model `base`, of windows of 32 bars."""
        folders.put_base(tmp_path / "store")
        return tmp_path / "store"

    def tune(self, run: Run, export_file: Path, store: Path, *more: object) -> Ran:
        recipe = export_file.parent / "tune.toml"
        recipe.write_text(TUNING, encoding="utf-8")
        arguments = ("--data", export_file, "--recipe", recipe, "--models", store, "--to", "torch")
        return run("train", *arguments, *more)

    @pytest.mark.parametrize("method", ["lora", "qlora", "bottleneck", "prefix", "ia3"])
    def test_each_method_makes_a_model_of_its_own(
        self, run: Run, export_file: Path, base: Path, tmp_path: Path, method: str
    ) -> None:
        ran = self.tune(run, export_file, base, "--method", method, "--base", "base")

        assert ran.code == 0, ran.err
        manifest = open_bundle(tmp_path / "models" / "tuned").manifest
        assert (manifest.method, manifest.runtime) == (method, "torch")
        assert manifest.base.startswith("base@")
        assert "adapter_model.safetensors" in manifest.files

    def test_an_adapter_is_scored_as_any_model(
        self, run: Run, export_file: Path, base: Path, tmp_path: Path
    ) -> None:
        self.tune(run, export_file, base, "--method", "ia3", "--base", "base")

        stores = ("--models", tmp_path / "models", "--models", base)
        ran = run("evaluate", "--data", export_file, "--model", "tuned", *stores)

        assert ran.code == 0, ran.err
        assert "EURUSD" in ran.out

    def test_of_one_adapter_for_each_symbol_those_that_win_are_kept(
        self, run: Run, export_file: Path, base: Path, tmp_path: Path
    ) -> None:
        ran = self.tune(
            run, export_file, base, "--method", "lora", "--base", "base", "--per-symbol"
        )

        assert ran.code == 0, ran.err
        assert "specialists of base@" in ran.out
        assert "of 1 beat the base beyond chance" in ran.out
        assert (tmp_path / "runs" / "base-eurusd" / "bundle.json").is_file()

    def test_models_for_each_symbol_are_served_beside_their_base(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        base, tuned = (open_bundle(shipped_store() / name) for name in ("fx-h1", "fx-h1-eurgbp"))
        gain = Comparison(base=0.96, tuned=0.95, gain=-0.01, interval=(-0.02, -0.005), windows=9)

        tuned = replace(tuned, path=Path("mine/fx-h1-eurgbp"))
        show_training.specialists(base, [Specialist("EURGBP", "fx-h1-eurgbp", gain, tuned)])

        shown = capsys.readouterr().out
        assert f"eabridge serve --models mine --models {base.path.parent}\n" in shown

    def test_a_model_for_each_symbol_has_no_name_of_its_own(
        self, run: Run, export_file: Path, base: Path
    ) -> None:
        ran = self.tune(run, export_file, base, "--base", "base", "--per-symbol", "--name", "mine")

        assert ran.code == 2
        assert "each model is named BASE-SYMBOL" in ran.err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--method", "botleneck"), "bottleneck"),
            (("--method", "adapter"), "'full', 'lora', 'qlora', 'bottleneck', 'prefix' or 'ia3'"),
            (("--head", "point"), "quantile"),
            (("--method", "lora", "--base", "nowhere@0123456789ab"), "nowhere@0123456789ab"),
        ],
    )
    def test_a_wrong_word_is_refused_before_any_work(
        self, run: Run, export_file: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
    ) -> None:
        ran = run("train", "--data", export_file, *arguments)

        assert ran.code == 2
        assert message in ran.err
        assert not (tmp_path / "runs").exists()

    def test_the_text_head_is_refused_as_a_graph_before_any_work(
        self, run: Run, export_file: Path, tmp_path: Path
    ) -> None:
        ran = run("train", "--data", export_file, "--head", "text", "--to", "onnx")

        assert ran.code == 2
        assert "--to torch" in ran.err
        assert not (tmp_path / "runs").exists()


def test_evaluate_prints_a_table_with_intervals_and_baselines(run: Run, export_file: Path) -> None:
    ran = run("evaluate", "--data", export_file, "--stride", "29")

    assert ran.code == 0
    for word in ("EURUSD", "all", "ratio", "in 80%", "direction", "ewma", "hour of week", "["):
        assert word in ran.out


def test_evaluate_json_has_the_documented_keys(run: Run, export_file: Path) -> None:
    ran = run("evaluate", "--data", export_file, "--stride", "29", "--json")

    scored = json.loads(ran.out)
    assert {"model", "version", "files", "overall"} <= scored.keys()
    (file,) = scored["files"]
    assert {
        "file",
        "symbol",
        "windows",
        "wql_ratio",
        "wql_ratio_h",
        "coverage_80",
        "direction_1",
        "baselines",
    } <= file.keys()
    assert len(file["wql_ratio_h"]) == 16
    assert file["symbol"] == "EURUSD"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--stride", "0"), "at least 1"),
        (("--model", "none"), "there is no model 'none'"),
        (("--since", "2018-02-07"), "a window takes 144"),
        (("--since", "yesterday"), "'yesterday' is no date such as 2020-01-31"),
    ],
)
def test_evaluate_says_what_is_wrong(
    run: Run, export_file: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = run("evaluate", "--data", export_file, *arguments)

    assert ran.code == 2
    assert message in ran.err
