"""Small ONNX models with one trait each, and the bundles that hold them.

All but the odd ones forecast `last close x FACTORS`, exactly, and an `up` that depends on `time`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bridge.bundles import Bundle, Manifest, write_bundle

CONTEXT, HORIZON, LEVELS = 4, 2, (0.1, 0.5, 0.9)
FACTORS = np.array([[0.99, 1.0, 1.01], [0.98, 1.0, 1.02]])
FAILS_ABOVE = 100.0  # the last close above which a failing model fails

_F64, _I64, _BOOL = TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL
_CONSTANTS = {
    "factors": FACTORS[np.newaxis],
    "ones": np.ones((1, HORIZON)),
    "half": np.array(0.5),
    "quarter": np.array(0.25),
    "day": np.array(86_400.0),
    "zero": np.array(0.0),
    "zero_and_some": np.array(1e-3),
    "nan": np.array(np.nan),
    "limit": np.array(FAILS_ABOVE),
    "table": np.array([1.0]),
    "i_close": np.array([3]),
    "i_last": np.array([-1]),
    "i0": np.array([0]),
    "i1": np.array([1]),
    "i2": np.array([2]),
    "i_many": np.array([1 << 30]),
}


def steady(inputs: str = "close") -> onnx.ModelProto:
    """Does as it promises."""
    return _model(_forecast(), inputs)


def nan_above() -> onnx.ModelProto:
    """Gives NaN for the quantiles where the last close is above `FAILS_ABOVE`."""
    return _model(
        [
            _node("Greater", ["close", "limit"], "is_above"),
            _node("Where", ["is_above", "nan", "close"], "last"),
            *_forecast("last"),
        ]
    )


def raising_above() -> onnx.ModelProto:
    """Looks into a table of one row, past its end where the last close is above `FAILS_ABOVE`."""
    return _model(
        [
            _node("Greater", ["close", "limit"], "is_above"),
            _node("Cast", ["is_above"], "row", to=_I64),
            _node("Gather", ["table", "row"], "one"),
            _node("Mul", ["close", "one"], "last"),
            *_forecast("last"),
        ]
    )


def slow() -> onnx.ModelProto:
    """Takes as many steps as the last closes of its batch add up to."""
    step = helper.make_graph(
        [_node("Identity", ["go"], "go_on"), _node("Sin", ["angle"], "next_angle")],
        "step",
        [_value("i", _I64, []), _value("go", _BOOL, []), _value("angle", _F64, [])],
        [_value("go_on", _BOOL, []), _value("next_angle", _F64, [])],
    )
    return _model(
        [
            _node("ReduceSum", ["close"], "total", keepdims=0),
            _node("Cast", ["total"], "steps", to=_I64),
            _node("Loop", ["steps", "", "half"], "spun", body=step),
            _node("Mul", ["spun", "zero"], "nothing"),
            _node("Add", ["close", "nothing"], "last"),
            *_forecast("last"),
        ]
    )


def rounding_by_batch() -> onnx.ModelProto:
    """Says other last bits for a window in a batch than for it alone: sines by vector kernels."""
    return _model(
        [
            _node("Unsqueeze", ["time", "i1"], "angle"),
            _node("Sin", ["angle"], "sine"),
            _node("Add", ["close", "sine"], "moved"),
            _node("Sub", ["moved", "sine"], "near"),
            _node("Mul", ["sine", "zero_and_some"], "some"),
            _node("Add", ["near", "some"], "last"),
            *_forecast("last"),
        ]
    )


def blending() -> onnx.ModelProto:
    """Lets each window of a batch move the answers to the others."""
    return _model(
        [
            _node("ReduceMean", ["close"], "mean", axes=[0]),
            _node("Sub", ["close", "mean"], "apart"),
            _node("Add", ["close", "apart"], "last"),
            *_forecast("last"),
        ]
    )


def one_at_a_time() -> onnx.ModelProto:
    """Admits one window at a time."""
    return _model(_forecast(), batch=1)


def first_only() -> onnx.ModelProto:
    """Takes any batch and answers its first window alone."""
    return _model(
        [
            _node("Slice", ["close", "i0", "i1"], "last"),
            _node("Slice", ["time", "i0", "i1"], "first_time"),
            *_forecast("last", "first_time"),
        ]
    )


def first_only_above() -> onnx.ModelProto:
    """Answers the first window alone where one of the batch is above `FAILS_ABOVE`."""
    return _model(
        [
            _node("ReduceMax", ["close"], "highest", axes=[0, 1], keepdims=0),
            _node("Greater", ["highest", "limit"], "is_above"),
            _node("Where", ["is_above", "i1", "i_many"], "until"),
            _node("Slice", ["close", "i0", "until"], "last"),
            *_forecast("last"),
        ]
    )


def float32() -> onnx.ModelProto:
    """Answers float32 where float64 is asked."""
    wide = {"quantiles": "wide_quantiles", "up": "wide_up"}
    nodes = _forecast()
    for node in nodes:
        node.output[:] = [wide.get(name, name) for name in node.output]
    narrowed = [_node("Cast", [wide[name]], name, to=TensorProto.FLOAT) for name in wide]
    return _model(nodes + narrowed, answers=TensorProto.FLOAT)


def sequence() -> onnx.ModelProto:
    """Answers `up` as a sequence of one array."""
    nodes = _forecast()
    nodes[-1].output[:] = ["rows"]
    model = _model([*nodes, _node("SequenceConstruct", ["rows"], "up")])
    model.graph.output[1].CopyFrom(helper.make_tensor_sequence_value_info("up", _F64, None))
    return model


def never_finite() -> onnx.ModelProto:
    """Gives NaN to every window."""
    return _model([_node("Mul", ["close", "nan"], "last"), *_forecast("last")])


def manifest(
    name: str,
    *,
    inputs: str = "close",
    context: int = CONTEXT,
    horizon: int = HORIZON,
    levels: Sequence[float] = LEVELS,
    tf: int = 3600,
    symbols: Sequence[str] = (),
) -> Manifest:
    """The manifest of a small model, before `write_bundle` fills in its files."""
    return Manifest(
        name=name,
        task="forecast",
        inputs=inputs,
        context=context,
        horizon=horizon,
        levels=tuple(levels),
        tf=tf,
        symbols=tuple(symbols),
        files={},
    )


def specialist(name: str, base: Manifest, symbols: Sequence[str]) -> Manifest:
    """The manifest of a model that answers for `base` on these symbols."""
    return replace(
        base,
        name=name,
        symbols=tuple(symbols),
        method="bottleneck",
        base=base.label,
        data={"specialist": True},
        files={},
    )


def put(
    store: Path, model: onnx.ModelProto | bytes, promised: Manifest, *, folder: str | None = None
) -> Bundle:
    """Write a bundle of `model` into `store`, in a folder of its name where no other is given."""
    store.mkdir(parents=True, exist_ok=True)
    graph = store / ".graph"
    graph.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    try:
        return write_bundle(store / (folder or promised.name), promised, {"model.onnx": graph})
    finally:
        graph.unlink()


def window(last_close: float, context: int = CONTEXT) -> NDArray[np.float64]:
    """[context] closes, all 1.0 but the last."""
    closes = np.ones(context)
    closes[-1] = last_close
    return closes


def expected_quantiles(last_close: float) -> NDArray[np.float64]:
    """What all but the odd models answer, bit for bit: [HORIZON, Q]."""
    return last_close * FACTORS


def _forecast(last: str = "close", time: str = "time") -> list[onnx.NodeProto]:
    """From a last close [B, 1] and a time [B] to the two outputs."""
    return [
        _node("Unsqueeze", [last, "i2"], "last_row"),  # [B, 1, 1]
        _node("Mul", ["last_row", "factors"], "quantiles"),  # [B, H, Q]
        _node("Unsqueeze", [time, "i1"], "hour"),  # [B, 1]
        _node("Mod", ["hour", "day"], "since_midnight", fmod=1),
        _node("Div", ["since_midnight", "day"], "wave"),  # the same bits in any batch: no sine
        _node("Mul", ["wave", "quarter"], "lean"),
        _node("Add", ["lean", "half"], "p"),
        _node("Mul", ["p", "ones"], "up"),  # [B, H]
    ]


def _model(
    nodes: list[onnx.NodeProto],
    inputs: str = "close",
    *,
    batch: int | str = "B",
    answers: int = _F64,
) -> onnx.ModelProto:
    """A graph whose `nodes` find the last closes as `close`, [B, 1]."""
    if inputs == "ohlc":
        bars = _value("bars", _F64, [batch, None, 4])
        closes = [
            _node("Gather", ["bars", "i_close"], "closes", axis=2),  # [B, context, 1]
            _node("Gather", ["closes", "i_last"], "close_row", axis=1),
            _node("Squeeze", ["close_row", "i2"], "close"),
        ]
    else:
        bars = _value("bars", _F64, [batch, None])
        closes = [_node("Gather", ["bars", "i_last"], "close", axis=1)]
    used = {name for node in closes + nodes for name in node.input}
    graph = helper.make_graph(
        closes + nodes,
        "small",
        [bars, _value("time", _F64, [batch])],
        [_value("quantiles", answers, [None] * 3), _value("up", answers, [None] * 2)],
        [
            numpy_helper.from_array(_CONSTANTS[name], name)
            for name in sorted(used & set(_CONSTANTS))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _node(op: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], **attributes)


def _value(name: str, kind: int, shape: Sequence[int | str | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
