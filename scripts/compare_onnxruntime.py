#!/usr/bin/env python3
"""Compares `assay model run` with onnxruntime on the digits network and on Magika.

    compare_onnxruntime.py path/to/assay [--magika magika.onnx] [--files N] [--images N]

Compiles both models and runs held-out images and real files of many types through both engines and
through a float64 evaluation, which is nearer to the exact result than either. Prints how many
labels agree and the errors relative to a tensor's largest value. Exits with 1 when a label differs,
or when a result is further from float64 than both 1e-5 and onnxruntime's own.
"""

import argparse
import gzip
import io
import json
import pathlib
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import wave
import zipfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import digits_inputs
import magika_inputs

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5

# At most two files of each of these endings are taken from the machine.
ENDINGS = """
    .py .pyc .c .h .hpp .cpp .rs .toml .lock .sh .bash .md .rst .txt .json .xml .html .css .js .ts .map .yaml .yml
    .ini .cfg .conf .csv .tsv .svg .png .jpg .gif .ico .ttf .so .a .o .gz .xz .bz2 .zip .whl .jar .npz .npy .onnx
    .pem .crt .proto .pl .pm .rb .lua .tcl .awk .sql .java .go .php .diff .patch .m4 .cmake .mk .f90 .pyi .pyx
    .po .mo .service .desktop .deb .pdf .ps .tex .bib .wasm .bat .ps1 .asm .s .S .el .vim .scm .hs .ml .r .jl
""".split()


class Assay:
    """The command-line program under test."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def compile(self, model, name, *dims):
        """Compiles a model into a bundle; returns its folder."""
        bundle = self.folder / name
        self.call("compile", model, "-o", bundle, *(part for dim in dims for part in ("--dim", dim)))
        return bundle

    def run(self, bundle, **inputs):
        """Runs a bundle; returns its outputs by name."""
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
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def float64(path):
    """An evaluator of a model in float64."""
    model = onnx.load(path)
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float64), weight.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
        if node.op_type == "GlobalMaxPool":
            # The evaluator's own gives another rank for signals of one dimension.
            node.op_type = "ReduceMax"
            node.attribute.append(helper.make_attribute("axes", [2]))
    for port in [*model.graph.input, *model.graph.output]:
        if port.type.tensor_type.elem_type == TensorProto.FLOAT:
            port.type.tensor_type.elem_type = TensorProto.DOUBLE
    return ReferenceEvaluator(model)


class Errors:
    """The largest differences seen, each relative to its tensor's largest value."""

    def __init__(self):
        self.between = self.ours = self.theirs = 0.0
        self.fine = True

    def add(self, ours, theirs, exact):
        scale = np.abs(exact).max()
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


def compare_digits(assay, images):
    """Held-out images one by one; returns whether all is well."""
    path = ROOT / "models" / "digits" / "digits.onnx"
    session, exact, bundle = reference(path), float64(path), assay.compile(path, "digits", "N=1")
    held, labels = digits_inputs.held_out()
    picks = np.linspace(0, len(held) - 1, min(images, len(held))).astype(int)
    errors, same, right = Errors(), 0, 0
    for i in picks:
        image = held[i : i + 1]
        expected = session.run(None, {"image": image})[0]
        found = assay.run(bundle, image=image)["probabilities"]
        errors.add(found, expected, exact.run(None, {"image": image.astype(np.float64)})[0])
        same += found.argmax() == expected.argmax()
        right += found.argmax() == labels[i]
    print(f"digits: {len(picks)} images, {same} labels as onnxruntime, {right} as written; {errors}")
    return same == len(picks) and errors.fine


