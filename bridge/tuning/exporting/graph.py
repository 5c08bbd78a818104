"""An exported graph, put into the form that runtimes fuse, and held to what the terminal reads.

Exporters write GELU and linear layers in ways that ONNX Runtime computes operator by operator.
Both are rewritten here into the equal forms that it has kernels for: one for GELU, and one for a
matrix with its bias (or, in int8, a matrix with both scales). Only standard operators are used.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 8
"""The newest that the ONNX Runtime inside MetaTrader 5 reads."""
MOST_BYTES = 10**9
"""A graph of as many or more is too large for it."""


class ExportError(RuntimeError):
    """The graph cannot be written, or does not answer as the network does."""


def tidy(model: ModelProto) -> None:
    """Rewrite for speed, and drop what only the exporter's authors read. In place."""
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    graph = model.graph
    for node in graph.node:  # traces of source files and their paths
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.input, *graph.output, *graph.value_info):
        del value.metadata_props[:]
    join_gelu(graph)
    join_dense(model)
    drop_unused(graph)


def require_portable(model: ModelProto) -> None:
    """Hold a graph to what MetaTrader 5 runs: one file, standard operators, none too new.

    Raises:
        ExportError: naming what is beyond it.
    """
    if model.ir_version > IR_VERSION:
        raise ExportError(
            f"the graph is of IR version {model.ir_version}: MetaTrader 5 reads up to {IR_VERSION}"
        )
    for opset in model.opset_import:
        if opset.domain not in ("", "ai.onnx"):
            raise ExportError(
                f"the graph needs operators of '{opset.domain}': MetaTrader 5 has the standard ones"
            )
        if opset.version > OPSET:
            raise ExportError(
                f"the graph is of operator set {opset.version}: MetaTrader 5 reads up to {OPSET}"
            )
    if model.functions:
        raise ExportError("the graph defines functions of its own, which MetaTrader 5 cannot run")
    if any(each.data_location == TensorProto.EXTERNAL for each in model.graph.initializer):
        raise ExportError("the graph keeps weights in another file, which MetaTrader 5 cannot read")
    onnx.checker.check_model(model, full_check=True)


def constants(graph: GraphProto) -> dict[str, NDArray[np.generic]]:
    """The graph's constants by name."""
    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


def join_gelu(graph: GraphProto) -> int:
    """`x * (0.5 * (1 + tanh))` to `(x * 0.5) * (1 + tanh)`: the form that is fused into one kernel.

    The bits stay: halving is exact. Returns how many there were.
    """
    known = constants(graph)
    made_by = _producers(graph.node)
    joined = 0
    for node in graph.node:
        if node.op_type != "Mul":
            continue
        value, halved = node.input
        inner = made_by.get(halved)
        if inner is None or inner.op_type != "Mul":
            continue
        half, one_more = inner.input
        added = made_by.get(one_more)
        if half not in known or known[half].size != 1 or added is None or added.op_type != "Add":
            continue
        if not any(
            name in made_by and made_by[name].op_type == "Tanh" for name in added.input
        ) or not np.all(known[half] == 0.5):
            continue
        inner.input[:] = [value, half]
        node.input[:] = [halved, one_more]
        joined += 1
    _sort(graph)
    return joined


def join_dense(model: ModelProto) -> int:
    """Reshape, Gemm, Reshape of a linear layer to MatMul, Add over [batch, tokens, width].

    Returns how many there were.
    """
    graph = model.graph
    known = constants(graph)
    ranks = _ranks(model)
    made_by = _producers(graph.node)
    taken_by: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            taken_by.setdefault(name, []).append(node)

    replaced: dict[int, list[NodeProto]] = {}
    for node in graph.node:
        before = made_by.get(node.input[0]) if node.op_type == "Gemm" else None
        after = taken_by.get(node.output[0], [])
        if before is None or not _is_dense(node, known, before, after):
            continue
        weight = known[node.input[1]]
        shape = known[after[0].input[1]]  # [-1, tokens, width out]
        inputs = before.input[0]
        nodes = []
        if ranks.get(inputs) != 3:  # heads that are put side by side again
            target = f"tokens_of_{weight.shape[0]}"
            if target not in known:
                known[target] = np.array([-1, shape[1], weight.shape[0]], dtype=np.int64)
                graph.initializer.append(numpy_helper.from_array(known[target], target))
            nodes.append(helper.make_node("Reshape", [inputs, target], [f"{node.output[0]}_in"]))
            inputs = f"{node.output[0]}_in"
        product = f"{node.output[0]}_product" if len(node.input) == 3 else after[0].output[0]
        nodes.append(helper.make_node("MatMul", [inputs, node.input[1]], [product], name=node.name))
        if len(node.input) == 3:
            nodes.append(helper.make_node("Add", [product, node.input[2]], [after[0].output[0]]))
        replaced[id(after[0])] = nodes
        replaced[id(node)] = []
    nodes = [new for node in graph.node for new in replaced.get(id(node), [node])]
    _set_nodes(graph, nodes)
    drop_unused(graph)
    return len(replaced) // 2


def drop_unused(graph: GraphProto) -> None:
    """Take out nodes and constants that no output needs."""
    needed = {each.name for each in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed.update(node.input)
    _set_nodes(graph, reversed(kept))
    constants_kept = [each for each in graph.initializer if each.name in needed]
    if len(constants_kept) < len(graph.initializer):
        copies = [TensorProto.FromString(each.SerializeToString()) for each in constants_kept]
        del graph.initializer[:]
        graph.initializer.extend(copies)
    del graph.value_info[:]


def _is_dense(
    node: NodeProto,
    known: dict[str, NDArray[np.generic]],
    before: NodeProto,
    after: list[NodeProto],
) -> bool:
    """Whether a Gemm is a plain linear layer between two Reshapes of its tokens."""
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
    if any(helper.get_attribute_value(each) != plain[each.name] for each in node.attribute):
        return False
    if before.op_type != "Reshape" or node.input[1] not in known or len(after) != 1:
        return False
    if after[0].op_type != "Reshape" or after[0].input[0] != node.output[0]:
        return False
    shape = known.get(after[0].input[1])
    return shape is not None and shape.shape == (3,) and shape[0] == -1 and shape[1] > 0


def _ranks(model: ModelProto) -> dict[str, int]:
    """How many dimensions each value has, where it can be inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        each.name: len(each.type.tensor_type.shape.dim)
        for each in (*graph.value_info, *graph.input)
        if each.type.tensor_type.HasField("shape")
    }


def _producers(nodes: Iterable[NodeProto]) -> dict[str, NodeProto]:
    return {name: node for node in nodes for name in node.output}


def _sort(graph: GraphProto) -> None:
    """Put the nodes into an order in which each comes after what it needs."""
    waiting, order = list(graph.node), []
    inner = {name for node in graph.node for name in node.output}
    done: set[str] = set()
    while waiting:
        later = []
        for node in waiting:
            if all(name in done or name not in inner for name in node.input):
                order.append(node)
                done.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise ExportError("the graph has a circle")
        waiting = later
    _set_nodes(graph, order)


def _set_nodes(graph: GraphProto, nodes: Iterable[NodeProto]) -> None:
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
