#!/usr/bin/env python3
"""Trains the small digits network and writes models/digits/{digits.onnx, heldout.npz}.

The data are scikit-learn's 1,797 handwritten digits of 8 x 8 pixels. The first two thirds train, the
last third is held out: it was written by other people than the first part, so the figure printed
at the end is about writers the network has not seen. Everything is numpy with fixed seeds; another
BLAS may round differently, so a rerun elsewhere can give other weights of the same quality.
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SEED = 20240229
EPOCHS = 80
BATCH = 32
CHANNELS = (16, 32)
HIDDEN = 64
CLASSES = 10


def split():
    """Images as float32 [n, 1, 8, 8] in 0..1 and labels, as (train, held out)."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    cut = len(images) * 2 // 3
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def augment(images, rng):
    """Moves every image by at most one pixel in each direction, filling with background."""
    n, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = np.empty_like(images)
    for i, (dy, dx) in enumerate(rng.integers(0, 3, size=(n, 2))):
        moved[i] = padded[i, :, dy : dy + height, dx : dx + width]
    return moved


def patches(x):
    """The 3 x 3 neighbourhoods of [n, c, h, w] with zero padding: [n, h, w, c * 9]."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def conv(x, weight, bias):
    """3 x 3 convolution, padding 1; returns the result and what its gradient needs."""
    columns = patches(x)
    out = columns @ weight.reshape(len(weight), -1).T + bias
    return out.transpose(0, 3, 1, 2), columns


def conv_gradient(grad, columns, weight, shape):
    """Gradients by weight, bias and input of `conv`."""
    n, c, h, w = shape
    flat = grad.transpose(0, 2, 3, 1)
    by_weight = np.tensordot(flat, columns, axes=((0, 1, 2), (0, 1, 2))).reshape(weight.shape)
    by_columns = (flat @ weight.reshape(len(weight), -1)).reshape(n, h, w, c, 3, 3)
    by_padded = np.zeros((n, c, h + 2, w + 2), dtype=grad.dtype)
    for dy in range(3):
        for dx in range(3):
            by_padded[:, :, dy : dy + h, dx : dx + w] += by_columns[..., dy, dx].transpose(0, 3, 1, 2)
    return by_weight, flat.sum(axis=(0, 1, 2)), by_padded[:, :, 1:-1, 1:-1]


def pool(x):
    """2 x 2 max pooling; returns the result and the mask of the winners."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    blocks = blocks.reshape(n, c, h // 2, w // 2, 4)
    return blocks.max(axis=-1), np.eye(4, dtype=x.dtype)[blocks.argmax(axis=-1)]


def pool_gradient(grad, mask):
    """Gradient of `pool` by its input."""
    n, c, h, w, _ = mask.shape
    blocks = (grad[..., None] * mask).reshape(n, c, h, w, 2, 2)
    return blocks.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h * 2, w * 2)


def initial(rng):
    """He-initialised parameters, in the order of the ONNX file's initializers."""

    def he(shape, fan_in):
        return (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)

    first, second = CHANNELS
    features = second * 2 * 2
    return {
        "conv1.weight": he((first, 1, 3, 3), 9),
        "conv1.bias": np.zeros(first, np.float32),
        "conv2.weight": he((second, first, 3, 3), first * 9),
        "conv2.bias": np.zeros(second, np.float32),
        "fc1.weight": he((HIDDEN, features), features),
        "fc1.bias": np.zeros(HIDDEN, np.float32),
        "fc2.weight": he((CLASSES, HIDDEN), HIDDEN),
        "fc2.bias": np.zeros(CLASSES, np.float32),
    }


def forward(p, x):
    """Class probabilities [n, 10] and the intermediate values the gradient needs."""
    z1, columns1 = conv(x, p["conv1.weight"], p["conv1.bias"])
    p1, mask1 = pool(np.maximum(z1, 0))
    z2, columns2 = conv(p1, p["conv2.weight"], p["conv2.bias"])
    p2, mask2 = pool(np.maximum(z2, 0))
    flat = p2.reshape(len(x), -1)
    z3 = flat @ p["fc1.weight"].T + p["fc1.bias"]
    h3 = np.maximum(z3, 0)
    logits = h3 @ p["fc2.weight"].T + p["fc2.bias"]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True), (x, z1, columns1, mask1, p1, z2, columns2, mask2, p2, flat, z3, h3)


