#!/usr/bin/env python3
"""Compares matrix products of Assay and onnxruntime bit for bit.

    compare_matmul.py path/to/assay

The order in which Assay adds up a contraction is the one onnxruntime has for weights that are
constants, on x86-64 with fused multiply-add: blocks of 256 terms, each an ascending chain. This
makes MatMul and Gemm models of many shapes, most of them around the ends of blocks, runs them
through both, and counts the values with equal bits. Exits with 1 when a value differs in a line
that is marked as equal by design. Two lines are not, and are printed to show where the promise ends:
a Gemm of more than 256 terms adds its bias to the first block there and to the sum here, and
products of two computed matrices run in other orders there.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from comparison import Assay, reference

M = (1, 2, 5, 16, 33, 130)
N = (1, 7, 16, 48, 64, 130)
SHORT = (1, 16, 255, 256)
LONG = (257, 511, 512, 513, 1000)
# Outputs of one model: as many as one op packs.
PART = 12


def weight_only(op):
    """Nodes of `op` with a constant second operand and nothing else."""

    def node(case, x, w, bias, y):
        return helper.make_node(op, [x, w], [y])

    return node


def gemm(**attributes):
    """Gemm nodes with a bias."""

    def node(case, x, w, bias, y):
        return helper.make_node("Gemm", [x, w, bias], [y], **attributes)

    return node


class Line:
    """One line of the table: how its nodes are made, for which lengths, and what is promised."""

    def __init__(self, name, node, lengths, *, equal=True, batch=(), transposed=False, constant=True, bias=None):
        self.name, self.node, self.lengths, self.equal = name, node, lengths, equal
        self.batch, self.transposed, self.constant, self.bias = batch, transposed, constant, bias

    def cases(self):
        """Every (m, n, k)."""
        return [(m, n, k) for m in M for n in N for k in self.lengths]


LINES = [
    Line("MatMul, constant weights", weight_only("MatMul"), SHORT + LONG),
    Line("MatMul, constant weights, batch of 3", weight_only("MatMul"), SHORT + LONG, batch=(3,)),
    Line("Gemm", weight_only("Gemm"), SHORT + LONG),
    Line("Gemm with bias, at most 256 terms", gemm(), SHORT, bias=lambda m, n: (n,)),
    Line("Gemm with bias, weights transposed", gemm(transB=1), SHORT, transposed=True, bias=lambda m, n: (1, n)),
    Line("Gemm with bias, more than 256 terms", gemm(), LONG, equal=False, bias=lambda m, n: (n,)),
    Line("MatMul of two inputs", weight_only("MatMul"), SHORT + LONG, equal=False, constant=False),
]


def model(line, cases, random):
    """A model of one node for every case, and its inputs."""
    nodes, inputs, outputs, constants, values = [], [], [], [], {}
    port = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    draw = lambda shape: random.standard_normal(shape).astype(np.float32)
    for i, (m, n, k) in enumerate(cases):
        x, w, b, y = f"x{i}", f"w{i}", f"b{i}", f"y{i}"
        values[x] = draw((*line.batch, m, k))
        inputs.append(port(x, values[x].shape))
        weights = draw((n, k) if line.transposed else (k, n))
        if line.constant:
            constants.append(numpy_helper.from_array(weights, w))
        else:
            values[w] = weights
            inputs.append(port(w, weights.shape))
        if line.bias:
            constants.append(numpy_helper.from_array(draw(line.bias(m, n)), b))
        nodes.append(line.node((m, n, k), x, w, b, y))
        outputs.append(port(y, (*line.batch, m, n)))
    graph = helper.make_graph(nodes, "products", inputs, outputs, constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    return proto, values


def compare(assay, line, folder):
    """Prints one line of the table; returns whether it is as promised."""
    random = np.random.default_rng(1)
    cases, equal, total, differing = line.cases(), 0, 0, set()
    # Two inputs each.
    part = PART if line.constant else 8
    for start in range(0, len(cases), part):
        proto, values = model(line, cases[start : start + part], random)
        path = folder / "products.onnx"
        onnx.save(proto, path)
        session = reference(path)
        theirs = dict(zip((port.name for port in session.get_outputs()), session.run(None, values)))
        ours = assay.run(assay.compile(path, "products"), values)
        for i, case in enumerate(cases[start : start + part]):
            same = theirs[f"y{i}"].view(np.int32) == ours[f"y{i}"].view(np.int32)
            equal, total = equal + int(same.sum()), total + same.size
            if not same.all():
                differing.add(case)
    promise = "equal by design" if line.equal else "not promised"
    print(f"  {line.name:36} {len(cases):4} shapes, {equal:7} of {total:7} values equal; {promise}")
    if line.equal and differing:
        print(f"    differing (m, n, k): {sorted(differing)}")
    return not (line.equal and differing)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=pathlib.Path, help="the assay program")
    options = parser.parse_args()
    print("matrix products, bits of Assay and of onnxruntime:")
    with tempfile.TemporaryDirectory() as folder:
        assay = Assay(options.assay.resolve(), pathlib.Path(folder))
        fine = [compare(assay, line, pathlib.Path(folder)) for line in LINES]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
