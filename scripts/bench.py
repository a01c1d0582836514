"""Figures: engine latency against onnxruntime, hashing, soft-float, disputes, memory.

Called by scripts/bench, which builds everything first.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


# (name of the bundle, file among the fetched models, free dimensions and open shapes as lib.sh binds
# them, values of inputs that are fixed in the bundle)
MODELS = [
    ("digits", None, {}, {}),
    ("magika", "magika.onnx", {}, {}),
    ("minilm", "minilm.onnx", {"sequence_length": 128}, {}),
    ("ppocr_det", "ppocr_det.onnx", {"x": (1, 3, 480, 480)}, {}),
    ("ppocr_rec", "ppocr_rec.onnx", {"x": (1, 3, 48, 320)}, {}),
    ("silero_vad", "silero_vad.onnx", {"input": (1, 576), "state": (2, 1, 128)}, {"sr": 16000}),
]
TYPES = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}


def inputs_of(runtime, rng, sizes, fixed):
    """One random input of each tensor, free dimensions bound to `sizes` or else to 1."""
    made = {}
    for tensor in runtime.get_inputs():
        shape = sizes.get(tensor.name, [d if isinstance(d, int) else sizes.get(d, 1) for d in tensor.shape])
        if tensor.name in fixed:
            made[tensor.name] = np.full(shape, fixed[tensor.name], TYPES[tensor.type])
        elif "int" in tensor.type:
            # Also a mask of attention, in which everything counts.
            limit = (1, 2) if "mask" in tensor.name else (0, 256)
            made[tensor.name] = rng.integers(*limit, shape).astype(TYPES[tensor.type])
        else:
            made[tensor.name] = rng.random(shape, dtype=np.float32)
    return made


def time_onnxruntime(runtime, feed, repeat):
    runtime.run(None, feed)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        runtime.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def time_assay(binary, bundle, npz, threads, repeat):
    answer = subprocess.run(
        [binary, "--json", "model", "run", bundle, "--input", npz, "--threads", str(threads),
         "--repeat", str(repeat)], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def latencies(arguments):
    rows = []
    for name, file, sizes, fixed in MODELS:
        path = os.path.join(arguments.models, file) if file else arguments.digits
        for threads in (1, 2):
            peer = session(path, threads)
            feed = inputs_of(peer, np.random.default_rng(1), sizes, fixed)
            with tempfile.TemporaryDirectory() as folder:
                npz = os.path.join(folder, "in.npz")
                np.savez(npz, **{name: value for name, value in feed.items() if name not in fixed})
                theirs, ours = [], []
                for _ in range(3):
                    theirs += time_onnxruntime(peer, feed, arguments.repeat)
                    ours.append(time_assay(arguments.assay, os.path.join(arguments.bundles, name),
                                           npz, threads, arguments.repeat))
            ours_min = min(o["latency_ms"]["min"] for o in ours)
            ours_median = float(np.median([o["latency_ms"]["median"] for o in ours]))
            rows.append((name, threads, ours_min, min(theirs), ours_median,
                         float(np.median(theirs))))
    print(f"{'model':10} {'threads':>7} {'assay ms':>10} {'onnxruntime ms':>15} {'ratio':>6}"
          f" {'(medians':>10} {'':>8} {'ratio)':>7}")
    for name, threads, a, o, am, om in rows:
        print(f"{name:10} {threads:7} {a:10.3f} {o:15.3f} {a / o:6.2f} {am:10.3f} {om:8.3f} {am / om:7.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("assay", "figures", "node", "bundles", "models", "digits", "demo"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--repeat", type=int, default=30)
    arguments = parser.parse_args()
    print(f"\nonnxruntime {onnxruntime.__version__}, {os.cpu_count()} cores\n")
    print("Engine latency, minimum of all runs (medians behind)")
    latencies(arguments)
    print()
    subprocess.run([arguments.figures, "--node", arguments.node, "--bundles", arguments.bundles],
                   check=True)
    if os.path.exists(arguments.demo):
        print("\nDisputes, from the last demonstration")
        with open(arguments.demo) as file:
            disputes(json.load(file))
    else:
        print(f"\nNo {arguments.demo}: run scripts/devnet --demo for the figures of disputes.")


def disputes(report):
    print(f"{'drill':13} {'messages':>8} {'bytes':>7} {'weight ms':>10} {'blocks':>7}")
    for row in report["scenarios"]:
        print(f"{row['drill']:13} {row['messages']:8} {row['bytes']:7} {row['ref_time'] / 1e9:10.3f}"
              f" {row['blocks']:7}")
    memory = ", ".join(f"{node} {size / 2**20:.0f} MiB" for node, size in report["peak_memory"].items())
    print("Peak memory of each node: " + memory)


if __name__ == "__main__":
    main()
