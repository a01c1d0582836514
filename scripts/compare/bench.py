"""Figures: the engine against its peers, what verifiability costs, disputes.

Called by scripts/bench, which builds everything first. A line with a goal ends in `ok` or `miss`.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

# Latency and time to load: ours / onnxruntime's. GEMM and BLAKE3: our rate / the peer's.
LATENCY = {name: 1.1 for name in (
    "magika", "minilm", "ppocr_det", "ppocr_rec", "speech_embedding", "resnet50_thin", "t5_encoder_int8",
    "t5_decoder_int8", "audio_encoder", "gru_tagger",
)}
MEAN, LOAD, GEMM, BLAKE3, TRACED, PROOF_MS, MEMORY = 1.0, 1.0, 0.9, 0.9, 1.3, 50.0, 1.25
# One multiply-add of the referee in the Wasm that nodes execute.
MULTIPLY_ADD_NS = 10.0
# A step of speech is a fixed stretch of sound, so its goal is a time.
SILERO_MS = 0.2

# (name of the bundle, file among the fetched models, free dimensions and open shapes as lib.sh binds
# them, values of inputs that are fixed in the bundle)
MODELS = [
    ("digits", None, {}, {}),
    ("magika", "magika.onnx", {}, {}),
    ("minilm", "minilm.onnx", {"sequence_length": 128}, {}),
    ("ppocr_det", "ppocr_det.onnx", {"x": (1, 3, 480, 480)}, {}),
    ("ppocr_rec", "ppocr_rec.onnx", {"x": (1, 3, 48, 320)}, {}),
    ("silero_vad", "silero_vad.onnx", {"input": (1, 576), "state": (2, 1, 128)}, {"sr": 16000}),
    ("speech_embedding", "speech_embedding.onnx", {}, {}),
    # Of kinds that no package carries: scripts/compare/exported_models.py.
    ("resnet50_thin", "resnet50_thin.onnx", {}, {}),
    ("t5_encoder_int8", "t5_encoder_int8.onnx", {}, {}),
    ("t5_decoder_int8", "t5_decoder_int8.onnx", {}, {}),
    ("audio_encoder", "audio_encoder.onnx", {}, {}),
    ("gru_tagger", "gru_tagger.onnx", {}, {}),
]
TYPES = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}
# What scripts/train/train_digits.py made; too small to stand for a model in use.
TOY = "digits"
# A turn of one side lasts about this long, so that both sides see the same of the machine's other work.
TURN_MS, TURNS = 200, 8


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


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


def one_processor():
    """Keeps a process that is about to start on the first processor that this one may use."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def output(command, **options):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([str(part) for part in command], check=True, text=True, **streams).stdout


