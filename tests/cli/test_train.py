"""`eabridge train` and `evaluate`, from an export to a served model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.client import Client
from tests.cli.conftest import Run
from tests.conftest import StartDaemon

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


def test_a_model_that_exists_is_not_trained_over(run: Run, export_file: Path, recipe: Path) -> None:
    run("train", "--data", export_file, "--recipe", recipe)

    ran = run("train", "--data", export_file, "--recipe", recipe)

    assert ran.code == 2
    assert "--replace" in ran.err


def test_another_name_may_be_given(run: Run, export_file: Path, recipe: Path) -> None:
    ran = run("train", "--data", export_file, "--recipe", recipe, "--name", "mine")

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


def test_a_file_given_twice_is_refused(run: Run, export_file: Path) -> None:
    ran = run("train", "--data", export_file, export_file)

    assert ran.code == 2
    assert "is given twice" in ran.err


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