def backward(p, probabilities, labels, saved):
    """Gradient of the mean cross entropy by every parameter."""
    x, z1, columns1, mask1, p1, z2, columns2, mask2, p2, flat, z3, h3 = saved
    g = {}
    grad = (probabilities - np.eye(CLASSES, dtype=np.float32)[labels]) / np.float32(len(labels))
    g["fc2.weight"], g["fc2.bias"] = grad.T @ h3, grad.sum(axis=0)
    grad = (grad @ p["fc2.weight"]) * (z3 > 0)
    g["fc1.weight"], g["fc1.bias"] = grad.T @ flat, grad.sum(axis=0)
    grad = (grad @ p["fc1.weight"]).reshape(p2.shape)
    grad = pool_gradient(grad, mask2) * (z2 > 0)
    g["conv2.weight"], g["conv2.bias"], grad = conv_gradient(grad, columns2, p["conv2.weight"], p1.shape)
    grad = pool_gradient(grad, mask1) * (z1 > 0)
    g["conv1.weight"], g["conv1.bias"], _ = conv_gradient(grad, columns1, p["conv1.weight"], x.shape)
    return g


def train(images, labels):
    """Adam with weight decay and a cosine learning rate."""
    rng = np.random.default_rng(SEED)
    p = initial(rng)
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    steps, step = EPOCHS * (len(images) // BATCH), 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        moved = augment(images, rng)
        for start in range(0, len(images) - BATCH + 1, BATCH):
            pick = order[start : start + BATCH]
            probabilities, saved = forward(p, moved[pick])
            gradients = backward(p, probabilities, labels[pick], saved)
            step += 1
            rate = np.float32(2e-3 * 0.5 * (1 + np.cos(np.pi * step / steps)))
            for k, g in gradients.items():
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                m = first[k] / np.float32(1 - 0.9**step)
                v = second[k] / np.float32(1 - 0.999**step)
                decay = np.float32(1e-2) * p[k] if k.endswith("weight") else 0
                p[k] = (p[k] - rate * (m / (np.sqrt(v) + 1e-8) + decay)).astype(np.float32)
        if (epoch + 1) % 20 == 0:
            print(f"epoch {epoch + 1}: accuracy on the training part {accuracy(p, images, labels):.4f}")
    return p


def accuracy(p, images, labels):
    """Share of images whose most likely class is the label."""
    return float((forward(p, images)[0].argmax(axis=1) == labels).mean())


def export(p):
    """The network as an ONNX model with a symbolic batch dimension `N`."""
    conv_attributes = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    pool_attributes = dict(kernel_shape=[2, 2], strides=[2, 2])
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["z1"], "conv1", **conv_attributes),
        helper.make_node("Relu", ["z1"], ["a1"], "relu1"),
        helper.make_node("MaxPool", ["a1"], ["p1"], "pool1", **pool_attributes),
        helper.make_node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["z2"], "conv2", **conv_attributes),
        helper.make_node("Relu", ["z2"], ["a2"], "relu2"),
        helper.make_node("MaxPool", ["a2"], ["p2"], "pool2", **pool_attributes),
        helper.make_node("Flatten", ["p2"], ["flat"], "flatten", axis=1),
        helper.make_node("Gemm", ["flat", "fc1.weight", "fc1.bias"], ["z3"], "fc1", transB=1),
        helper.make_node("Relu", ["z3"], ["a3"], "relu3"),
        helper.make_node("Gemm", ["a3", "fc2.weight", "fc2.bias"], ["logits"], "fc2", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in p.items()],
    )
    model = helper.make_model(
        graph, producer_name="assay", opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    here = pathlib.Path(__file__).resolve().parents[2] / "models" / "digits"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=here, help="folder to write (default: %(default)s)")
    out = parser.parse_args().out
    (images, labels), (held_images, held_labels) = split()
    p = train(images, labels)
    out.mkdir(parents=True, exist_ok=True)
    (out / "digits.onnx").write_bytes(export(p).SerializeToString(deterministic=True))
    np.savez_compressed(out / "heldout.npz", image=held_images, label=held_labels)
    print(f"{sum(v.size for v in p.values())} parameters")
    print(f"accuracy on the held-out third ({len(held_labels)} images): {accuracy(p, held_images, held_labels):.4f}")


if __name__ == "__main__":
    main()