class Bench:
    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.report = {"onnxruntime": onnxruntime.__version__, "cores": os.cpu_count(), "goals": []}
        self.feeds = {}

    def goal(self, what, value, limit, at_most=True):
        """Notes a figure and its goal; gives what its line ends with."""
        kept = value <= limit if at_most else value >= limit
        self.report["goals"].append({"figure": what, "value": value, "goal": limit, "at_most": at_most, "ok": kept})
        return f"{'<=' if at_most else '>='} {limit:g} {'ok' if kept else 'miss'}"

    def path(self, file):
        return os.path.join(self.arguments.models, file) if file else self.arguments.digits

    def bundle(self, name):
        return os.path.join(self.arguments.bundles, name)

    def prepare(self):
        """Writes every model's input: for onnxruntime, for Assay, and as raw files for the others."""
        for name, file, sizes, fixed in MODELS:
            folder = self.work / name
            folder.mkdir()
            feed = inputs_of(session(self.path(file), 1), np.random.default_rng(1), sizes, fixed)
            np.savez(folder / "all.npz", **feed)
            np.savez(folder / "in.npz", **{key: value for key, value in feed.items() if key not in fixed})
            listed = []
            for key, value in feed.items():
                raw = folder / f"{len(listed)}.bin"
                raw.write_bytes(np.ascontiguousarray(value).tobytes())
                listed.append({"name": key, "dtype": str(value.dtype), "shape": list(value.shape), "file": str(raw)})
            (folder / "in.json").write_text(json.dumps(listed))
            self.feeds[name] = feed

    def figures(self, what, bundle, threads=1, repeat=20, **options):
        """What the example `figures` prints, by name."""
        lines = output([self.arguments.engine, what, bundle, threads, repeat], **options).splitlines()
        return {key: float(value) for key, value in (line.split() for line in lines)}

    def peer(self, *command, **options):
        """What the peers' program answers; an error where it is missing or fails."""
        if not self.arguments.peers:
            return {"error": "not built"}
        try:
            return json.loads(output([self.arguments.peers, *command], timeout=120, **options))
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            return {"error": type(error).__name__}

    def openvino(self, name, file, threads, repeat):
        """What OpenVINO takes, in a process of its own; an error where it is missing or cannot run the model."""
        if not self.arguments.openvino:
            return {"error": "not installed"}
        here = os.path.dirname(os.path.abspath(__file__))
        command = [sys.executable, os.path.join(here, "bench_openvino.py"), self.path(file), self.work / name / "all.npz", threads, repeat]
        try:
            return json.loads(output(command, timeout=300, env={**os.environ, "PYTHONPATH": self.arguments.openvino}))
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            return {"error": type(error).__name__}

    def onnxruntime_turn(self, runtime, feed, repeat):
        times = []
        for _ in range(repeat):
            start = time.perf_counter()
            runtime.run(None, feed)
            times.append((time.perf_counter() - start) * 1e3)
        return times

    def latency(self, name, file, threads):
        """One model with one number of threads, all sides in turns."""
        runtime, feed = session(self.path(file), threads), self.feeds[name]
        first = min(self.onnxruntime_turn(runtime, feed, 3))
        repeat = self.arguments.repeat or max(5, min(500, int(TURN_MS / first)))
        theirs, ours = [], []
        for _ in range(TURNS):
            theirs += self.onnxruntime_turn(runtime, feed, repeat)
            run = [self.arguments.assay, "--json", "model", "run", self.bundle(name), "--input", self.work / name / "in.npz"]
            ours.append(json.loads(output([*run, "--threads", threads, "--repeat", repeat]))["latency_ms"])
        others = {}
        if name != TOY:
            others["openvino"] = self.openvino(name, file, threads, 4 * repeat)
            for peer in ("tract", "rten"):
                others[peer] = self.peer(peer, self.path(file), self.work / name / "in.json", threads, 4 * repeat)
        faster = min([min(theirs), *(answer["min_ms"] for peer, answer in others.items() if peer == "openvino" and "min_ms" in answer)])
        best, peer_best = min(o["min"] for o in ours), min(theirs)
        middle, peer_middle = float(np.median([o["median"] for o in ours])), float(np.median(theirs))
        return {
            "model": name, "threads": threads, "assay_ms": best, "onnxruntime_ms": peer_best, "ratio": best / peer_best,
            "ratio_of_faster": best / faster,
            "medians": [middle, peer_middle], "ratio_of_medians": middle / peer_middle, "others": others,
        }

    def latencies(self):
        print("Latency in milliseconds, shortest of many runs in turns, and the ratio of the medians")
        print(f"{'model':16} {'threads':>7} {'assay':>9} {'onnxruntime':>12} {'ratio':>6} {'':13} {'(medians)':>9} {'openvino':>9} {'ratio':>6} {'tract':>9} {'rten':>9}")
        rows, failed = [], {}
        for threads in (1, 2):
            for name, file, _, _ in MODELS:
                row = self.latency(name, file, threads)
                rows.append(row)
                cells = []
                for peer, answer in row["others"].items():
                    cells.append(f"{answer['min_ms']:9.3f}" if "min_ms" in answer else f"{'-':>9}")
                    if peer == "openvino":
                        cells.append(f"{row['assay_ms'] / answer['min_ms']:6.3f}" if "min_ms" in answer else f"{'-':>6}")
                    if "error" in answer:
                        failed[f"{peer} does not run {name}"] = answer["error"]
                goal = ""
                if name in LATENCY:
                    goal = self.goal(f"latency {name} {threads}", row["ratio"], LATENCY[name])
                elif name == "silero_vad":
                    goal = self.goal(f"latency {name} {threads}", row["assay_ms"], SILERO_MS) + " ms"
                print(
                    f"{name:16} {threads:7} {row['assay_ms']:9.3f} {row['onnxruntime_ms']:12.3f} {row['ratio']:6.3f} {goal:13}"
                    f" {row['ratio_of_medians']:9.2f} {' '.join(cells)}", flush=True)
        for threads in (1, 2):
            ratios = [row["ratio"] for row in rows if row["threads"] == threads and row["model"] != TOY]
            mean = float(np.exp(np.mean(np.log(ratios))))
            goal = self.goal(f"latency, geometric mean, {threads}", mean, MEAN)
            print(f"geometric mean of the models, {threads} thread(s): {mean:.3f} of onnxruntime {goal}", end="")
            ratios = [row["ratio_of_faster"] for row in rows if row["threads"] == threads and row["model"] != TOY]
            print(f"; {float(np.exp(np.mean(np.log(ratios)))):.3f} of the faster of onnxruntime and OpenVINO")
        if not self.arguments.peers:
            failed = {"tract and rten": "not built"}
        for what, reason in failed.items():
            print(f"  {what}: {reason if len(reason) < 80 else reason[:79] + '…'}")
        self.report["latency"] = rows

    def products(self):
        print("\nMatrix products in GFLOP/s, weights rearranged at load, against the `gemm` crate in its faster order")
        if not self.arguments.gemm:
            print("  not built")
            return
        form = re.compile(r"(\S+) +(\d) thread\(s\) .*packed +([\d.]+) +gemm \[n,k\] +([\d.]+) +gemm \[k,n\] +([\d.]+)")
        rows = []
        for shape, threads, ours, one, other in form.findall(output([self.arguments.gemm])):
            ours, peer = float(ours), max(float(one), float(other))
            goal = self.goal(f"product {shape} {threads}", ours / peer, GEMM, at_most=False)
            rows.append({"shape": shape, "threads": int(threads), "assay": ours, "gemm": peer, "ratio": ours / peer})
            print(f"{shape:14} {threads:>7} {ours:9.1f} {peer:12.1f} {ours / peer:6.3f} {goal}")
        self.report["products"] = rows

    def loading(self):
        """A model of 100 MB: ready to run, and the rate at which its weights are checked."""
        model, bundle = self.work / "load.onnx", self.work / "load"
        make_large_model(model)
        output([self.arguments.assay, "model", "compile", model, "-o", bundle])
        weights = bundle / "weights.bin"
        megabytes = weights.stat().st_size / 1e6
        rows = []
        print(f"\nLoading a made model of {megabytes:.0f} MB whose files are in the system's cache, milliseconds until it is ready to run")
        script = "import bench, sys, time\nfor _ in range(4):\n start = time.perf_counter()\n bench.session(sys.argv[1], int(sys.argv[2]))\n print((time.perf_counter() - start) * 1e3)"
        environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
        for threads in (1, 2):
            pinned = {"preexec_fn": one_processor} if threads == 1 else {}
            ready, checked, theirs, hashed = [], [], [], []
            for _ in range(4):
                ours = self.figures("load", bundle, threads, 4, **pinned)
                ready.append(ours["ready_min_ms"])
                checked.append(ours["load_min_ms"])
                opened = output([sys.executable, "-c", script, model, threads], env=environment, **pinned)
                theirs += [float(line) for line in opened.split()]
                hashed.append(self.peer("blake3", weights, threads, 6, **pinned))
            ratio = min(ready) / min(theirs)
            print(f"  {threads} thread(s): assay {min(ready):.1f}, onnxruntime {min(theirs):.1f}: {ratio:.3f} {self.goal(f'load {threads}', ratio, LOAD)}")
            row = {"threads": threads, "assay_ms": min(ready), "onnxruntime_ms": min(theirs), "ratio": ratio}
            row["checked_ms"] = min(checked)
            if all("min_ms" in answer for answer in hashed):
                row["blake3_ms"] = min(answer["min_ms"] for answer in hashed)
            rows.append(row)
        print("BLAKE3 root of its weights, mapped, checked against the program and for bad values, in GB/s, against the `blake3` crate's hash of the file, mapped too (two threads: `update_mmap_rayon`)")
        for row in rows:
            rate = megabytes / row["checked_ms"]
            if "blake3_ms" not in row:
                print(f"  {row['threads']} thread(s): assay {rate:.2f}, blake3 not built")
                continue
            peer = megabytes / row["blake3_ms"]
            goal = self.goal(f"blake3 {row['threads']}", rate / peer, BLAKE3, at_most=False)
            print(f"  {row['threads']} thread(s): assay {rate:.2f}, blake3 {peer:.2f}: {rate / peer:.3f} {goal}")
        self.report["load"] = {"megabytes": megabytes, "rows": rows}

    def traces(self):
        print("\nTraces, 1 thread: a traced run against an untraced one, in turns; then the slowest opening of a node and the slowest move of a dispute")
        print(f"{'model':16} {'run ms':>9} {'traced ms':>10} {'ratio':>6} {'':12} {'open ms':>8} {'prove ms':>9}")
        rows = []
        for name, _, _, _ in MODELS:
            row = self.figures("trace", self.bundle(name), 1, 10)
            goal = self.goal(f"traced {name}", row["traced_ratio"], TRACED) if name != TOY else ""
            slowest = max(row["open_max_ms"], row["prove_max_ms"])
            print(
                f"{name:16} {row['run_min_ms']:9.3f} {row['traced_min_ms']:10.3f} {row['traced_ratio']:6.3f} {goal:12}"
                f" {row['open_max_ms']:8.3f} {row['prove_max_ms']:9.3f} {self.goal(f'open or prove {name}', slowest, PROOF_MS)}", flush=True)
            rows.append({"model": name, **row})
        self.report["traces"] = rows

    def memory(self):
        print("\nPeak memory in MiB of a process that loads a model and runs it ten times, 1 thread: what the model adds to")
        print("the process, and in brackets the whole process (onnxruntime's holds Python, NumPy and the library)")
        print(f"{'model':16} {'assay':>7} {'(all)':>8} {'onnxruntime':>12} {'(all)':>8} {'ratio':>6}")
        rows = []
        here = os.path.dirname(os.path.abspath(__file__))
        for name, file, _, _ in MODELS:
            ours = self.figures("memory", self.bundle(name), 1)
            command = [sys.executable, os.path.join(here, "bench_onnxruntime.py"), self.path(file), self.work / name / "all.npz", 1]
            theirs = json.loads(output(command))
            added, peer = (x["peak_mib"] - x["base_mib"] for x in (ours, theirs))
            goal = self.goal(f"memory {name}", added / peer, MEMORY) if name != TOY else ""
            print(f"{name:16} {added:7.1f} ({ours['peak_mib']:6.1f}) {peer:12.1f} ({theirs['peak_mib']:6.1f}) {added / peer:6.3f} {goal}")
            rows.append({"model": name, "assay": ours, "onnxruntime": theirs, "ratio": added / peer})
        self.report["memory"] = rows

    def referee(self):
        """What tracing adds on the node and what the referee takes in Wasm, by the program that starts a node."""
        arguments = self.arguments
        text = output([arguments.figures, "--node", arguments.node, "--bundles", arguments.bundles], stderr=None)
        line = re.search(r"multiply-add ([\d.]+) ns", text)
        if not line:
            sys.exit(f"no multiply-add in what the figures printed:\n{text}")
        goal = self.goal("multiply-add in Wasm", float(line[1]), MULTIPLY_ADD_NS)
        print("\n" + text.replace(line[0], f"{line[0]} {goal}"), end="", flush=True)


