#!/usr/bin/env python3
"""Shows on real models whose bits depend on the machine: onnxruntime's and Assay's.

    show_bits.py path/to/assay --magika magika.onnx [--minilm minilm.onnx] [--cpus Nehalem,Haswell]

Runs one input alone on this processor, again as the first row of a batch of eight, with two threads,
and on older processors, which qemu-x86_64 (Debian package qemu-user) emulates: Haswell has no
AVX-512, Nehalem no fused multiply-add either. Prints how many values of the output have other bits
than the first run gave. Exits with 1 when one of Assay's has.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 8
# What each processor lacks.
CPUS = {"Haswell": "no AVX-512", "Nehalem": "no AVX, no fused multiply-add"}


class Model:
    """A model, how its batch dimension is bound, what is looked at, and eight rows of input."""

    def __init__(self, path, title, output, batch, rows, dims=()):
        self.path, self.title, self.output = path, title, output
        self.batch, self.rows, self.dims = batch, rows, dims

    def inputs(self, count):
        """The first `count` rows."""
        return {name: rows[:count] for name, rows in self.rows.items()}


def magika(path):
    """Magika on the beginnings of eight of this repository's files."""
    import magika_inputs

    config = magika_inputs.load_config(path.with_suffix(".json") if path.with_suffix(".json").is_file() else None)
    names = "README.md Cargo.toml scripts/setup scripts/compare/bench.py LICENSE clippy.toml docs/protocol.md referee/src/lib.rs"
    rows = [magika_inputs.features((ROOT / name).read_bytes(), config) for name in names.split()]
    return Model(path, "Magika, scores of README.md", "target_label", "unk__214", {"bytes": np.concatenate(rows)})


def minilm(path):
    """MiniLM on eight rows of pseudo-random tokens."""
    tokens = 24
    ids = np.random.default_rng(1).integers(999, 30_522, (BATCH, tokens))
    rows = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    dims = (f"sequence_length={tokens}",)
    return Model(path, f"MiniLM, sentence vector of {tokens} tokens", "461", "batch_size", rows, dims)


def run(command):
    """Runs a program; its complaints end this one."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def emulator(cpu):
    """What makes a program run on another processor."""
    # NumPy's matrix library, of which nothing is measured, takes some hosts' emulation for a newer
    # processor than it is.
    library = ["-E", "OPENBLAS_CORETYPE=Nehalem"]
    return ["qemu-x86_64", *library, "-cpu", cpu] if cpu else []


class Onnxruntime:
    """onnxruntime in a process of its own, which may be emulated."""

    name = "onnxruntime"

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, model, count, threads=1, cpu=None):
        source, target = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(source, **model.inputs(count))
        worker = [sys.executable, __file__, "--onnxruntime", model.path, model.output, source, target, threads]
        run([*emulator(cpu), *worker])
        return np.load(target)["output"][0]

    @staticmethod
    def work(path, output, source, target, threads):
        """The process: runs a model on arrays in a file."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(threads)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        np.savez(target, output=session.run([output], dict(np.load(source)))[0])


class Assay:
    """`assay model run`, which may be emulated."""

    name = "Assay"

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, model, count, threads=1, cpu=None):
        bundle = self.folder / f"{model.path.stem}-{count}"
        if not bundle.exists():
            dims = [part for dim in (f"{model.batch}={count}", *model.dims) for part in ("--dim", dim)]
            run([self.program, "model", "compile", model.path, "-o", bundle, *dims])
        source, target = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(source, **model.inputs(count))
        arguments = ["model", "run", bundle, "--input", source, "--output", target, "--threads", threads]
        run([*emulator(cpu), self.program, *arguments])
        return np.load(target)[model.output][0]


def show(model, engines, cpus):
    """Prints the table of one model; returns whether Assay's bits stayed."""
    ways = [
        (f"as a row in a batch of {BATCH}", {"count": BATCH}),
        ("with two threads", {"count": 1, "threads": 2}),
        *((f"on a {cpu} ({CPUS[cpu]})", {"count": 1, "cpu": cpu}) for cpu in cpus),
    ]
    first = {engine.name: engine(model, 1) for engine in engines}
    values = first["Assay"].size
    print(f"{model.title}: {values} values; of them have other bits than alone on this processor")
    print(f"  {'':46}" + "".join(f"{engine.name:>14}" for engine in engines))
    steady = True
    for way, how in ways:
        counts = {}
        for engine in engines:
            found = engine(model, **how)
            counts[engine.name] = int((found.view(np.int32) != first[engine.name].view(np.int32)).sum())
        print(f"  {way:46}" + "".join(f"{count:14}" for count in counts.values()), flush=True)
        steady = steady and counts["Assay"] == 0
    return steady


def main():
    if sys.argv[1:2] == ["--onnxruntime"]:
        return Onnxruntime.work(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=pathlib.Path, help="the assay program")
    parser.add_argument("--magika", type=pathlib.Path, required=True, help="Magika's model")
    parser.add_argument("--minilm", type=pathlib.Path, help="MiniLM's model")
    parser.add_argument("--cpus", default="Nehalem", help="processors to emulate, with commas between (default: %(default)s)")
    options = parser.parse_args()
    cpus = [cpu for cpu in options.cpus.split(",") if cpu]
    unknown = [cpu for cpu in cpus if cpu not in CPUS]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(CPUS)}")
    if cpus and not shutil.which("qemu-x86_64"):
        sys.exit("qemu-x86_64 is missing: install Debian's qemu-user, or pass --cpus ''")
    models = [magika(options.magika.resolve())]
    if options.minilm:
        models.append(minilm(options.minilm.resolve()))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        engines = [Onnxruntime(folder), Assay(options.assay.resolve(), folder)]
        steady = [show(model, engines, cpus) for model in models]
    if not all(steady):
        sys.exit("Assay's bits changed: a bug")
    print("Assay's bits are the same everywhere.")


if __name__ == "__main__":
    main()
