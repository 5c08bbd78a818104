"""`eabridge export`: a run, or a model, as a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.backends import open_backend
from bridge.bundles import open_bundle
from tests.cli.conftest import Run
from tests.tuning import folders

RECIPE = """\
name = "tuned"

[data]
train_until = 2017-10-31
validate_until = 2017-12-15

[model]
context = 32
horizon = 4
layers = 1
heads = 2
width = 32

[method]
name = "lora"
base = "base"

[training]
steps = 4
batch = 32
warmup_steps = 1
validate_every = 2
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folders.put_base(tmp_path / "store", config=replace(folders.SHAPE, layers=1))
    return tmp_path / "store"


@pytest.fixture
def trained(run: Run, export_file: Path, store: Path, tmp_path: Path) -> Path:
    """A run's folder. The run has been served by PyTorch so far."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    ran = run(
        *("train", "--data", export_file, "--recipe", recipe, "--models", store, "--to", "torch")
    )
    assert ran.code == 0, ran.err
    return tmp_path / "runs" / "tuned"


def test_a_run_becomes_an_int8_model_without_naming_its_data_again(
    run: Run, trained: Path, store: Path, tmp_path: Path
) -> None:
    ran = run("export", "--model", trained, "--models", store, "--quantize", "int8")

    assert ran.code == 0, ran.err
    assert "wrote tuned-int8@" in ran.out
    assert "pinball ratio on validation windows" in ran.out
    assert "the same bits alone and in any batch" in ran.out
    bundle = open_bundle(tmp_path / "models" / "tuned-int8")
    assert (bundle.manifest.method, bundle.manifest.quantisation) == ("lora", "int8")
    assert bundle.manifest.base.startswith("base@")
    assert "test" in bundle.manifest.scores
    open_backend(bundle)  # asks it for windows alone and together


def test_files_that_moved_have_to_be_named(
    run: Run, trained: Path, store: Path, export_file: Path
) -> None:
    export_file.rename(export_file.parent / "EURUSD_H1_moved.csv")

    ran = run("export", "--model", trained, "--models", store, "--name", "mine")

    assert ran.code == 2
    assert "no longer there: give it with --data" in ran.err


def test_a_model_without_a_run_has_to_be_given_its_data(run: Run) -> None:
    ran = run("export", "--model", "fx-h1", "--name", "mine")

    assert ran.code == 2
    assert "does not remember the files it was trained on: give them with --data" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "torch", "--quantize", "int8"), "PyTorch serves float32"),
        (("--name", "Mein Modell"), "`name` is 'Mein Modell'"),
        (("--model", "none"), "there is no model 'none'"),
    ],
)
def test_what_cannot_be_is_said(run: Run, arguments: tuple[str, ...], message: str) -> None:
    ran = run("export", *arguments)

    assert ran.code == 2
    assert message in ran.err


def test_a_name_that_is_taken_is_not_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)

    ran = run("export", "--model", "fx-h1", "--name", "mine")

    assert ran.code == 2
    assert "mine exists already: give --name another, or --replace" in ran.err
