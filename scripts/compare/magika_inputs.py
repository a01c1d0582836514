#!/usr/bin/env python3
"""Magika's input for a real file, and the file type that its output stands for.

    magika_inputs.py make FILE in.npz      writes the array `bytes`, int32 [1, 2048]
    magika_inputs.py label out.npz         reads the array `target_label`, prints the file type

The input is the first and the last 1,024 bytes of the file, stripped of white space and padded with
256, exactly as the `magika` package takes them (scripts/compare/compare_onnxruntime.py checks that it is).
"""

import argparse
import json
import os
import pathlib
import sys

import numpy as np


def config_path():
    """Where `magika.json`, which lies beside the fetched model, is expected."""
    cache = os.environ.get("ASSAY_MODELS_CACHE")
    if cache:
        return pathlib.Path(cache) / "magika.json"
    import importlib.util

    spec = importlib.util.find_spec("magika")
    if spec is None or spec.origin is None:
        sys.exit("the Python package magika is missing: run ./scripts/setup, or pass --config magika.json")
    return pathlib.Path(spec.origin).parent / "models" / "standard_v3_3" / "config.min.json"


def load_config(path=None):
    """The model's configuration: sizes, padding and class names."""
    return json.loads(pathlib.Path(path or config_path()).read_text())


def features(data, config):
    """The model's input for a file's content; None for a file too short to be classified."""
    block = config["block_size"]
    begin = data[:block].lstrip()[: config["beg_size"]]
    end = data[-block:].rstrip()[-config["end_size"] :]
    if len(begin) < config["min_file_size_for_dl"]:
        return None
    padding = config["padding_token"]
    row = np.full(config["beg_size"] + config["end_size"], padding, dtype=np.int32)
    row[: len(begin)] = np.frombuffer(begin, dtype=np.uint8)
    row[len(row) - len(end) :] = np.frombuffer(end, dtype=np.uint8)
    return row[None]


def label(scores, config):
    """The file type that the model's output stands for, and its score."""
    scores = np.asarray(scores).reshape(-1)
    names = config["target_labels_space"]
    if len(scores) != len(names):
        sys.exit(f"target_label has {len(scores)} values, expected {len(names)}")
    best = int(scores.argmax())
    return names[best], float(scores[best])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", help="magika.json as fetched beside the model")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write the input for a file")
    make.add_argument("file", type=pathlib.Path)
    make.add_argument("npz", type=pathlib.Path)
    show = commands.add_parser("label", help="print the file type an output stands for")
    show.add_argument("npz", type=pathlib.Path)
    options = parser.parse_args()
    config = load_config(options.config)
    if options.command == "make":
        row = features(options.file.read_bytes(), config)
        if row is None:
            sys.exit(f"{options.file} is too short to be classified")
        np.savez(options.npz, bytes=row)
    else:
        name, score = label(np.load(options.npz)["target_label"], config)
        print(f"{name} {score:.4f}")


if __name__ == "__main__":
    main()
