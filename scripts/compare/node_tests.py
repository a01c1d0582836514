#!/usr/bin/env python3
"""Writes the node tests of the newest `onnx` package as older ones carried them: a model, its inputs and outputs.

    node_tests.py DIR

Packages of `onnx` up to 1.18 carry these files; newer ones carry only what makes them. Cases whose values are not
plain tensors (sequences, optional values, maps) are left out: they cannot be inputs or outputs of a program.
"""

import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def tensor(value, name):
    """A value of a case as the bytes of a tensor."""
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    return numpy_helper.from_array(np.asarray(value), name).SerializeToString()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    # Some cases are of random numbers; makers overflow on purpose.
    np.random.seed(0)
    warnings.filterwarnings("ignore")
    written = 0
    for case in collect_testcases(None):
        graph = case.model.graph
        if not all(port.type.HasField("tensor_type") for port in [*graph.input, *graph.output]):
            continue
        folder = target / case.name
        # As the older packages lay them out; only the first data set is read.
        inputs, outputs = case.data_sets[0]
        data = folder / "test_data_set_0"
        data.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        for kind, values, ports in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, (value, port) in enumerate(zip(values, ports)):
                (data / f"{kind}_{i}.pb").write_bytes(tensor(value, port.name))
        written += 1
    if written == 0:
        sys.exit("no node test was made")
    print(f"{written} node tests of onnx {onnx.__version__} in {target}")


if __name__ == "__main__":
    main()
