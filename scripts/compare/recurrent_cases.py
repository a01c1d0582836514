#!/usr/bin/env python3
"""Writes recurrent models of 128 steps, inputs and onnxruntime's results, as the `onnx` package lays out its tests.

    recurrent_cases.py DIR

`cargo run -p assay-onnx --example conformance -- DIR --tolerance 1e-5` then compares. One folder per operator, direction
and form: LSTM, GRU with the reset before and after the product, RNN with tanh and relu; with and without
biases and initial states; every output.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

STEPS, BATCH, INPUTS, HIDDEN = 128, 2, 40, 72
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
CELLS = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"linear_before_reset": 0}),
    "gru_reset_after": ("GRU", {"linear_before_reset": 1}),
    "rnn_tanh": ("RNN", {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", {"activations": ["Relu"]}),
}


def model(op, attributes, direction, full, rng):
    """A model of one node, and its input values by name; `full` gives it biases and initial states."""
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[op] * HIDDEN

    def weight(*dims):
        return rng.uniform(-1, 1, dims).astype(np.float32) * np.float32(0.7 / np.sqrt(dims[-1]))

    weights = {"W": weight(directions, rows, INPUTS), "R": weight(directions, rows, HIDDEN)}
    values = {"X": rng.standard_normal((STEPS, BATCH, INPUTS)).astype(np.float32)}
    names = ["X", "W", "R"]
    if full:
        weights["B"] = rng.uniform(-0.5, 0.5, (directions, 2 * rows)).astype(np.float32)
        names += ["B", "", "H0"]
        values["H0"] = rng.uniform(-1, 1, (directions, BATCH, HIDDEN)).astype(np.float32)
        if op == "LSTM":
            names.append("C0")
            values["C0"] = rng.uniform(-1, 1, (directions, BATCH, HIDDEN)).astype(np.float32)
    outputs = ["Y", "Y_h", "Y_c"][: 3 if op == "LSTM" else 2]
    attributes = {k: v * directions if isinstance(v, list) else v for k, v in attributes.items()}
    node = helper.make_node(op, names, outputs, hidden_size=HIDDEN, direction=direction, **attributes)
    graph = helper.make_graph(
        [node],
        "recurrence",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in values.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * (4 if name == "Y" else 3)) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made, values


def main():
    target = pathlib.Path(sys.argv[1])
    for seed, (name, (op, attributes)) in enumerate(CELLS.items()):
        for direction in ("forward", "reverse", "bidirectional"):
            for full in (False, True):
                rng = np.random.default_rng(seed)
                made, values = model(op, attributes, direction, full, rng)
                session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
                results = session.run(None, values)
                folder = target / f"{name}_{direction}{'_full' if full else ''}"
                data = folder / "test_data_set_0"
                data.mkdir(parents=True, exist_ok=True)
                onnx.save(made, folder / "model.onnx")
                for kind, arrays in (("input", values.values()), ("output", results)):
                    for i, array in enumerate(arrays):
                        (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())


if __name__ == "__main__":
    main()
