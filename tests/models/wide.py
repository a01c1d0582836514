#!/usr/bin/env python3
"""Writes wide.onnx, a network for tests: `y = expand(-x · W)`.

The product has 4,352 terms, so that a chunk of its output is too much for one proof and a dispute
ends at a single element; the output has 24,000 bytes, so that a claim carries its root only. The
weights are computed by the graph itself from a range, which keeps the file small: the compiler
folds them.
"""

import pathlib

import onnx
from onnx import TensorProto, helper

TERMS, COLUMNS, ROWS = 4352, 300, 20


def constant(name, kind, shape, values):
    return helper.make_tensor(name, kind, shape, values)


def main():
    numbers = lambda name, *values: constant(name, TensorProto.INT64, [len(values)], values)
    scalar = lambda name, value: constant(name, TensorProto.INT64, [], [value])
    graph = helper.make_graph(
        [
            helper.make_node("Range", ["from", "to", "step"], ["range"]),
            helper.make_node("Mul", ["range", "factor"], ["spread"]),
            helper.make_node("Mod", ["spread", "modulus"], ["whole"]),
            helper.make_node("Cast", ["whole"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["float", "scale"], ["small"]),
            helper.make_node("Sub", ["small", "one"], ["flat"]),
            helper.make_node("Reshape", ["flat", "square"], ["weights"]),
            helper.make_node("Neg", ["x"], ["negative"]),
            helper.make_node("MatMul", ["negative", "weights"], ["row"]),
            helper.make_node("Expand", ["row", "shape"], ["y"]),
        ],
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, TERMS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [ROWS, COLUMNS])],
        [
            scalar("from", 0),
            scalar("to", TERMS * COLUMNS),
            scalar("step", 1),
            scalar("factor", 7919),
            scalar("modulus", 2003),
            constant("scale", TensorProto.FLOAT, [], [1000.0]),
            constant("one", TensorProto.FLOAT, [], [1.0]),
            numbers("square", TERMS, COLUMNS),
            numbers("shape", ROWS, COLUMNS),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, pathlib.Path(__file__).with_name("wide.onnx"))


if __name__ == "__main__":
    main()
