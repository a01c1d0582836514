#!/usr/bin/env python3
"""Writes wide.onnx, a network for tests: `y = expand(-x · Wᵀ)`.

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
            helper.make_node("BitwiseAnd", ["spread", "mask"], ["whole"]),
            helper.make_node("Cast", ["whole"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["float", "scale"], ["flat"]),
            helper.make_node("Reshape", ["flat", "square"], ["weights"]),
            helper.make_node("Neg", ["x"], ["negative"]),
            helper.make_node("Gemm", ["negative", "weights"], ["row"], transB=1),
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
            scalar("mask", 2047),
            constant("scale", TensorProto.FLOAT, [], [1000.0]),
            numbers("square", COLUMNS, TERMS),
            numbers("shape", ROWS, COLUMNS),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, pathlib.Path(__file__).with_name("wide.onnx"))


if __name__ == "__main__":
    main()
