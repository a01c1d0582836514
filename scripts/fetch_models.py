#!/usr/bin/env python3
"""Copies the models that pinned Python packages carry into a folder, checking every file's SHA-256.

Usage: fetch_models.py DIR

Writes DIR/magika.onnx (the file-type classifier of the `magika` package, Apache-2.0) and
DIR/magika.json (its class names and input layout). Running it again does nothing.
"""

import argparse
import hashlib
import importlib.util
import os
import pathlib
import sys
import tempfile

# (package, file inside it, name here, SHA-256)
MODELS = [
    (
        "magika",
        "models/standard_v3_3/model.onnx",
        "magika.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c",
    ),
    (
        "magika",
        "models/standard_v3_3/config.min.json",
        "magika.json",
        "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db",
    ),
]


def sha256(data):
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fetch(package, inside, target, expected):
    """Copies one file, atomically; returns whether it had to be written."""
    if target.is_file() and sha256(target.read_bytes()) == expected:
        return False
    # Found without importing it: importing magika would load onnxruntime.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"the Python package {package} is missing: run ./scripts/setup")
    source = pathlib.Path(spec.origin).parent / inside
    if not source.is_file():
        sys.exit(f"{source} is missing: the installed {package} is not the pinned version; run ./scripts/setup")
    data = source.read_bytes()
    if sha256(data) != expected:
        sys.exit(f"{source} has SHA-256 {sha256(data)}, expected {expected}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.replace(file.name, target)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=pathlib.Path, help="where to put the models")
    folder = parser.parse_args().folder
    for package, inside, name, expected in MODELS:
        if fetch(package, inside, folder / name, expected):
            print(f"{folder / name}: copied from the {package} package, SHA-256 as pinned")


if __name__ == "__main__":
    main()
