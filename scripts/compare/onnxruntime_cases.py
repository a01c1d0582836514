#!/usr/bin/env python3
"""Writes test cases for operators that the `onnx` package has no values for.

    onnxruntime_cases.py DIR
    cargo run -p assay-onnx --example conformance -- DIR

Every case is one node of onnxruntime's own domain or one quantized operator, or a whole network as
onnxruntime's quantizer writes it, with random inputs and what onnxruntime, without optimizations,
gives for them. The layout is that of the `onnx` package's node tests. Quantized results must be
equal: the comparison's tolerance is smaller than a step of 8 bits. The networks need the package
`ml_dtypes` beside onnxruntime and are left out without it.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
MICROSOFT = "com.microsoft"
RANDOM = np.random.default_rng(5)
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)]


def floats(*shape, scale=1.0):
    return (RANDOM.standard_normal(shape) * scale).astype(np.float32)


def uint8(*shape):
    return RANDOM.integers(0, 256, shape).astype(np.uint8)


def int8(*shape):
    return RANDOM.integers(-128, 128, shape).astype(np.int8)


def int32(*values):
    return np.array(values, np.int32)


def scale():
    return np.array(RANDOM.uniform(0.01, 0.1), np.float32)


def scales(count):
    return RANDOM.uniform(0.01, 0.1, count).astype(np.float32)


class Cases:
    """Writes cases into a folder."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def add(self, name, op, inputs, outputs=(0,), constant=(), domain=MICROSOFT, opsets=OPSETS, most=None, **attributes):
        """One node; of its inputs, those at the positions `constant` are weights. With `most`, a result of fewer
        rows is followed by rows of -1."""
        names = [f"i{k}" if value is not None else "" for k, value in enumerate(inputs)]
        wanted = [f"o{k}" if k in outputs else "" for k in range(max(outputs) + 1)]
        node = helper.make_node(op, names, wanted, domain=domain, **attributes)
        given = {n: v for k, (n, v) in enumerate(zip(names, inputs)) if v is not None and k not in constant}
        weights = [numpy_helper.from_array(inputs[k], names[k]) for k in constant]
        kind = helper.np_dtype_to_tensor_dtype
        ports = [helper.make_tensor_value_info(n, kind(v.dtype), v.shape) for n, v in given.items()]
        results = [onnx.ValueInfoProto(name=name) for name in wanted if name]
        graph = helper.make_graph([node], name, ports, results, weights)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        self.write(name, model, given, most)

    def write(self, name, model, given, most=None):
        """Runs a model in onnxruntime and writes it with its inputs and outputs."""
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found = session.run(None, given)
        if most is not None:
            found = [np.concatenate([rows, np.full((most - len(rows), *rows.shape[1:]), -1, rows.dtype)]) for rows in found]
        data = self.folder / f"test_{name}" / "test_data_set_0"
        data.mkdir(parents=True)
        (data.parent / "model.onnx").write_bytes(model.SerializeToString())
        for kind, tensors in ("input", given.values()), ("output", found):
            for k, tensor in enumerate(tensors):
                (data / f"{kind}_{k}.pb").write_bytes(numpy_helper.from_array(np.asarray(tensor)).SerializeToString())
        self.count += 1


BATCH, ROWS, HEADS, SIZE = 2, 5, 4, 16
WIDTH = HEADS * SIZE


