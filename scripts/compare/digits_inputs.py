#!/usr/bin/env python3
"""Inputs for the digits network from its held-out images, and the digit its output stands for.

    digits_inputs.py make INDEX in.npz [--count N]   writes `image`, float32 [N, 1, 8, 8]; prints the true digits
    digits_inputs.py label out.npz                   reads `probabilities`, prints the digits
    digits_inputs.py count                           prints how many held-out images there are
    digits_inputs.py score out.npz [INDEX]           reads `probabilities`, prints right/total from INDEX on
"""

import argparse
import pathlib
import sys

import numpy as np

HELD_OUT = pathlib.Path(__file__).resolve().parents[2] / "models" / "digits" / "heldout.npz"


def held_out():
    """The held-out images, float32 [n, 1, 8, 8] in 0..1, and their digits."""
    data = np.load(HELD_OUT)
    return data["image"], data["label"]


def digits(path):
    """The most likely digit of every row of the array `probabilities`."""
    return np.load(path)["probabilities"].reshape(-1, 10).argmax(axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write held-out images as an input")
    make.add_argument("index", type=int)
    make.add_argument("npz", type=pathlib.Path)
    make.add_argument("--count", type=int, default=1)
    show = commands.add_parser("label", help="print the digits an output stands for")
    show.add_argument("npz", type=pathlib.Path)
    commands.add_parser("count", help="print how many held-out images there are")
    score = commands.add_parser("score", help="compare an output with the true digits")
    score.add_argument("npz", type=pathlib.Path)
    score.add_argument("index", type=int, nargs="?", default=0)
    options = parser.parse_args()
    images, labels = held_out()
    if options.command == "make":
        if options.count < 1 or not 0 <= options.index <= len(images) - options.count:
            sys.exit(f"there are {len(images)} held-out images, numbered from 0")
        part = slice(options.index, options.index + options.count)
        np.savez(options.npz, image=images[part])
        print(*labels[part])
    elif options.command == "label":
        print(*digits(options.npz))
    elif options.command == "count":
        print(len(images))
    else:
        found = digits(options.npz)
        if options.index < 0 or options.index + len(found) > len(labels):
            sys.exit(f"there are {len(labels)} held-out images, numbered from 0")
        print(f"{(found == labels[options.index : options.index + len(found)]).sum()}/{len(found)}")


if __name__ == "__main__":
    main()
