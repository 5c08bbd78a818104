"""Models inside the terminal: shapes, types, several inputs and outputs, and what is refused."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from tests.mql5.expectations import PROGRAMS, expect_all
from tests.mql5.host import build
from tests.mql5.terminal import Terminal


@pytest.fixture(scope="module")
def mixed() -> bytes:
    """A model of two inputs and two outputs of four types."""
    nodes = [
        helper.make_node("Add", ["table", "table"], ["wide"]),
        helper.make_node("Cast", ["wide"], ["doubled"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["counts"], ["sum"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mixed",
        [
            helper.make_tensor_value_info("table", TensorProto.DOUBLE, ["rows", 3]),
            helper.make_tensor_value_info("counts", TensorProto.INT64, [2]),
        ],
        [
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["rows", 3]),
            helper.make_tensor_value_info("sum", TensorProto.INT64, [1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_models_are_described_shaped_and_run(terminal: Terminal, mixed: bytes) -> None:
    (terminal.files / "mixed.onnx").write_bytes(mixed)
    result = expect_all("Models", terminal, "linux")
    # What ONNX Runtime has to say against a model is in the journal.
    assert any(line.startswith("ONNX: ") for line in result.journal)


def test_a_windows_build_has_no_models(terminal: Terminal) -> None:
    result = build(PROGRAMS / "ModelOnWindows.mq5", platform="windows").script(terminal)
    assert result.journal == ["-1 5802"]