def attention(cases):
    """`Attention` and `MultiHeadAttention`."""
    query, keys = lambda: floats(BATCH, ROWS, WIDTH), lambda: floats(BATCH, 7, WIDTH)
    past = lambda: floats(BATCH, HEADS, 3, SIZE)
    add = lambda name, *inputs, **more: cases.add(f"mha_{name}", "MultiHeadAttention", inputs, num_heads=HEADS, **more)
    add("plain", query(), keys(), keys())
    add("bias", query(), keys(), keys(), floats(3 * WIDTH))
    mask = int32([1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0])
    add("mask", query(), keys(), keys(), None, mask)
    add("lengths", query(), keys(), keys(), None, int32(3, 6))
    add("summand", query(), keys(), keys(), None, None, floats(1, HEADS, ROWS, 7), scale=0.3)
    add("by_heads", query(), floats(BATCH, HEADS, 7, SIZE), floats(BATCH, HEADS, 7, SIZE))
    add("causal", query(), query(), query(), unidirectional=1)
    add("past", query(), query(), query(), None, None, None, past(), past(), outputs=(0, 1, 2), unidirectional=1)
    own = lambda: (floats(BATCH, ROWS, 12), floats(12, 3 * WIDTH), floats(3 * WIDTH))
    add = lambda name, *inputs, **more: cases.add(f"attention_{name}", "Attention", inputs, num_heads=HEADS, **more)
    add("plain", *own())
    add("causal", *own(), unidirectional=1)
    add("mask", *own(), int32([1, 1, 1, 0, 0], [1, 1, 1, 1, 1]))
    add("lengths", *own(), int32(3, 5))
    square = RANDOM.integers(0, 2, (BATCH, ROWS, ROWS)).astype(np.int32) | np.eye(ROWS, dtype=np.int32)
    add("square_mask", *own(), square)
    add("past", *own(), None, floats(2, BATCH, HEADS, 3, SIZE), outputs=(0, 1), unidirectional=1)
    add("sizes", floats(BATCH, ROWS, 12), floats(12, 64), floats(64), qkv_hidden_sizes=[16, 16, 32])


