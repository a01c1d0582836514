#!/usr/bin/env python3
"""Latency of a model in OpenVINO. Called by scripts/compare/bench.py.

    bench_openvino.py MODEL INPUT.npz THREADS REPEAT

Prints JSON: `min_ms` and `median_ms`. The CPU plug-in computes in the model's own precision, as the others do: left to
itself it would take bfloat16 for float32 where the processor has it.
"""

import json
import sys
import time

import numpy as np
import openvino


def main():
    path, source, threads, repeat = sys.argv[1:]
    feed = dict(np.load(source))
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({name: list(value.shape) for name, value in feed.items()})
    config = {
        "INFERENCE_NUM_THREADS": int(threads),
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(model, "CPU", config).create_infer_request()
    inputs = {name: openvino.Tensor(np.ascontiguousarray(value)) for name, value in feed.items()}
    times = []
    for _ in range(int(repeat) + 3):
        start = time.perf_counter()
        request.infer(inputs, share_inputs=True, share_outputs=True)
        times.append((time.perf_counter() - start) * 1e3)
    times = times[3:]
    print(json.dumps({"min_ms": min(times), "median_ms": float(np.median(times))}))


if __name__ == "__main__":
    main()
