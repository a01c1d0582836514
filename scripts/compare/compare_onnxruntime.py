#!/usr/bin/env python3
"""Compares `assay model run` with onnxruntime on the digits network, on Magika and, with --models,
on all fetched models.

    compare_onnxruntime.py path/to/assay [--models DIR] [--magika magika.onnx] [--files N] [--images N]

Compiles the models and runs held-out images, real files of many types, sentences, lines of text and
sound through both engines and through a float64 evaluation, which is nearer to the exact result than
either. Prints how many labels agree and the errors relative to a tensor's largest value. Exits with 1
when a label differs, or when a result is further from float64 than both 1e-5 and onnxruntime's own.
"""

import argparse
import gzip
import io
import json
import pathlib
import sys
import sysconfig
import tarfile
import tempfile
import wave
import zipfile

import numpy as np

import digits_inputs
import magika_inputs
import real_models
from comparison import Assay, Errors, reference
from exact import Exact

ROOT = pathlib.Path(__file__).resolve().parents[2]

# At most two files of each of these endings are taken from the machine.
ENDINGS = """
    .py .pyc .c .h .hpp .cpp .rs .toml .lock .sh .bash .md .rst .txt .json .xml .html .css .js .ts .map .yaml .yml
    .ini .cfg .conf .csv .tsv .svg .png .jpg .gif .ico .ttf .so .a .o .gz .xz .bz2 .zip .whl .jar .npz .npy .onnx
    .pem .crt .proto .pl .pm .rb .lua .tcl .awk .sql .java .go .php .diff .patch .m4 .cmake .mk .f90 .pyi .pyx
    .po .mo .service .desktop .deb .pdf .ps .tex .bib .wasm .bat .ps1 .asm .s .S .el .vim .scm .hs .ml .r .jl
""".split()


def compare_digits(assay, images):
    """Held-out images one by one; returns whether all is well."""
    path = ROOT / "models" / "digits" / "digits.onnx"
    session, exact, bundle = reference(path), Exact(path), assay.compile(path, "digits", "--dim N=1")
    held, labels = digits_inputs.held_out()
    picks = np.linspace(0, len(held) - 1, min(images, len(held))).astype(int)
    errors, same, right = Errors(), 0, 0
    for i in picks:
        image = held[i : i + 1]
        expected = session.run(None, {"image": image})[0]
        found = assay.run(bundle, {"image": image})["probabilities"]
        errors.add(found, expected, exact.run({"image": image})[0])
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
    session, exact, bundle = reference(path), Exact(path), assay.compile(path, "magika", "--dim unk__214=1")
    package = Magika()
    contents = {str(path): path.read_bytes() for path in real_files(max(count - 20, 0))}
    contents.update(generated())
    errors, same, files, kinds, packaged = Errors(), 0, 0, {}, 0
    for name, data in contents.items():
        row = magika_inputs.features(data, config)
        if row is None:
            continue
        expected = session.run(None, {"bytes": row})[0]
        found = assay.run(bundle, {"bytes": row})["target_label"]
        errors.add(found, expected, exact.run({"bytes": row})[0])
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
    parser.add_argument("--models", type=pathlib.Path, help="folder of the fetched models, to compare them too")
    parser.add_argument("--files", type=int, default=80, help="files for Magika (default: %(default)s)")
    parser.add_argument("--images", type=int, default=100, help="images for digits (default: %(default)s)")
    options = parser.parse_args()
    magika = options.magika or magika_inputs.config_path().with_name("model.onnx")
    with tempfile.TemporaryDirectory() as folder:
        assay = Assay(options.assay.resolve(), pathlib.Path(folder))
        fine = compare_digits(assay, options.images)
        fine = compare_magika(assay, magika, options.files) and fine
        for compare in real_models.COMPARISONS if options.models else ():
            fine = compare(assay, options.models) and fine
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