def generated():
    """Contents of file types that a machine may not have, the same every time."""
    random = np.random.default_rng(1)
    text = "".join(f"line {i}: the quick brown fox jumps over the lazy dog\n" for i in range(200)).encode()
    archive, audio, bundle, arrays = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        info = tarfile.TarInfo("a.txt")
        info.size = len(text)
        file.addfile(info, io.BytesIO(text))
    with wave.open(audio, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((np.sin(np.arange(8000) / 9) * 9000).astype("<i2").tobytes())
    with zipfile.ZipFile(bundle, "w") as file:
        file.writestr(zipfile.ZipInfo("a.txt"), text)
    np.save(arrays, random.standard_normal((32, 32)))
    rows = "\n".join(f"{i},{i * i},name{i},{i / 7:.3f}" for i in range(150))
    bitmap = b"BM" + (54 + 64 * 64 * 3).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    bitmap += (40).to_bytes(4, "little") + (64).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24)
    return {
        "generated.txt": text,
        "generated.gz": gzip.compress(text, mtime=0),
        "generated.tar": archive.getvalue(),
        "generated.wav": audio.getvalue(),
        "generated.zip": bundle.getvalue(),
        "generated.npy": arrays.getvalue(),
        "generated.bin": random.bytes(5000),
        "generated.csv": b"id,square,name,seventh\n" + rows.encode(),
        "generated.json": json.dumps({"rows": [{"id": i, "name": f"n{i}"} for i in range(60)]}, indent=1).encode(),
        "generated.bmp": bitmap + random.bytes(64 * 64 * 3),
        "generated.sql": b"".join(b"INSERT INTO people (id, name) VALUES (%d, 'n%d');\n" % (i, i) for i in range(80)),
        "generated.diff": b"--- a/x.c\n+++ b/x.c\n" + b"@@ -1,2 +1,2 @@\n-int a;\n+int b;\n int c;\n" * 40,
        "generated.html": b"<!doctype html><html><head><title>t</title></head><body>" + b"<p>hello</p>" * 99 + b"</body></html>",
        "generated.js": b"export function add(a, b) {\n  return a + b;\n}\nconst xs = [1, 2, 3].map((x) => x * 2);\n" * 20,
        "generated.go": b"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"hi\")\n}\n" * 8,
        "generated.java": b"public class A {\n  public static void main(String[] args) {\n    System.out.println(1);\n  }\n}\n" * 6,
        "generated.rb": b"class Dog\n  attr_reader :name\n  def initialize(name)\n    @name = name\n  end\nend\n" * 9,
        "generated.tex": b"\\documentclass{article}\n\\begin{document}\n\\section{One}\n$x^2$ text\n\\end{document}\n" * 5,
        "generated.php": b"<?php\nfunction f($x) { return $x + 1; }\necho f(2);\n?>\n" * 12,
        "generated.dockerfile": b"FROM debian:12\nRUN apt-get update && apt-get install -y curl\nCOPY . /app\nCMD [\"/app/run\"]\n" * 4,
    }


def real_files(count):
    """Real files of the machine, at most two per ending, in an order that depends on names only."""
    paths = sysconfig.get_paths()
    roots = [ROOT, paths["stdlib"], paths["purelib"], "/usr/include", "/usr/share", "/usr/lib", "/etc", "/usr/src"]
    found = {}
    for root in map(pathlib.Path, roots):
        seen = 0
        for path in sorted(walk(root, 4)):
            seen += 1
            if seen > 40000:
                break
            if path.suffix in ENDINGS and len(found.setdefault(path.suffix, [])) < 2:
                found[path.suffix].append(path)
    firsts = [paths[0] for paths in found.values() if paths]
    seconds = [paths[1] for paths in found.values() if len(paths) > 1]
    return (firsts + seconds)[:count]


def walk(root, depth):
    """Readable files of a sensible size below a folder."""
    try:
        entries = list(root.iterdir())
    except OSError:
        return
    for path in entries:
        try:
            if path.is_symlink() or path.name in ("target", ".git"):
                continue
            if path.is_dir():
                if depth:
                    yield from walk(path, depth - 1)
            elif path.is_file() and 64 <= path.stat().st_size <= 64 << 20:
                yield path
        except OSError:
            continue


def compare_magika(assay, path, count):
    """Real and generated files one by one; returns whether all is well."""
    from magika import Magika

    config = magika_inputs.load_config()
    session, exact, bundle = reference(path), float64(path), assay.compile(path, "magika", "unk__214=1")
    package = Magika()
    contents = {str(path): path.read_bytes() for path in real_files(max(count - 20, 0))}
    contents.update(generated())
    errors, same, files, kinds, packaged = Errors(), 0, 0, {}, 0
    for name, data in contents.items():
        row = magika_inputs.features(data, config)
        if row is None:
            continue
        expected = session.run(None, {"bytes": row})[0]
        found = assay.run(bundle, bytes=row)["target_label"]
        errors.add(found, expected, exact.run(None, {"bytes": row})[0])
        ours, _ = magika_inputs.label(found, config)
        theirs, _ = magika_inputs.label(expected, config)
        files += 1
        kinds[ours] = kinds.get(ours, 0) + 1
        same += ours == theirs
        packaged += ours == str(package.identify_bytes(data).dl.label)
        if ours != theirs:
            print(f"  {name}: {ours} here, {theirs} in onnxruntime")
    print(
        f"magika: {files} files, {len(kinds)} different types, {same} labels as onnxruntime, "
        f"{packaged} as the magika package says; {errors}"
    )
    print("  " + ", ".join(sorted(kinds)))
    return same == packaged == files and files >= min(count, 50) and errors.fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=pathlib.Path, help="the assay program")
    parser.add_argument("--magika", type=pathlib.Path, help="Magika's model (default: the magika package's own)")
    parser.add_argument("--files", type=int, default=80, help="files for Magika (default: %(default)s)")
    parser.add_argument("--images", type=int, default=100, help="images for digits (default: %(default)s)")
    options = parser.parse_args()
    magika = options.magika or magika_inputs.config_path().with_name("model.onnx")
    with tempfile.TemporaryDirectory() as folder:
        assay = Assay(options.assay.resolve(), pathlib.Path(folder))
        fine = compare_digits(assay, options.images)
        fine = compare_magika(assay, magika, options.files) and fine
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
