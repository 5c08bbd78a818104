"""A trained network becomes a bundle: what int8 may cost, and what an export may claim to be."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.bundles import Bundle, BundleError
from bridge.bundles.bundle import seal_folder
from bridge.tuning.exporting.export import ExportError
from bridge.tuning.material import BuildError, Material, TrainingFile, material_of
from bridge.tuning.methods.networks import Network, save_network, tuned_network
from bridge.tuning.publishing import Target, publish
from bridge.tuning.recipes.recipe import MethodRecipe
from tests.tuning import folders
from tests.tuning.conftest import EXPORTED

DAYS = {"train_until": "2017-08-31", "validate_until": "2017-12-15"}


@pytest.fixture(scope="module")
def network() -> Network:
    """The one whose graph is `exported`."""
    return folders.shaken(tuned_network(EXPORTED, MethodRecipe(), None, seed=1), 0.02).eval()


@pytest.fixture
def trained(network: Network, tmp_path: Path) -> Bundle:
    run = tmp_path / "run"
    run.mkdir()
    files = save_network(network, MethodRecipe(), run)
    manifest = folders.manifest(EXPORTED, "trained", data={**DAYS, "specialist": True}, base="b@1")
    return seal_folder(run, replace(manifest, symbols=("EURUSD",)), files)


@pytest.fixture
def material(trained: Bundle, bars: Bars, tmp_path: Path) -> Material:
    path = tmp_path / "EURUSD_H1.csv"
    path.write_text("the bars stand beside it\n")
    return material_of([TrainingFile(path, bars[:4000])], trained)


@pytest.fixture(autouse=True)
def _traced_before(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes seconds and gives this graph each time."""

    def copy(_network: object, _samples: object, path: Path) -> float:
        shutil.copyfile(exported, path)
        return 1e-9

    monkeypatch.setattr("bridge.tuning.publishing.export_onnx", copy)


def test_int8_says_what_it_costs(
    trained: Bundle, network: Network, material: Material, tmp_path: Path
) -> None:
    target = Target(tmp_path / "models", "small", quantisation="int8")

    manifest = publish(trained, network, material, target).manifest

    assert (manifest.runtime, manifest.quantisation) == ("onnx", "int8")
    found = manifest.scores["int8"]
    assert found["worse_by"] == pytest.approx(
        found["validation_int8"] - found["validation_float32"], abs=2e-5
    )
    assert found["worse_by"] <= found["allowed"] == 0.002
    assert found["forced"] is False
    assert found["calibration_windows"] == 512
    assert 0 < found["int8_vs_torch"] < 1e-2


def test_int8_that_costs_too_much_is_refused_with_both_scores(
    trained: Bundle,
    network: Network,
    material: Material,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.tuning.publishing.WORST_INT8", -1.0)
    target = Target(tmp_path / "models", "small", quantisation="int8")

    with pytest.raises(ExportError, match=r"from \d\.\d{4} to \d\.\d{4}, by .* give --force"):
        publish(trained, network, material, target)
    assert not (tmp_path / "models").exists()


def test_int8_that_was_forced_says_so(
    trained: Bundle,
    network: Network,
    material: Material,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.tuning.publishing.WORST_INT8", -1.0)
    target = Target(tmp_path / "models", "small", quantisation="int8", force=True)

    made = publish(trained, network, material, target)

    assert made.manifest.scores["int8"]["forced"] is True


def test_a_specialist_stays_one_under_its_own_name_alone(
    trained: Bundle, network: Network, material: Material, tmp_path: Path
) -> None:
    own, other = (
        publish(trained, network, material, Target(tmp_path / name, name, "torch"))
        for name in ("trained", "other")
    )

    assert own.manifest.is_specialist
    assert not other.manifest.is_specialist  # two would answer for one symbol


def test_without_bars_after_validation_there_are_no_scores_and_the_reason_is_told(
    trained: Bundle, network: Network, bars: Bars, tmp_path: Path
) -> None:
    path = tmp_path / "EURUSD_H1.csv"
    path.write_text("the bars stand beside it\n")
    no_test = material_of([TrainingFile(path, bars[:3900])], trained)
    assert not no_test.has_test

    made = publish(trained, network, no_test, Target(tmp_path / "models", "x", "torch"))

    assert "test" not in made.manifest.scores


def test_a_name_that_is_taken_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()

    with pytest.raises(BundleError, match="small exists already: give --name another"):
        Target(tmp_path, "small").require_room()
    Target(tmp_path, "small", replace_existing=True).require_room()


class TestBarsToExportWith:
    """The files are cut where the bundle says that its training ended."""

    def test_as_training_cut_them(self, material: Material) -> None:
        (split,) = material.splits
        time = material.files[0].bars.time

        assert time[split.train.stop] >= 1_504_224_000  # 2017-09-01
        assert len(material.training) > 0
        assert len(material.validation) > 0

    def test_that_are_all_later_calibrate_nothing(
        self, trained: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        path = tmp_path / "later.csv"
        path.write_text("the bars stand beside it\n")

        with pytest.raises(BuildError, match=r"no window of 36 bars to calibrate on.*2017-08-31"):
            material_of([TrainingFile(path, bars[4200:])], trained)

    def test_of_another_timeframe_are_refused(
        self, trained: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        path = tmp_path / "m1.csv"
        path.write_text("the bars stand beside it\n")

        with pytest.raises(BuildError, match=r"trained on H1 bars and m1\.csv has M1"):
            material_of([TrainingFile(path, replace(bars, tf=60))], trained)

    def test_for_a_bundle_that_was_not_trained_here(
        self, trained: Bundle, bars: Bars, tmp_path: Path
    ) -> None:
        unknown = Bundle(trained.path, replace(trained.manifest, data={}))

        with pytest.raises(BuildError, match="does not say until when it was trained"):
            material_of([TrainingFile(tmp_path / "x.csv", bars)], unknown)
