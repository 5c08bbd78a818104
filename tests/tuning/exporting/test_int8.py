"""Static int8: fixed scales, GPT-2's matrices alone, and nothing that MetaTrader 5 cannot read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.bars import Bars, Part
from bridge.bundles import shipped_store
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.exporting.export import (
    ExportError,
    calibration_windows,
    validation_score,
    verify_batches,
)
from bridge.tuning.exporting.graph import require_portable
from bridge.tuning.exporting.int8 import quantise_int8
from bridge.tuning.training.samples import Samples
from tests.tuning.conftest import EXPORTED

CONFIG = EXPORTED


@pytest.fixture(scope="module")
def training(bars: Bars) -> Samples:
    return Samples([bars], [Part(0, 2000)], context=32, horizon=4)


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, exported: Path, training: Samples) -> Path:
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    quantise_int8(exported, calibration_windows(CONFIG, training, 128), path)
    return path


def test_the_matrices_of_the_blocks_are_integers_and_nothing_else_is(int8: Path) -> None:
    graph = onnx.load(int8).graph

    integers = [
        each for each in graph.initializer if each.data_type == TensorProto.INT8 and each.dims
    ]
    matrices = [each.name for each in integers if len(each.dims) == 2]

    assert len(matrices) == 4 * CONFIG.layers
    assert all("gpt2." in name for name in matrices)
    assert sum(node.op_type == "QuantizeLinear" for node in graph.node) == 4 * CONFIG.layers


def test_each_output_column_has_its_own_scale(int8: Path) -> None:
    graph = onnx.load(int8).graph
    scales = {each.name: list(each.dims) for each in graph.initializer if "_scale" in each.name}

    assert [3 * CONFIG.width] in scales.values()  # of the first matrix of a block


def test_prices_come_and_go_as_float64(int8: Path) -> None:
    graph = onnx.load(int8).graph

    ends = [*graph.input, *graph.output]

    assert [each.name for each in ends] == ["bars", "time", "quantiles", "up"]
    assert all(each.type.tensor_type.elem_type == TensorProto.DOUBLE for each in ends)


def test_metatrader_can_read_it(int8: Path) -> None:
    require_portable(onnx.load(int8))


def test_the_file_is_smaller(int8: Path, exported: Path) -> None:
    assert int8.stat().st_size < 0.75 * exported.stat().st_size


def test_a_window_is_answered_alike_alone_and_in_any_batch(
    int8: Path, real_windows: Samples
) -> None:
    verify_batches(OnnxRuntimeBackend(int8), CONFIG, real_windows)


def test_the_score_stays_within_what_is_allowed(
    int8: Path, exported: Path, real_windows: Samples
) -> None:
    before, after = (
        validation_score(OnnxRuntimeBackend(path), CONFIG, real_windows)
        for path in (exported, int8)
    )

    assert after != before
    assert after - before < 0.002


def test_the_scales_are_those_of_the_calibration_windows(
    exported: Path, int8: Path, training: Samples, tmp_path: Path
) -> None:
    bars, time = calibration_windows(CONFIG, training, 128)

    quantise_int8(exported, (bars, time), tmp_path / "again.onnx")
    quantise_int8(exported, (bars[:1], time[:1]), tmp_path / "other.onnx")

    assert (tmp_path / "again.onnx").read_bytes() == int8.read_bytes()
    assert (tmp_path / "other.onnx").read_bytes() != int8.read_bytes()


def test_the_shipped_graph_is_quantised_likewise(bars: Bars, tmp_path: Path) -> None:
    shipped = shipped_store() / "fx-h1" / "model.onnx"
    windows = Samples([bars], [Part(0, 3000)], context=128, horizon=16, stride=20)
    config = ForecasterConfig(context=128, horizon=16)

    quantise_int8(shipped, calibration_windows(config, windows, 64), tmp_path / "int8.onnx")

    verify_batches(OnnxRuntimeBackend(tmp_path / "int8.onnx"), config, windows)


def test_int8_is_not_quantised_again(int8: Path, training: Samples, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is it int8 already"):
        quantise_int8(int8, calibration_windows(CONFIG, training, 16), tmp_path / "x.onnx")


def test_nothing_is_left_beside_the_graph(int8: Path) -> None:
    assert [path.name for path in int8.parent.iterdir()] == ["model.onnx"]


def test_answers_are_finite_far_outside_the_calibration(int8: Path) -> None:
    wild = np.full((1, 32, 4), 1.1)
    wild[0, -1] = 11.0

    answer = OnnxRuntimeBackend(int8).forecast(wild, np.zeros(1))

    assert np.isfinite(answer.quantiles).all()