def make_large_model(path):
    """Writes a network of six dense layers of 2,048 and the same weights every time: 100.7 MB."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng, width, layers = np.random.default_rng(7), 2048, 6
    nodes, weights, last = [], [], "x"
    for i in range(layers):
        matrix = rng.standard_normal((width, width), dtype=np.float32) / np.float32(width**0.5)
        weights.append(numpy_helper.from_array(matrix, f"w{i}"))
        weights.append(numpy_helper.from_array(rng.standard_normal(width, dtype=np.float32), f"b{i}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"m{i}"]))
        nodes.append(helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"]))
        nodes.append(helper.make_node("Relu", [f"a{i}"], [f"r{i}"]))
        last = f"r{i}"
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name in ("x", last)]
    graph = helper.make_graph(nodes, "large", tensor[:1], tensor[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(path))


def disputes(report):
    print(f"{'drill':13} {'messages':>8} {'bytes':>7} {'weight ms':>10} {'blocks':>7}")
    for row in report["scenarios"]:
        print(f"{row['drill']:13} {row['messages']:8} {row['bytes']:7} {row['ref_time'] / 1e9:10.3f}"
              f" {row['blocks']:7}")
    memory = ", ".join(f"{node} {size / 2**20:.0f} MiB" for node, size in report["peak_memory"].items())
    print("Peak memory of each node: " + memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("assay", "engine", "figures", "node", "bundles", "models", "digits", "demo"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--openvino", default="", help="the folder of OpenVINO's package, if it could be installed")
    parser.add_argument("--peers", default="", help="the program of engine/peers, if it could be built")
    parser.add_argument("--gemm", default="", help="the benchmark of matrix products, if it could be built")
    parser.add_argument("--repeat", type=int, default=0, help="runs in a turn; as many as fit when 0")
    parser.add_argument("--json", default="", help="file to write all figures to")
    arguments = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(arguments, pathlib.Path(work))
        print(f"\nonnxruntime {onnxruntime.__version__}, {os.cpu_count()} cores\n")
        bench.prepare()
        bench.latencies()
        bench.products()
        bench.loading()
        bench.traces()
        bench.memory()
        bench.referee()
    if os.path.exists(arguments.demo):
        print("\nDisputes, from the last demonstration")
        with open(arguments.demo) as file:
            bench.report["disputes"] = json.load(file)
        disputes(bench.report["disputes"])
    else:
        print(f"\nNo {arguments.demo}: run scripts/devnet --demo for the figures of disputes.")
    goals = bench.report["goals"]
    missed = [goal["figure"] for goal in goals if not goal["ok"]]
    print(f"\n{len(goals) - len(missed)} of {len(goals)} goals met, in {time.monotonic() - start:.0f} s" + (f"; missed: {', '.join(missed)}" if missed else ""))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(bench.report, file, indent=1)


if __name__ == "__main__":
    main()
