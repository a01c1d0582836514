"""Evaluates ONNX models in float64, which is nearer to the exact result than any engine in float32.

The evaluator is the `onnx` package's own. Operators that it lacks or gets wrong for the models here
are defined below, each with the reason.
"""

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


class BatchNormalization(OpRun):
    """The package's takes the batch's own statistics whenever `momentum` is given."""

    op_domain = ""

    def _run(self, x, scale, bias, mean, variance, epsilon=None, momentum=None, training_mode=None):
        column = [-1] + [1] * (x.ndim - 2)
        factor = scale / np.sqrt(variance + (1e-5 if epsilon is None else epsilon))
        return ((x - mean.reshape(column)) * factor.reshape(column) + bias.reshape(column),)


class Resize(OpRun):
    """The package's needs a region; nearest neighbours by whole factors are all that occurs here."""

    op_domain = ""

    def _run(self, x, roi=None, scales=None, sizes=None, **attributes):
        for axis, scale in enumerate(scales):
            if scale != int(scale):
                raise NotImplementedError(f"a scale of {scale}")
            x = np.repeat(x, int(scale), axis)
        return (x,)


class LSTM(OpRun):
    """The package's has no third output. One direction, without peepholes and lengths."""

    op_domain = ""

    def _run(self, x, w, r, b, lengths=None, h=None, c=None, **attributes):
        sigmoid = lambda x: 1 / (1 + np.exp(-x))
        h, c, bias, outputs = h[0], c[0], np.add(*np.split(b[0], 2)), []
        for step in x:
            i, o, f, g = np.split(step @ w[0].T + h @ r[0].T + bias, 4, axis=-1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h[None])
        return np.stack(outputs), h[None], c[None]


class Softmax(OpRun):
    """The package's means one axis; before operator set 13 all axes from it on were one."""

    op_domain = ""

    def _run(self, x, axis=None):
        shape = x.shape
        flat = x.reshape(int(np.prod(shape[:axis])), -1)
        e = np.exp(flat - flat.max(axis=1, keepdims=True))
        return ((e / e.sum(axis=1, keepdims=True)).reshape(shape),)


def widen(graph, old):
    """Makes every constant and port of a graph and of the graphs inside it float64; `old` says that
    it is written for an operator set before 13."""

    def wide(tensor):
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    for weight in graph.initializer:
        wide(weight)
    for node in graph.node:
        if node.op_type == "GlobalMaxPool":
            # The evaluator's own gives another rank for signals of one dimension.
            node.op_type = "ReduceMax"
            node.attribute.append(helper.make_attribute("axes", [2]))
        if node.op_type == "Softmax" and old and not node.attribute:
            # The evaluator would fill in the new default.
            node.attribute.append(helper.make_attribute("axis", 1))
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
            if attribute.type == AttributeProto.TENSOR:
                wide(attribute.t)
            if attribute.type == AttributeProto.GRAPH:
                widen(attribute.g, old)
    for port in [*graph.input, *graph.output]:
        if port.type.tensor_type.elem_type == TensorProto.FLOAT:
            port.type.tensor_type.elem_type = TensorProto.DOUBLE


class Exact:
    """An evaluator of a model in float64."""

    def __init__(self, path):
        model = onnx.load(path)
        old = any(entry.domain == "" and entry.version < 13 for entry in model.opset_import)
        widen(model.graph, old)
        ops = [BatchNormalization, Resize, LSTM] + ([Softmax] if old else [])
        self.evaluator = ReferenceEvaluator(model, new_ops=ops)

    def run(self, inputs):
        """The outputs for named inputs."""
        wide = {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in inputs.items()}
        return self.evaluator.run(None, wide)
