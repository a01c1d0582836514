"""What comparisons with onnxruntime share: the two engines, and the errors of their results."""

import subprocess
import sys

import numpy as np
import onnxruntime

TOLERANCE = 1e-5


class Assay:
    """The command-line program under test."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def compile(self, model, name, *flags):
        """Compiles a model into a bundle, with flags like `--dim N=1`; returns its folder."""
        bundle = self.folder / name
        self.call("compile", model, "-o", bundle, *(part for flag in flags for part in flag.split(" ", 1)))
        return bundle

    def run(self, bundle, inputs):
        """Runs a bundle on named inputs; returns its outputs by name."""
        source, target = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(source, **inputs)
        self.call("run", bundle, "--input", source, "--output", target)
        with np.load(target) as outputs:
            return dict(outputs)

    def call(self, *arguments):
        command = [str(part) for part in (self.program, "model", *arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def reference(path):
    """onnxruntime's session for a model, with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Errors:
    """The largest differences seen, each relative to its tensor's largest value."""

    def __init__(self):
        self.between = self.ours = self.theirs = 0.0
        self.fine = True

    def add(self, ours, theirs, exact):
        """Notes one tensor; ours is fine if it is near the exact one or nearer than onnxruntime's."""
        scale = max(float(np.abs(exact).max()), np.finfo(np.float32).tiny)
        distance = lambda a, b: float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max() / scale)
        our, their = distance(ours, exact), distance(theirs, exact)
        self.between = max(self.between, distance(ours, theirs))
        self.ours, self.theirs = max(self.ours, our), max(self.theirs, their)
        self.fine = self.fine and our <= max(TOLERANCE, their)

    def __str__(self):
        return (
            f"max relative error {self.between:.1e} from onnxruntime; "
            f"from float64: {self.ours:.1e} here, {self.theirs:.1e} onnxruntime"
        )
