"""Small files that ask for a machine's memory, its time, or its life."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.backends.graphs import CONTEXT, FACTORS, HORIZON

_F64, _I64, _BOOL = TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL
_MANY = 1 << 30  # 8 GiB of float64
_ONE = helper.make_tensor("one", _F64, [1], [1.0])


def constant_of_shape() -> onnx.ModelProto:
    """Fills 8 GiB with a constant, at the latest when it is asked."""
    return _model(
        [_node("ConstantOfShape", ["many"], "large", value=_ONE), *_added("large")],
        many=np.array([_MANY]),
    )


def folded_while_loading() -> onnx.ModelProto:
    """Has constants that are computed while it is loaded: each Concat doubles what there is."""
    nodes = [_node("Concat", ["seed", "seed"], "c0", axis=0)]
    nodes += [_node("Concat", [f"c{i}", f"c{i}"], f"c{i + 1}", axis=0) for i in range(22)]
    return _model([*nodes, *_added("c22")], seed=np.ones(1 << 10))


def expand() -> onnx.ModelProto:
    """Expands the window's last close to 8 GiB."""
    return _model(
        [_node("Expand", ["close", "shape"], "large"), *_added("large")],
        shape=np.array([1, _MANY]),
    )


def tile() -> onnx.ModelProto:
    """Repeats the window to 8 GiB."""
    return _model(
        [_node("Tile", ["bars", "times"], "large"), *_added("large")],
        times=np.array([1, _MANY // CONTEXT]),
    )


def larger_in_a_batch() -> onnx.ModelProto:
    """Takes memory as the fourth power of how many windows it is asked for: 512 bytes for one,
    8 GiB for 64."""
    powers = [
        _node("Shape", ["time"], "windows"),
        _node("Mul", ["windows", "windows"], "squared"),
        _node("Mul", ["squared", "squared"], "power"),
        _node("Mul", ["power", "some"], "count"),
        _node("ConstantOfShape", ["count"], "large", value=_ONE),
    ]
    return _model([*powers, *_added("large")], some=np.array([1 << 6]))


def endless_loop(*, growing: bool = False) -> onnx.ModelProto:
    """Loops without end; or keeps what each round gives, without end."""
    step = helper.make_graph(
        [
            _node("Identity", ["go"], "go_on"),
            _node("Sin", ["angle"], "next_angle"),
            _node("Expand", ["angle", "page"], "kept"),
        ][: 3 if growing else 2],
        "step",
        [_value("i", _I64, []), _value("go", _BOOL, []), _value("angle", _F64, [])],
        [
            _value("go_on", _BOOL, []),
            _value("next_angle", _F64, []),
            *([_value("kept", _F64, [1 << 16])] if growing else []),
        ],
    )
    outputs = ["spun", "piled"] if growing else ["spun"]
    loop = helper.make_node("Loop", ["rounds", "", "half"], outputs, body=step)
    return _model(
        [loop, *_added(outputs[-1])],
        rounds=np.array(1 << 62),
        half=np.array(0.5),
        page=np.array([1 << 16]),
    )


def nested(depth: int) -> bytes:
    """A graph in a graph in a graph, deeper than any parser goes, as bytes."""
    content = b""
    for _ in range(depth):
        content = _field(1, _field(5, _field(6, content) + _IS_GRAPH))  # a node's attribute
    return b"\x08\x09" + _field(7, content) + _field(8, b"\x10\x11")  # version, graph, opset


_IS_GRAPH = b"\xa0\x01\x05"  # the type of such an attribute


def branching(depth: int) -> onnx.ModelProto:
    """Branches in branches, as deep as a parser goes."""

    def branch(level: int) -> onnx.GraphProto:
        body: onnx.NodeProto
        if level == depth:
            body = _node("Identity", ["half"], f"out{level}")
        else:
            body = _node(
                "If",
                ["yes"],
                f"out{level}",
                then_branch=branch(level + 1),
                else_branch=helper.make_graph(
                    [_node("Identity", ["half"], f"else{level}")],
                    f"else{level}",
                    [],
                    [_value(f"else{level}", _F64, [])],
                ),
            )
        return helper.make_graph([body], f"branch{level}", [], [_value(f"out{level}", _F64, [])])

    nodes = [
        _node("Cast", ["close"], "yes_row", to=_BOOL),
        _node("Squeeze", ["yes_row"], "yes"),
        *branch(0).node,
    ]
    return _model([*nodes, *_added("out0")], half=np.array(0.5))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _added(large: str) -> list[onnx.NodeProto]:
    """A forecast that needs what is large, so that nothing leaves it out."""
    return [
        _node("ReduceMean", [large], "mean", keepdims=0),
        _node("Mul", ["mean", "zero"], "nothing"),
        _node("Add", ["close", "nothing"], "last"),
        _node("Unsqueeze", ["last", "i2"], "last_row"),
        _node("Mul", ["last_row", "factors"], "quantiles"),
        _node("Unsqueeze", ["time", "i1"], "hour"),
        _node("Mul", ["hour", "ones"], "up"),
    ]


def _model(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> onnx.ModelProto:
    known = {
        "i_last": np.array([-1]),
        "i1": np.array([1]),
        "i2": np.array([2]),
        "zero": np.array(0.0),
        "factors": FACTORS[np.newaxis],
        "ones": np.ones((1, HORIZON)),
        **constants,
    }
    graph = helper.make_graph(
        [_node("Gather", ["bars", "i_last"], "close", axis=1), *nodes],
        "bomb",
        [_value("bars", _F64, ["B", None]), _value("time", _F64, ["B"])],
        [_value("quantiles", _F64, [None] * 3), _value("up", _F64, [None] * 2)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in known.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _node(op: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], **attributes)


def _value(name: str, kind: int, shape: list[int | str | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def honest(size: int) -> onnx.ModelProto:
    """No bomb: a model whose file has so many bytes of weights."""
    weights = np.random.default_rng(0).normal(size=size // 8)
    return _model(_added("weights"), weights=weights)
