#!/usr/bin/env python3
"""Writes classical models, inputs and onnxruntime's results, as the `onnx` package lays out its tests.

    classical_cases.py DIR

`$BIN/examples/conformance DIR --tolerance 1e-5` then compares: random forests of every mode, transform and
aggregation, with missing values; linear models; encoders. Where scikit-learn, XGBoost or LightGBM and their converters
are installed, models that they train are written too.
"""

import pathlib
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROWS, FEATURES = 7, 5


def save(target, name, op, x, outputs, version, **attributes):
    """One node's model; with labels, the first output is whole numbers."""
    node = helper.make_node(op, ["x"], outputs, domain="ai.onnx.ml", **attributes)
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    types = [TensorProto.INT64 if output == "label" else TensorProto.FLOAT for output in outputs]
    if op == "LabelEncoder" and "values_int64s" in attributes:
        types = [TensorProto.INT64]
    if op == "Imputer":
        types = [kind]
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info(output, t, None) for output, t in zip(outputs, types)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, {"x": x})
    data = target / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (target / name / "model.onnx").write_bytes(model.SerializeToString())
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    for i, array in enumerate(results):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())


def forest(rng, trees, depth, modes, targets, missing, signs):
    """Random trees as lists of nodes and of leaves' weights, by the names that both operators share."""
    nodes = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    tracks, votes = [], {key: [] for key in ("treeids", "nodeids", "ids", "weights")}

    def grow(tree, level, ids):
        own = ids[0]
        ids[0] += 1
        at = len(nodes["nodeids"])
        leaf = level == depth or rng.random() < 0.2
        for key in nodes:
            nodes[key].append(0)
        nodes["treeids"][at], nodes["nodeids"][at] = tree, own
        tracks.append(int(missing and rng.random() < 0.5))
        if leaf:
            nodes["modes"][at], nodes["values"][at] = "LEAF", 0.0
            for target in rng.permutation(targets)[: rng.integers(1, len(targets) + 1)]:
                votes["treeids"].append(tree)
                votes["nodeids"].append(own)
                votes["ids"].append(int(target))
                votes["weights"].append(float(np.float32(rng.uniform(-1 if signs else 0.01, 1))))
            return own
        nodes["modes"][at] = str(rng.choice(modes))
        nodes["featureids"][at] = int(rng.integers(FEATURES))
        # Some thresholds are values of the data, for the modes that differ only there.
        nodes["values"][at] = float(np.float32(rng.integers(-4, 5) / 2))
        nodes["truenodeids"][at] = grow(tree, level + 1, ids)
        nodes["falsenodeids"][at] = grow(tree, level + 1, ids)
        return own

    for tree in range(trees):
        grow(tree, 0, [0])
    found = {f"nodes_{key}": value for key, value in nodes.items()}
    if missing:
        found["nodes_missing_value_tracks_true"] = tracks
    return found, votes


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]


def trees(target):
    for i, mode in enumerate([*MODES, None]):
        for missing in (False, True):
            rng = np.random.default_rng(100 + i)
            x = (rng.integers(-4, 5, (ROWS, FEATURES)) / 2).astype(np.float32)
            if missing:
                x[rng.random(x.shape) < 0.3] = np.nan
            modes = [mode] if mode else MODES
            name = f"trees_{mode or 'mixed'}{'_missing' if missing else ''}"
            nodes, votes = forest(rng, 9, 4, modes, [0, 1, 2], missing, True)
            leaves = {f"target_{key}": value for key, value in votes.items()}
            save(target, name, "TreeEnsembleRegressor", x, ["y"], 3, n_targets=3, **nodes, **leaves)
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        for transform in TRANSFORMS:
            rng = np.random.default_rng(7)
            x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
            nodes, votes = forest(rng, 5, 3, ["BRANCH_LT"], [0, 1], False, True)
            leaves = {f"target_{key}": value for key, value in votes.items()}
            save(target, f"aggregate_{aggregate}_{transform}", "TreeEnsembleRegressor", x, ["y"], 3, n_targets=2,
                 aggregate_function=aggregate, post_transform=transform, base_values=[0.5, -0.25], **nodes, **leaves)
    for labels in ([3, 1, 2], [0, 1], [5, 9]):
        for classes in ([0], [1], list(range(len(labels)))):
            if len(labels) > 2 and len(classes) == 1:
                continue
            for transform in TRANSFORMS:
                for signs in (False, True):
                    for base in ((), (0.25,), (0.125, -0.5)):
                        binary = len(labels) == 2 and len(classes) == 1
                        if (binary and base == (0.125, -0.5)) or (not binary and base == (0.25,)) or (len(labels) == 3 and base):
                            continue
                        rng = np.random.default_rng(len(labels))
                        x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
                        nodes, votes = forest(rng, 4, 3, ["BRANCH_LEQ"], classes, False, signs)
                        leaves = {f"class_{key}": value for key, value in votes.items()}
                        more = {"base_values": list(base)} if base else {}
                        name = f"classes_{'_'.join(map(str, labels))}_of_{len(classes)}{classes[0]}_{transform}_{signs}_{len(base)}"
                        save(target, name, "TreeEnsembleClassifier", x, ["label", "scores"], 1,
                             classlabels_int64s=labels, post_transform=transform, **nodes, **leaves, **more)


