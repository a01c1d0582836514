#!/usr/bin/env python3
"""Writes models of kinds that no pinned package carries, with made weights, as exporters write them.

    exported_models.py DIR

Writes into DIR, the same bytes every time:
  resnet50_thin.onnx    ResNet-50 with a quarter of its channels, its normalizations folded into the convolutions
  t5_encoder_int8.onnx  encoder of T5, 8-bit weights, and activations quantized as they come
  t5_decoder_int8.onnx  one step of its decoder, with a cache of the steps before
  audio_encoder.onnx    a stack of one-dimensional convolutions over sound, as neural codecs begin with
  gru_tagger.onnx       words to tags, by two layers of bidirectional GRU
A file that is there stays. What they answer means nothing; how long they take does.
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    """A graph that is being written down. Names of results are numbers."""

    def __init__(self, seed):
        self.random, self.nodes, self.weights = np.random.default_rng(seed), [], []
        self.inputs, self.outputs = [], []

    def input(self, name, shape, kind=FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, value, shape, kind=FLOAT):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def weight(self, *dims, fan=None):
        """Random weights that keep the size of what they are multiplied with."""
        fan = fan or int(np.prod(dims[1:]))
        return self.constant((self.random.standard_normal(dims) / np.sqrt(fan)).astype(np.float32))

    def op(self, op, *operands, **attributes):
        self.nodes.append(helper.make_node(op, operands, [f"v{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def conv(self, x, channels, into, kernel, **attributes):
        """A convolution with a bias; `kernel` has a number for each dimension."""
        fan = channels * int(np.prod(kernel))
        bias = self.constant(np.full(into, 0.01, np.float32))
        return self.op("Conv", x, self.weight(into, channels, *kernel, fan=fan), bias, kernel_shape=kernel, **attributes)

    def linear(self, x, inner, outer):
        return self.op("MatMul", x, self.weight(inner, outer, fan=inner))

    def model(self, opset=17):
        graph = helper.make_graph(self.nodes, "made", self.inputs, self.outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def resnet50_thin(width=16):
    """He et al., Deep Residual Learning, table 1; strides in the 3×3 convolution, as PyTorch has them."""
    g = Graph(1)
    x = g.input("image", [1, 3, 224, 224])
    x = g.op("Relu", g.conv(x, 3, width, [7, 7], strides=[2, 2], pads=[3] * 4))
    x = g.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = width
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner, outer = width << stage, 4 * width << stage
        for block in range(blocks):
            stride = [2, 2] if stage and not block else [1, 1]
            y = g.op("Relu", g.conv(x, channels, inner, [1, 1]))
            y = g.op("Relu", g.conv(y, inner, inner, [3, 3], strides=stride, pads=[1] * 4))
            y = g.conv(y, inner, outer, [1, 1])
            if not block:
                x = g.conv(x, channels, outer, [1, 1], strides=stride)
            x, channels = g.op("Relu", g.op("Add", y, x)), outer
    x = g.op("Flatten", g.op("GlobalAveragePool", x))
    g.output("logits", g.op("Gemm", x, g.weight(1000, channels), g.constant(np.zeros(1000, np.float32)), transB=1), [1, 1000])
    return g.model()


class T5(Graph):
    """Raffel et al., Exploring the Limits of Transfer Learning, sizes of t5-small."""

    WIDTH, HEADS, INNER, LAYERS, WORDS = 512, 8, 2048, 4, 4096

    def __init__(self, seed):
        super().__init__(seed)
        # What there is a quantized form of.
        self.quantized = set()

    def linear(self, x, inner, outer):
        """Weights of 8 bits, activations quantized as they come, as onnxruntime's `quantize_dynamic` writes it."""
        if x not in self.quantized:
            self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], [f"{x}_q", f"{x}_scale", f"{x}_zero"]))
            self.quantized.add(x)
        weights = self.constant(self.random.integers(-127, 128, (inner, outer)).astype(np.int8))
        scale = self.constant(np.float32(1 / (73 * np.sqrt(inner))))
        product = self.op("MatMulInteger", f"{x}_q", weights, f"{x}_zero", self.constant(np.int8(0)))
        return self.op("Mul", self.op("Cast", product, to=FLOAT), self.op("Mul", f"{x}_scale", scale))

    def norm(self, x):
        """Root mean square normalization, of the operators that PyTorch's exporter writes."""
        mean = self.op("ReduceMean", self.op("Pow", x, self.constant(np.float32(2))), axes=[-1], keepdims=1)
        root = self.op("Sqrt", self.op("Add", mean, self.constant(np.float32(1e-6))))
        scale = self.constant(self.random.uniform(0.5, 1.5, self.WIDTH).astype(np.float32))
        return self.op("Mul", scale, self.op("Div", x, root))

    def heads(self, x, perm):
        split = self.constant(np.array([1, -1, self.HEADS, self.WIDTH // self.HEADS], np.int64))
        return self.op("Transpose", self.op("Reshape", x, split), perm=perm)

    def attend(self, queries, keys, values, bias):
        """Attention of heads; keys are `[1, heads, size, steps]`."""
        scores = self.op("MatMul", queries, keys)
        if bias:
            scores = self.op("Add", scores, bias)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), values)
        flat = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.constant(np.array([1, -1, self.WIDTH], np.int64)))
        return self.linear(flat, self.WIDTH, self.WIDTH)

    def feed_forward(self, x):
        inner = self.op("Relu", self.linear(self.norm(x), self.WIDTH, self.INNER))
        return self.op("Add", x, self.linear(inner, self.INNER, self.WIDTH))

    def embed(self, ids):
        return self.op("Gather", self.weight(self.WORDS, self.WIDTH, fan=1), ids)


