"""A trained network as an ONNX graph: what it answers, and what MetaTrader 5 can read of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.exporting.export import (
    AGREEMENT,
    ExportError,
    calibration_windows,
    difference_from,
    export_onnx,
    require_exportable,
    validation_score,
)
from bridge.tuning.exporting.graph import join_dense, join_gelu, require_portable
from bridge.tuning.methods.bases import open_base
from bridge.tuning.methods.networks import plain_network, tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe
from bridge.tuning.training.objectives import validation_ratio
from bridge.tuning.training.samples import Samples
from tests.tuning import folders
from tests.tuning.conftest import EXPORTED

SHAPE = replace(folders.SHAPE, layers=1)


@pytest.mark.parametrize("method", ["bottleneck", "prefix"])
def test_what_stays_in_the_graph_answers_as_its_network(
    method: str, real_windows: Samples, tmp_path: Path
) -> None:
    folders.put_base(tmp_path, config=SHAPE)
    recipe = MethodRecipe(name=method, base="base", reduction=4, prefix_tokens=3)
    tuned = folders.shaken(tuned_network(SHAPE, recipe, open_base("base", [tmp_path]), seed=0))

    export_onnx(plain_network(tuned), real_windows, tmp_path / "model.onnx")

    backend = OnnxRuntimeBackend(tmp_path / "model.onnx")
    assert difference_from(tuned.eval(), backend, real_windows) < AGREEMENT
    require_portable(onnx.load(tmp_path / "model.onnx"))


def test_the_score_of_a_graph_is_that_of_its_network(exported: Path, real_windows: Samples) -> None:
    network = folders.shaken(tuned_network(EXPORTED, MethodRecipe(), None, seed=1), 0.02)

    of_graph = validation_score(OnnxRuntimeBackend(exported), EXPORTED, real_windows)

    assert of_graph == pytest.approx(validation_ratio(network, real_windows), abs=1e-6)


@pytest.mark.parametrize("count", [3, 100, 150, 199, 5000])
def test_calibration_windows_are_spread_over_all_there_are(
    real_windows: Samples, count: int
) -> None:
    _, every = calibration_windows(EXPORTED, real_windows, len(real_windows))

    _, time = calibration_windows(EXPORTED, real_windows, count)

    assert len(time) == min(count, len(every))
    assert (time[0], time[-1]) == (every[0], every[-1])
    steps = np.diff(np.searchsorted(every, time))
    assert steps.max() - steps.min() <= 1


def test_a_text_head_is_refused_with_what_serves_it(real_windows: Samples, tmp_path: Path) -> None:
    shape = replace(folders.SHAPE, context=8, patch=4, head="text")
    network = tuned_network(shape, MethodRecipe(), None, seed=0)

    with pytest.raises(ExportError, match=r"digit by digit.*--to torch"):
        export_onnx(network, real_windows, tmp_path / "model.onnx")


def test_what_is_too_large_for_metatrader_is_refused_before_it_is_traced() -> None:
    medium = ForecasterConfig(layers=24, heads=16, width=1024)
    small = ForecasterConfig(layers=12, heads=12, width=768)

    require_exportable(small)
    with pytest.raises(ExportError, match=r"blocks take 1\.2 GB.*below 1 GB.*--to torch"):
        require_exportable(medium)


def test_gelu_and_linear_layers_are_fused_by_the_runtime(exported: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])

    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]

    assert kinds.count("FastGelu") == EXPORTED.layers + 2  # two are the head's
    assert "Tanh" not in kinds
    assert kinds.count("Gemm") <= 1  # the volatility's, which has no tokens


def test_rewriting_twice_changes_nothing(exported: Path) -> None:
    model = onnx.load(exported)

    assert (join_gelu(model.graph), join_dense(model)) == (0, 0)


def gemm_model(**attributes: float) -> onnx.ModelProto:
    """[batch, 2, 3] tokens through a linear layer, as torch.onnx writes it."""
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    constants = {
        "weight": weight,
        "bias": np.ones(4, dtype=np.float32),
        "flat": np.array([-1, 3]),
        "tokens": np.array([-1, 2, 4]),
    }
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "weight", "bias"], ["product"], **attributes),
        helper.make_node("Reshape", ["product", "tokens"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2, 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def answer(model: onnx.ModelProto) -> np.ndarray:
    x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 2, 3)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": x})
    return np.asarray(y)


def test_a_linear_layer_is_rewritten_to_the_same_values() -> None:
    model = gemm_model()
    before = answer(model)

    assert join_dense(model) == 1
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    assert np.allclose(answer(model), before, atol=1e-6)


def test_a_layer_that_scales_its_product_stays_as_it_is() -> None:
    assert join_dense(gemm_model(alpha=0.5)) == 0


def beyond(limit: str) -> onnx.ModelProto:
    model = gemm_model()
    if limit == "IR version":
        model.ir_version = 9
    elif limit == "operator set":
        model.opset_import[0].version = 19
    elif limit == "com.microsoft":
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    elif limit == "functions":
        opsets = [helper.make_opsetid("", 18)]
        node = helper.make_node("Abs", ["a"], ["b"])
        model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [node], opsets))
    else:
        model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model


@pytest.mark.parametrize(
    "limit", ["IR version", "operator set", "com.microsoft", "functions", "another file"]
)
def test_what_metatrader_cannot_read_is_refused_by_name(limit: str) -> None:
    with pytest.raises(ExportError, match=rf"{limit}.*MetaTrader 5"):
        require_portable(beyond(limit))


def test_a_graph_without_any_of_that_is_let_through() -> None:
    require_portable(gemm_model())


def test_a_graph_that_differs_from_its_network_is_no_export(
    exported: Path, real_windows: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = tuned_network(EXPORTED, MethodRecipe(), None, seed=2).eval()
    program = SimpleNamespace(model_proto=onnx.load(exported))
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: program)

    with pytest.raises(ExportError, match="the graph differs from PyTorch by"):
        export_onnx(another, real_windows, tmp_path / "model.onnx")