def linear(target):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    for transform in TRANSFORMS:
        for lines in (1, 2, 3):
            coefficients = rng.normal(size=lines * FEATURES).astype(np.float32).tolist()
            intercepts = rng.normal(size=lines).astype(np.float32).tolist()
            labels = [4, 2] if lines < 3 else [4, 2, 9]
            save(target, f"linear_classes_{lines}_{transform}", "LinearClassifier", x, ["label", "scores"], 1,
                 coefficients=coefficients, intercepts=intercepts, classlabels_ints=labels, post_transform=transform)
            save(target, f"linear_targets_{lines}_{transform}", "LinearRegressor", x, ["y"], 1,
                 coefficients=coefficients, intercepts=intercepts, targets=lines, post_transform=transform)
    for norm in ("MAX", "L1", "L2"):
        rows = np.vstack([x, np.zeros((1, FEATURES), np.float32), -np.abs(x[:1])])
        save(target, f"normalizer_{norm}", "Normalizer", rows, ["y"], 1, norm=norm)
    line = rng.normal(size=FEATURES).astype(np.float32).tolist()
    save(target, "scaler", "Scaler", x, ["y"], 1, offset=line, scale=line[::-1])
    save(target, "scaler_one", "Scaler", rng.integers(-9, 9, (3, FEATURES)).astype(np.int64), ["y"], 1, offset=[2.0], scale=[0.5])


def encoders(target):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    holes = x.copy()
    holes[rng.random(x.shape) < 0.4] = np.nan
    line = rng.normal(size=FEATURES).astype(np.float32).tolist()
    save(target, "imputer_nan", "Imputer", holes, ["y"], 1, imputed_value_floats=line, replaced_value_float=float("nan"))
    save(target, "imputer_one", "Imputer", x.round(), ["y"], 1, imputed_value_floats=[7.0], replaced_value_float=-1.0)
    whole = rng.integers(-2, 6, (ROWS, FEATURES)).astype(np.int64)
    save(target, "imputer_whole", "Imputer", whole, ["y"], 1, imputed_value_int64s=[9], replaced_value_int64=1)
    save(target, "one_hot", "OneHotEncoder", whole, ["y"], 1, cats_int64s=[3, -1, 0, 5])
    save(target, "one_hot_floats", "OneHotEncoder", x, ["y"], 1, cats_int64s=[0, 1, -1])
    save(target, "labels_whole", "LabelEncoder", whole, ["y"], 2, keys_int64s=[0, 3, -2], values_int64s=[10, 20, 30], default_int64=-7)
    save(target, "labels_floats", "LabelEncoder", whole, ["y"], 2, keys_int64s=[0, 3, -2], values_floats=[0.5, 1.5, -2.5])
    save(target, "labels_of_floats", "LabelEncoder", x.round(), ["y"], 2, keys_floats=[0.0, 1.0, -1.0], values_int64s=[1, 2, 3])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    trees(target)
    linear(target)
    encoders(target)
    print(f"{len(list(target.iterdir()))} cases in {target}")


if __name__ == "__main__":
    main()