def t5_encoder(steps=64):
    g = T5(2)
    x = g.embed(g.input("input_ids", [1, steps], INT64))
    bias = g.weight(1, g.HEADS, steps, steps, fan=1)
    for _ in range(g.LAYERS):
        y = g.norm(x)
        q, k, v = (g.linear(y, g.WIDTH, g.WIDTH) for _ in range(3))
        y = g.attend(g.heads(q, [0, 2, 1, 3]), g.heads(k, [0, 2, 3, 1]), g.heads(v, [0, 2, 1, 3]), bias)
        x = g.feed_forward(g.op("Add", x, y))
    g.output("hidden", g.norm(x), [1, steps, g.WIDTH])
    return g.model()


def t5_decoder(past=31, encoded=64):
    g = T5(3)
    size = g.WIDTH // g.HEADS
    x = g.embed(g.input("input_ids", [1, 1], INT64))
    bias = g.weight(1, g.HEADS, 1, past + 1, fan=1)
    for layer in range(g.LAYERS):
        y = g.norm(x)
        q, k, v = (g.linear(y, g.WIDTH, g.WIDTH) for _ in range(3))
        cache = [g.input(f"past.{layer}.{what}", [1, g.HEADS, past, size]) for what in ("key", "value")]
        k, v = (g.op("Concat", old, g.heads(new, [0, 2, 1, 3]), axis=2) for old, new in zip(cache, (k, v)))
        for what, value in (("key", k), ("value", v)):
            g.output(f"present.{layer}.{what}", value, [1, g.HEADS, past + 1, size])
        y = g.attend(g.heads(q, [0, 2, 1, 3]), g.op("Transpose", k, perm=[0, 1, 3, 2]), v, bias)
        x = g.op("Add", x, y)
        q = g.heads(g.linear(g.norm(x), g.WIDTH, g.WIDTH), [0, 2, 1, 3])
        k, v = (g.input(f"encoder.{layer}.{what}", [1, g.HEADS, encoded, size]) for what in ("key", "value"))
        x = g.op("Add", x, g.attend(q, g.op("Transpose", k, perm=[0, 1, 3, 2]), v, None))
        x = g.feed_forward(x)
    g.output("logits", g.linear(g.norm(x), g.WIDTH, g.WORDS), [1, 1, g.WORDS])
    return g.model()


def audio_encoder():
    """The encoder of Défossez et al., High Fidelity Neural Audio Compression, half a second of sound at 24 kHz."""
    g, channels = Graph(4), 32
    x = g.conv(g.input("sound", [1, 1, 12000]), 1, channels, [7], pads=[6, 0])
    for stride in (2, 4, 5, 8):
        y = g.conv(g.op("Elu", x), channels, channels // 2, [3], pads=[2, 0])
        y = g.conv(g.op("Elu", y), channels // 2, channels, [1])
        x = g.op("Add", g.conv(x, channels, channels, [1]), y)
        x = g.conv(g.op("Elu", x), channels, 2 * channels, [2 * stride], strides=[stride], pads=[stride, 0])
        channels *= 2
    x = g.conv(g.op("Elu", x), channels, 128, [7], pads=[6, 0])
    g.output("codes", x, [1, 128, None])
    return g.model()


def gru_tagger(steps=64, width=128, hidden=128, tags=48):
    g = Graph(5)
    x = g.op("Gather", g.weight(4096, width, fan=1), g.input("words", [steps, 1], INT64))
    inputs = width
    for _ in range(2):
        bias = g.constant(np.full((2, 6 * hidden), 0.01, np.float32))
        y = g.op("GRU", x, g.weight(2, 3 * hidden, inputs, fan=inputs), g.weight(2, 3 * hidden, hidden, fan=hidden), bias,
                 hidden_size=hidden, direction="bidirectional", linear_before_reset=1)
        y = g.op("Transpose", y, perm=[0, 2, 1, 3])
        inputs = 2 * hidden
        x = g.op("Reshape", y, g.constant(np.array([0, 0, -1], np.int64)))
    g.output("tags", g.op("Add", g.linear(x, inputs, tags), g.constant(np.zeros(tags, np.float32))), [steps, 1, tags])
    return g.model()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "resnet50_thin": resnet50_thin,
        "t5_encoder_int8": t5_encoder,
        "t5_decoder_int8": t5_decoder,
        "audio_encoder": audio_encoder,
        "gru_tagger": gru_tagger,
    }
    for name, make in made.items():
        target = folder / f"{name}.onnx"
        if not target.exists():
            part = target.with_suffix(".part")
            save(make(), str(part))
            part.rename(target)
            print(f"{target}: exported")


if __name__ == "__main__":
    main()
