"""`eabridge compare`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bundles import Bundle
from bridge.cli import compare
from tests.cli.conftest import Run, export
from tests.tuning.comparison.conftest import SHAPE, base_bundle, hourly

SMALL = (
    "--methods",
    "lora",
    "--head",
    "quantile",
    "--seeds",
    "1",
    "--steps",
    "2",
    "--stride",
    "24",
)
UNMEASURED = ("--no-ablation", "--no-memory", "--no-large")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return export(tmp_path / "TUNED_H1.csv", hourly("TUNED", 3))


@pytest.fixture
def base(tmp_path: Path) -> Bundle:
    return base_bundle(tmp_path / "store", hourly("TUNED", 3))


def test_from_exports_to_a_report(run: Run, data: Path, base: Bundle, tmp_path: Path) -> None:
    arguments = ["compare", "--data", str(data), "--base", str(base.path), *SMALL, *UNMEASURED]
    ran = run(*arguments, f"--out={tmp_path / 'report'}")

    assert ran.code == 0, ran.err
    for name in ("report.html", "report.json", "runs.csv", "headline.md", "charts/quality.png"):
        assert (tmp_path / "report" / name).is_file()
    assert "run 2 of 2: quantile-lora-fold0-seed0" in ran.err
    assert "LoRA has a pinball ratio of" in ran.out
    assert "targets" in ran.out
    assert str(tmp_path / "report" / "report.html") in ran.out
    content = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert content["command"] == (
        "eabridge compare --data TUNED_H1.csv --base base --methods lora --head quantile "
        "--seeds 1 --stride 24 --steps 2 --no-ablation --no-memory --no-large --out report"
    )


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ((), "--out report"),
        (("--models", "/home/me/my models"), "--models 'my models' --out report"),
        (("--base-data", "/home/me/KEPT H1.csv"), "--base-data 'KEPT H1.csv' --out report"),
        (("--base", "openai-community/gpt2"), "--base openai-community/gpt2 --out report"),
        (("--base-recipe", "/home/me/base.toml"), "--base-recipe base.toml --out report"),
        (("--repair", "--folds", "2"), "--folds 2 --repair --out report"),
    ],
)
def test_the_command_in_the_report_names_no_folder_of_the_machine(
    arguments: tuple[str, ...], command: str
) -> None:
    parser = argparse.ArgumentParser()
    compare.add_parser(parser.add_subparsers())
    given = ("compare", "--data", "/home/me/TUNED_H1.csv", *arguments, "--out", "/home/me/report")

    found = compare._command(parser.parse_args(given))

    assert found == f"eabridge compare --data TUNED_H1.csv {command}"


def test_a_base_that_cannot_be_compared_is_refused_before_any_training(
    run: Run, data: Path, tmp_path: Path
) -> None:
    shape = replace(SHAPE, context=20, horizon=40, patch=4, head="text")
    text = base_bundle(tmp_path / "text", hourly("TUNED", 3), shape)

    ran = run("compare", "--data", data, "--base", text.path, *SMALL, "--out", tmp_path / "report")

    assert ran.code == 2
    assert "has the text head" in ran.err
    assert "run 1" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "dora"), "'dora' is no method: choose from full, lora, qlora"),
        (("--head", "words"), "'words' is no head: choose from quantile, text"),
        (("--seeds", "0"), "seeds is 0: at least 1"),
        (("--base", "./no/such/folder"), "no/such/folder"),
        (("--base-recipe", "small.toml"), "--base-recipe is for a base that is trained on"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(
    run: Run, data: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = run("compare", "--data", data, *arguments, "--out", "report")

    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    run: Run, data: Path, base: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")

    ran = run("compare", "--data", data, "--base", base.path, *SMALL, "--out", tmp_path / "taken")

    assert ran.code == 2
    assert "taken" in ran.err
    assert "run 1" not in ran.err
