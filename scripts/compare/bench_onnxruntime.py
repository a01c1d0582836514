#!/usr/bin/env python3
"""Peak memory of a model in onnxruntime, in a process of its own. Called by scripts/compare/bench.py.

    bench_onnxruntime.py MODEL INPUT.npz THREADS

Prints JSON: `base_mib`, what the process held with NumPy and onnxruntime imported and the input read;
`peak_mib`, the most it held while it opened the model and ran it ten times.
"""

import json
import sys

import numpy as np
import onnxruntime


def status(field):
    """A field of the process's status, in MiB."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise SystemExit(f"no {field} in /proc/self/status")


def main():
    path, source, threads = sys.argv[1:]
    feed = dict(np.load(source))
    # Makes the present size the peak, so that what importing took for a moment does not count.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    base = status("VmRSS")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.log_severity_level = 3
    runtime = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for _ in range(10):
        runtime.run(None, feed)
    print(json.dumps({"base_mib": base, "peak_mib": status("VmHWM")}))


if __name__ == "__main__":
    main()