def grouped(cases):
    """`GroupQueryAttention` and `RotaryEmbedding`."""
    angles = lambda: (np.cos(floats(32, SIZE // 2)), np.sin(floats(32, SIZE // 2)))
    add = lambda name, inputs, **more: cases.add(
        f"gqa_{name}", "GroupQueryAttention", inputs, outputs=(0, 1, 2), num_heads=HEADS, kv_num_heads=2, **more
    )
    for batch, past, rows in (2, 0, 5), (1, 0, 5), (1, 4, 1), (2, 4, 1), (1, 4, 3):
        heads = [floats(batch, rows, WIDTH), floats(batch, rows, 2 * SIZE), floats(batch, rows, 2 * SIZE)]
        before = [floats(batch, 2, past, SIZE) if past else None for _ in range(2)]
        lengths = [np.full(batch, past + rows - 1, np.int32), np.array(past + rows, np.int32)]
        for rotary in 0, 1:
            for constant in (5, 6), ():
                name = f"{batch}_{past}_{rows}_{'rotary' if rotary else 'plain'}_{'known' if constant else 'given'}"
                more = list(angles()) if rotary else []
                add(name, heads + before + lengths + more, constant=constant, do_rotary=rotary)
    first = lambda width: [floats(1, 6, width), floats(1, 6, 2 * SIZE), floats(1, 6, 2 * SIZE), None, None]
    lengths = [int32(5), np.array(6, np.int32)]
    add("window", first(WIDTH) + lengths, constant=(5, 6), local_window_size=3)
    add("softcap", first(WIDTH) + lengths, constant=(5, 6), softcap=2.0, scale=0.7)
    packed = [floats(1, 6, WIDTH + 4 * SIZE), None, None, None, None]
    add("packed", packed + lengths + list(angles()), constant=(5, 6), do_rotary=1, rotary_interleaved=1)
    rows = np.tile(np.arange(ROWS), (BATCH, 1)).astype(np.int64) + 3
    start = np.array([2], np.int64)
    for interleaved in 0, 1:
        add = lambda name, *inputs, **more: cases.add(
            f"rotary_{name}_{interleaved}", "RotaryEmbedding", inputs, interleaved=interleaved, **more
        )
        add("rows", floats(BATCH, ROWS, WIDTH), rows, *angles())
        add("start", floats(BATCH, HEADS, ROWS, SIZE), start, *angles())
        some = np.cos(floats(32, SIZE // 4)), np.sin(floats(32, SIZE // 4))
        add("partial", floats(BATCH, ROWS, WIDTH), start, *some, num_heads=HEADS, rotary_embedding_dim=SIZE // 2)


def fused(cases):
    """Normalisations, activations and fused products."""
    x, line = lambda: floats(BATCH, ROWS, 16), lambda: floats(16)
    add = cases.add
    add("skip_norm", "SkipLayerNormalization", [x(), x(), line(), line(), line()], outputs=(0, 3), epsilon=1e-5)
    add("skip_norm_bare", "SkipLayerNormalization", [x(), x(), line()], epsilon=1e-5)
    add("skip_rms", "SkipSimplifiedLayerNormalization", [x(), x(), line(), line()], outputs=(0, 3), epsilon=1e-5)
    add("rms", "SimplifiedLayerNormalization", [x(), line()], domain="", epsilon=1e-5, axis=-1)
    ids = lambda most: RANDOM.integers(0, most, (BATCH, ROWS)).astype(np.int32)
    tables = [floats(9, 16), floats(8, 16), floats(2, 16)]
    mask = int32([1, 1, 1, 0, 0], [1, 1, 1, 1, 1])
    embedded = [ids(9), ids(2), *tables, line(), line(), mask]
    add("embed", "EmbedLayerNormalization", embedded, outputs=(0, 1), epsilon=1e-5)
    add("gelu", "Gelu", [floats(3, 7)])
    add("bias_gelu", "BiasGelu", [floats(3, 7), floats(7)])
    add("fast_gelu", "FastGelu", [floats(3, 7), floats(7)])
    add("quick_gelu", "QuickGelu", [floats(3, 7)], alpha=1.702)
    add("matmul", "FusedMatMul", [floats(2, 4, 3), floats(2, 5, 4)], transA=1, transB=1, alpha=0.5)
    for activation, more in ("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.1}):
        add(f"gemm_{activation}", "FusedGemm", [floats(4, 3), floats(3, 5), floats(5)], activation=activation, **more)
    conv = lambda: [floats(1, 3, 6, 6), floats(4, 3, 3, 3), floats(4)]
    add("conv", "FusedConv", conv(), activation="Relu", pads=[1] * 4)
    clip = {"activation": "Clip", "activation_params": [-0.5, 0.5]}
    add("conv_sum", "FusedConv", conv() + [floats(1, 4, 6, 6)], pads=[1] * 4, **clip)
    for bits in 4, 8:
        packed, blocks = RANDOM.integers(0, 256, (6, 2, 32 * bits // 8)).astype(np.uint8), floats(6, 2, scale=0.05)
        zeros = RANDOM.integers(0, 256, (6, 2 * bits // 8)).astype(np.uint8)
        form = {"K": 64, "N": 6, "bits": bits, "block_size": 32}
        add(f"nbits_{bits}", "MatMulNBits", [floats(2, 3, 64), packed, blocks], constant=(1, 2), **form)
        add(f"nbits_zeros_{bits}", "MatMulNBits", [floats(2, 3, 64), packed, blocks, zeros], constant=(1, 2, 3), **form)


def quantized(cases, kind, values, seed):
    """Quantized operators on one element type."""
    zero = lambda: np.array(RANDOM.integers(0, 100), values(1).dtype)
    def add(name, op, inputs, **more):
        constant = tuple(k for k, value in enumerate(inputs) if value.size == 1 or value.dtype == np.int32)
        cases.add(f"{name}_{kind}_{seed}", op, inputs, constant=constant, **more)

    part = lambda *shape: [values(*shape), scale(), zero()]
    result = lambda: [scale(), zero()]
    add("add", "QLinearAdd", part(3, 1, 50) + part(3, 4, 50) + result())
    add("mul", "QLinearMul", part(3, 4, 50) + part(4, 50) + result())
    add("sigmoid", "QLinearSigmoid", part(256) + [np.array(1 / 256, np.float32), np.zeros((), values(1).dtype)])
    add("leaky_relu", "QLinearLeakyRelu", part(256) + result(), alpha=0.1)
    add("global_pool", "QLinearGlobalAveragePool", part(2, 8, 7, 7) + result(), channels_last=0)
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}
    add("pool", "QLinearAveragePool", part(2, 3, 9, 9) + result(), **pool)
    end = result()
    add("concat", "QLinearConcat", end + part(2, 3) + part(2, 5) + [values(2, 2)] + end, axis=1)
    bias = RANDOM.integers(-1000, 1000, 5).astype(np.int32)
    wide = [np.array(3, np.float32), zero()]
    add("gemm", "QGemm", part(4, 30) + part(5, 30) + [bias] + wide, transB=1)
    add("gemm_float", "QGemm", part(4, 30) + part(30, 5) + [bias], alpha=0.5)
    add("matmul", "QLinearMatMul", part(2, 4, 30) + part(30, 5) + wide, domain="")
    filters = RANDOM.integers(-1000, 1000, 6).astype(np.int32)
    image = [uint8(2, 4, 8, 8), np.array(0.02, np.float32), np.array(77 + seed, np.uint8)]
    if values is int8:
        weight = [int8(6, 4, 3, 3), scales(6), np.zeros(6, np.int8)]
    else:
        weight = [uint8(6, 4, 3, 3), np.array(0.03, np.float32), np.array(130, np.uint8)]
    to = [np.array(0.9, np.float32), np.array(120, np.uint8), filters]
    place = {"pads": [1] * 4, "strides": [1 + seed % 2] * 2}
    cases.add(f"conv_{kind}_{seed}", "QLinearConv", image + weight + to, constant=range(1, 9), domain="", **place)


def integers(cases):
    """Exact sums, and quantizing at run time."""
    for kind, values in ("uint8", uint8), ("int8", int8):
        weight, zeros = values(20, 6), np.full(6, 3, values(1).dtype)
        cases.add(f"dynamic_{kind}", "DynamicQuantizeMatMul", [floats(3, 20), weight, scales(6), zeros, floats(6)], constant=(1, 2, 3))
        inputs = [uint8(3, 20), weight, scale(), scales(6), np.array(7, np.uint8), zeros, floats(6)]
        cases.add(f"to_float_{kind}", "MatMulIntegerToFloat", inputs, constant=(1, 3, 5))
        for name, zero in ("one", values(1)[0]), ("columns", values(6)):
            inputs = [uint8(3, 20), weight, np.array(7, np.uint8), np.asarray(zero)]
            cases.add(f"sums_{name}_{kind}", "MatMulInteger", inputs, constant=(2, 3), domain="")
    for name, mask in ("plain", None), ("mask", int32([1, 1, 1, 0, 0], [1, 1, 1, 1, 1])):
        own = [uint8(BATCH, ROWS, 12), int8(12, 3 * WIDTH), floats(3 * WIDTH), scale(), scale()]
        inputs = own + [mask, np.array(120, np.uint8), np.array(0, np.int8)]
        cases.add(f"attention_sums_{name}", "QAttention", inputs, constant=(1, 2, 3, 4, 6, 7), num_heads=HEADS)
    for groups in 1, 2:
        inputs = [uint8(1, 4, 7, 7), uint8(4, 4 // groups, 3, 3), np.array(100, np.uint8), np.array(120, np.uint8)]
        for constant in (), (1, 2, 3):
            name = f"conv_sums_{groups}_{'given' if not constant else 'known'}"
            cases.add(name, "ConvInteger", inputs, constant=constant, domain="", pads=[1] * 4, group=groups)


def network():
    """A small convolutional network with the operators that quantizers know."""
    shapes = {
        "w1": (8, 3, 3, 3), "b1": (8,), "w2": (16, 8, 3, 3), "b2": (16,),
        "w3": (16, 1, 3, 3), "b3": (16,), "w4": (16, 10), "b4": (10,),
    }  # fmt: skip
    weights = [numpy_helper.from_array(floats(*shape, scale=0.2), name) for name, shape in shapes.items()]
    node, around = helper.make_node, {"pads": [1] * 4}
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], **around),
        node("Relu", ["c1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "b2"], ["c2"], **around),
        node("LeakyRelu", ["c2"], ["r2"], alpha=0.1),
        node("Conv", ["r2", "w3", "b3"], ["c3"], group=16, **around),
        node("Add", ["c3", "r2"], ["sum"]),
        node("Sigmoid", ["sum"], ["gate"]),
        node("Mul", ["gate", "sum"], ["gated"]),
        node("GlobalAveragePool", ["gated"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("Gemm", ["flat", "w4", "b4"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info("x", 1, [2, 3, 16, 16])], [helper.make_tensor_value_info("y", 1, [2, 10])]
    graph = helper.make_graph(nodes, "network", *ports, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def networks(cases, folder):
    """Whole networks in every form that onnxruntime's quantizer writes."""
    try:
        from onnxruntime import quantization
    except ImportError as error:
        print(f"without the quantizer's networks: {error}")
        return
    kinds = quantization.QuantType

    class Reader(quantization.CalibrationDataReader):
        def __init__(self, name, data):
            self.rows = iter([{name: row} for row in data])

        def get_next(self):
            return next(self.rows, None)

    onnx.save(network(), folder / "network.onnx")
    digits = ROOT / "models" / "digits" / "digits.onnx"
    sources = ("network", folder / "network.onnx", "x", (2, 3, 16, 16)), ("digits", digits, "image", (4, 1, 8, 8))
    for name, path, port, shape in sources:
        data = [RANDOM.uniform(0, 1, shape).astype(np.float32) for _ in range(8)]
        def add(label, write):
            write(folder / "quantized.onnx")
            model = onnx.load(folder / "quantized.onnx")
            for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape):
                dim.dim_value = size
            cases.write(f"{name}_{label}", model, {port: data[0]})

        for per_channel in False, True:
            end = "_channels" if per_channel else ""
            for weights in kinds.QInt8, kinds.QUInt8:
                add(f"dynamic_{weights.name}{end}".lower(), lambda to: quantization.quantize_dynamic(
                    path, to, weight_type=weights, per_channel=per_channel, op_types_to_quantize=["Conv", "MatMul", "Gemm"]))
            for form in quantization.QuantFormat:
                for values, weights in (kinds.QUInt8, kinds.QInt8), (kinds.QUInt8, kinds.QUInt8), (kinds.QInt8, kinds.QInt8):
                    label = f"{form.name}_{values.name}_{weights.name}{end}".lower()
                    add(label, lambda to: quantization.quantize_static(
                        path, to, Reader(port, data), quant_format=form, activation_type=values,
                        weight_type=weights, per_channel=per_channel))


def older(cases):
    """Operators that became standard later, or that the standard ones had no types for; weights sorted by importance."""
    add = cases.add
    zero = np.array(7, np.uint16)
    add("quantize_16", "QuantizeLinear", [floats(3, 5), scale(), zero], constant=(1, 2))
    add("dequantize_16", "DequantizeLinear", [RANDOM.integers(0, 65536, (3, 5)).astype(np.uint16), scale(), zero], constant=(1, 2))
    add("quantize_axis", "QuantizeLinear", [floats(3, 5), scales(5), uint8(5)], constant=(1, 2), axis=1)
    for upper in 0, 1:
        add(f"triangle_{upper}", "Trilu", [floats(3, 4, 5), np.array(1, np.int64)], constant=(1,), upper=upper)
    add("expand_dims", "ExpandDims", [floats(3, 4), np.array(-1, np.int32)], constant=(1,))
    add("gather_nd", "GatherND", [floats(3, 4, 5), np.array([[0, 1], [2, 3]], np.int64)])
    add("product_transposed", "TransposeMatMul", [floats(4, 3), floats(4, 5)], transA=1, alpha=0.5)
    packed, blocks = RANDOM.integers(0, 256, (6, 2, 16)).astype(np.uint8), floats(6, 2, scale=0.05)
    groups = RANDOM.permutation(np.arange(64) // 32).astype(np.int32)
    form = {"K": 64, "N": 6, "bits": 4, "block_size": 32}
    add("nbits_sorted", "MatMulNBits", [floats(2, 3, 64), packed, blocks, None, groups], constant=(1, 2, 4), **form)
    add("nbits_bias", "MatMulNBits", [floats(2, 3, 64), packed, blocks, None, None, floats(6)], constant=(1, 2, 5), **form)
    add("nbits_float_zeros", "MatMulNBits", [floats(2, 3, 64), packed, blocks, floats(6, 2, scale=4)], constant=(1, 2, 3), **form)
    for activation in "none", "silu":
        inputs = [floats(2, 6, 7), floats(6, 1, 4), floats(6), floats(2, 6, 3)]
        add(f"causal_{activation}", "CausalConvWithState", inputs, outputs=(0, 1), activation=activation)
    for rule in "linear", "gated", "delta", "gated_delta":
        inputs = [floats(2, 5, 4 * 8), floats(2, 5, 2 * 8), floats(2, 5, 2 * 6), floats(2, 2, 8, 6)]
        inputs += [-np.abs(floats(2, 5, 2)) if "gated" in rule else None, np.abs(floats(2, 5, 2)) if "delta" in rule else None]
        add(f"linear_{rule}", "LinearAttention", inputs, outputs=(0, 1), q_num_heads=4, kv_num_heads=2, update_rule=rule)


def experts(cases):
    """`MoE` and `QMoE`; normalized, for there both engines have the same weights."""
    count, width, inner = 4, 64, 32
    for kind, pairs, more in (
        ("relu", 1, {}), ("silu", 1, {}), ("gelu", 1, {}), ("identity", 1, {}),
        ("swiglu", 2, {"swiglu_fusion": 1, "activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 0.7}),
    ):  # fmt: skip
        biases = [floats(count, inner * pairs), floats(count, width)] if pairs == 2 else [None, None]
        head = [floats(2, 3, width), floats(6, count)]
        for normalize in 0, 1:
            weights = [floats(count, inner * pairs, width, scale=0.2), biases[0], floats(count, width, inner, scale=0.2), biases[1]]
            name = f"experts_{kind}_{normalize}"
            cases.add(name, "MoE", head + weights, activation_type=kind, k=2, normalize_routing_weights=normalize, **more)
        for block in 0, 32:
            code = lambda rows, columns: RANDOM.integers(0, 256, (count, rows, columns // 2)).astype(np.uint8)
            scale = lambda rows, columns: np.abs(floats(count, rows, columns // block) if block else floats(count, rows)) * np.float32(0.02)
            rows = inner * pairs
            weights = [code(rows, width), scale(rows, width), biases[0], code(width, inner), scale(width, inner), biases[1]]
            form = {"block_size": block} if block else {}
            form |= {"activation_type": kind, "k": 2, "normalize_routing_weights": 1, "expert_weight_bits": 4} | more
            cases.add(f"experts_4_bits_{kind}_{block}", "QMoE", head + weights, constant=(2, 3, 5, 6), **form)


def grow(values, shape, sizes=None, scales=None):
    """The inputs of a `Resize`."""
    by_scales, by_sizes = np.array(scales or [], np.float32), sizes and np.array(sizes, np.int64)
    return [values(*shape), None, None if sizes else by_scales, by_sizes]


def images(cases):
    """Linear `Resize` of whole numbers, adaptive `RoiAlign`, `NonMaxSuppression`."""
    int_image = lambda *shape: RANDOM.integers(-1000, 1000, shape).astype(np.int32)
    modes = "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"
    for kind, values in ("uint8", uint8), ("int8", int8), ("int32", int_image):
        for mode in modes:
            forms = {
                "up": grow(values, (2, 3, 7, 5), sizes=[2, 3, 16, 13]), "down": grow(values, (1, 3, 20, 31), sizes=[1, 3, 7, 9]),
                "wide": grow(values, (1, 3, 6, 7), sizes=[1, 3, 6, 17]), "tall": grow(values, (1, 3, 6, 7), sizes=[1, 3, 11, 7]),
                "scaled": grow(values, (1, 2, 9, 11), scales=[1, 1, 1.7, 0.6]), "plain": grow(values, (9, 11), sizes=[23, 8]),
                "last": grow(values, (1, 13, 17, 3), sizes=[1, 29, 11, 3]), "volume": grow(values, (1, 2, 4, 5, 6), sizes=[1, 2, 7, 3, 11]),
                "one": grow(values, (1, 2, 1, 5), sizes=[1, 2, 4, 9]),
            }  # fmt: skip
            for form, inputs in forms.items():
                name, more = f"resize_{kind}_{mode}_{form}", {"mode": "linear", "coordinate_transformation_mode": mode}
                cases.add(name, "Resize", inputs, constant=(2,) if inputs[3] is None else (3,), domain="", **more)
    for name, most in ("small", 9), ("large", 60):
        for mode in "half_pixel", "output_half_pixel":
            corners = RANDOM.uniform(-most / 4, most, (12, 2, 2)).astype(np.float32)
            regions = np.concatenate([corners.min(1), corners.max(1)], axis=1)
            inputs = [floats(2, 3, 11, 14), regions, RANDOM.integers(0, 2, 12).astype(np.int64)]
            more = {"output_height": 3, "output_width": 4, "spatial_scale": 0.7, "coordinate_transformation_mode": mode}
            cases.add(f"roi_{name}_{mode}", "RoiAlign", inputs, domain="", sampling_ratio=0, mode="avg", **more)
    for seed in range(4):
        for count, classes, most in (30, 3, 5), (200, 1, 40), (120, 2, 100), (300, 1, 300):
            corners = RANDOM.uniform(0, 1, (2, count, 2)).astype(np.float32)
            sizes = RANDOM.uniform(0.05, 0.4, (2, count, 2)).astype(np.float32)
            scores = np.round(RANDOM.uniform(0, 1, (2, classes, count)), 2).astype(np.float32)
            for centre, boxes in enumerate(([corners, corners + sizes], [corners, sizes])):
                inputs = [np.concatenate(boxes, axis=2), scores, np.array([most], np.int64), np.array([0.3], np.float32)]
                inputs += [np.array([0.5], np.float32)] if seed % 2 else []
                name = f"suppression_{count}_{classes}_{most}_{centre}_{seed}"
                rows = 2 * classes * min(most, count)
                cases.add(name, "NonMaxSuppression", inputs, constant=(2,), domain="", most=rows, center_point_box=centre)


def whole_numbers(cases):
    """Products of whole numbers that wrap."""
    for kind in np.int32, np.int64, np.uint32, np.uint64:
        most = 2**63 - 1 if kind == np.uint64 else np.iinfo(kind).max
        for label, low, high in ("small", 0, 100), ("wrapping", 0 if kind in (np.uint32, np.uint64) else np.iinfo(kind).min, most):
            values = lambda *shape: RANDOM.integers(low, high, shape, dtype=np.int64 if kind == np.int64 else kind)
            name = f"{np.dtype(kind).name}_{label}"
            if kind == np.uint64 and label == "wrapping":
                continue
            cases.add(f"product_{name}", "MatMul", [values(4, 7), values(7, 5)], domain="")
            cases.add(f"product_batch_{name}", "MatMul", [values(2, 1, 4, 7), values(3, 7, 5)], domain="")
            cases.add(f"product_lines_{name}", "MatMul", [values(7), values(2, 7, 5)], domain="")


def places(cases):
    """Masks of the data, caches, and prompts that are filled up."""
    node, make = helper.make_node, helper.make_tensor_value_info
    values = numpy_helper.from_array
    for inner in (), (3,):
        x, y = floats(4, 5, *inner), floats(4, 5, *inner)
        weights = [values(np.array(0, np.float32), "zero"), values(np.array([2], np.int64), "two"), values(np.array([0], np.int64), "none"),
                   values(np.array([9], np.int64), "end"), values(np.array([0.5], np.float32), "half")]  # fmt: skip
        mask = node("Less", ["m", "zero"], ["mask"])
        find = [node("NonZero", ["mask"], ["found"]), node("Transpose", ["found"], ["at"], perm=[1, 0])]
        outer = [node("Shape", ["at"], ["shape"]), node("Slice", ["shape", "none", "one", "none"], ["count"])]
        size = [node("Shape", ["x"], ["whole"]), node("Slice", ["whole", "two", "end", "none"], ["inner"])]
        expand = outer + size + [node("Concat", ["count", "inner"], ["sizes"], axis=0), node("Expand", ["half", "sizes"], ["new"])]
        chain = [node("GatherND", ["y", "at"], ["picked"]), node("Exp", ["picked"], ["e"]), node("Mul", ["e", "half"], ["new"])]
        filled = expand[:-1] + [node("ConstantOfShape", ["sizes"], ["new"], value=values(np.array([7], np.float32)))]
        weights.append(values(np.array([1], np.int64), "one"))
        for label, made in ("scalar", expand), ("chain", chain), ("filled", filled):
            for reduction in "none", "add", "max":
                put = node("ScatterND", ["x", "at", "new"], ["z"], reduction=reduction)
                # The mask first: of what is refused, the others are tried as weights.
                ports = [make("m", 1, (4, 5))] + [make(n, 1, v.shape) for n, v in (("x", x), ("y", y))]
                graph = helper.make_graph([mask] + find + made + [put], "g", ports, [onnx.ValueInfoProto(name="z")], weights)
                model = helper.make_model(graph, opset_imports=OPSETS, ir_version=10)
                given = {"m": floats(4, 5), "x": x, "y": y}
                cases.write(f"mask_{label}_{reduction}_{len(inner)}", model, given)
    newest = [helper.make_opsetid("", 24)]
    for mode in "linear", "circular":
        for form, shape, rows, axis in ("heads", (2, 3, 8, 4), 3, -2), ("flat", (3, 8, 4), 2, 1):
            update = list(shape)
            update[axis] = rows
            starts = RANDOM.integers(0, 8 if mode == "circular" else 6, shape[0]).astype(np.int64)
            inputs = [floats(*shape), floats(*update), starts]
            cases.add(f"cache_{mode}_{form}", "TensorScatter", inputs, domain="", opsets=newest, mode=mode, axis=axis)
    for valid in 2, 4, 6:
        angles = np.cos(floats(32, SIZE // 2)), np.sin(floats(32, SIZE // 2))
        heads = [floats(1, 6, WIDTH), floats(1, 6, 2 * SIZE), floats(1, 6, 2 * SIZE), floats(1, 2, 8, SIZE), floats(1, 2, 8, SIZE)]
        given = {f"i{k}": x for k, x in enumerate(heads + [int32(valid - 1), np.array(6, np.int32), *angles])}
        kinds = {n: helper.np_dtype_to_tensor_dtype(x.dtype) for n, x in given.items()}
        attend = node("GroupQueryAttention", list(given), ["all", "k", "v"], domain=MICROSOFT, num_heads=HEADS, kv_num_heads=2, do_rotary=1)
        cut = node("Slice", ["all", "from", "to", "axis"], ["y"])
        bounds = [values(np.array([number], np.int64), n) for n, number in (("from", 0), ("to", valid), ("axis", 1))]
        ports = [make(n, kinds[n], x.shape) for n, x in given.items()]
        graph = helper.make_graph([attend, cut], "g", ports, [make("y", 1, None)], bounds)
        cases.write(f"gqa_filled_up_{valid}", helper.make_model(graph, opset_imports=OPSETS, ir_version=10), given)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a new folder")
    options = parser.parse_args()
    if options.folder.exists():
        sys.exit(f"{options.folder} exists")
    onnxruntime.set_default_logger_severity(4)
    cases = Cases(options.folder)
    attention(cases)
    grouped(cases)
    fused(cases)
    for seed in range(6):
        quantized(cases, "uint8", uint8, seed)
        quantized(cases, "int8", int8, seed)
    integers(cases)
    with tempfile.TemporaryDirectory() as folder:
        networks(cases, pathlib.Path(folder))
    images(cases)
    whole_numbers(cases)
    places(cases)
    older(cases)
    experts(cases)
    print(f"{cases.count} cases in {options.folder}")


if __name__ == "__main__":
    main()
