#!/usr/bin/env python3
"""Writes classical models, inputs and onnxruntime's results, as the `onnx` package lays out its tests.

    classical_cases.py DIR

`$BIN/examples/conformance DIR --tolerance 1e-5` then compares: random forests of every mode, transform and
aggregation, with missing values and sets; linear models; support vector machines; encoders. What the libraries
themselves train and export is in classical_libraries.py.
"""

import pathlib
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROWS, FEATURES = 7, 5


def save(target, name, op, x, outputs, version, constants=(), **attributes):
    """One node's model; with labels, the first output is whole numbers."""
    weights = [numpy_helper.from_array(array, f"constant_{i}") for i, array in enumerate(constants)]
    node = helper.make_node(op, ["x"] + [weight.name for weight in weights], outputs, domain="ai.onnx.ml", **attributes)
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    types = [TensorProto.INT64 if output == "label" else TensorProto.FLOAT for output in outputs]
    if op == "LabelEncoder" and "values_int64s" in attributes:
        types = [TensorProto.INT64]
    if op in ("Imputer", "ArrayFeatureExtractor"):
        types = [kind]
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info(output, t, None) for output, t in zip(outputs, types)],
        weights,
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
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]


def as_probabilities(votes):
    """Weights whose sums are between 0 and 1, of which alone there is a probit."""
    return {**votes, "weights": [float(np.float32(abs(weight) / 8 + 0.01)) for weight in votes["weights"]]}


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
            # With one tree, some rows reach no weight for a target.
            for count, targets, base in ((5, 2, [0.5, -0.25]), (1, 3, []), (1, 2, [0.5, 0.25]), (5, 1, [0.125])):
                rng = np.random.default_rng(7)
                x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
                nodes, votes = forest(rng, count, 3, ["BRANCH_LT"], list(range(targets)), False, True)
                if transform == "PROBIT":
                    votes, base = as_probabilities(votes), [abs(value) / 20 for value in base]
                leaves = {f"target_{key}": value for key, value in votes.items()}
                more = {"base_values": base} if base else {}
                save(target, f"aggregate_{aggregate}_{transform}_{count}_{targets}_{len(base)}", "TreeEnsembleRegressor", x, ["y"], 3,
                     n_targets=targets, aggregate_function=aggregate, post_transform=transform, **more, **nodes, **leaves)
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
                        votes = as_probabilities(votes) if transform == "PROBIT" else votes
                        # Nobody has defined one probit where two scores are to be.
                        if transform == "PROBIT" and classes == [0]:
                            continue
                        leaves = {f"class_{key}": value for key, value in votes.items()}
                        more = {"base_values": list(base)} if base else {}
                        name = f"classes_{'_'.join(map(str, labels))}_of_{len(classes)}{classes[0]}_{transform}_{signs}_{len(base)}"
                        save(target, name, "TreeEnsembleClassifier", x, ["label", "scores"], 1,
                             classlabels_int64s=labels, post_transform=transform, **nodes, **leaves, **more)


    for transform in TRANSFORMS:
        for labels in ([0, 1], [4, 2, 9]):
            for signs in (False, True):
                rng = np.random.default_rng(11)
                x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
                nodes, votes = forest(rng, 1, 4, ["BRANCH_LEQ"], list(range(len(labels))), False, signs)
                votes = as_probabilities(votes) if transform == "PROBIT" else votes
                if transform == "PROBIT" and len(labels) == 2:
                    continue
                leaves = {f"class_{key}": value for key, value in votes.items()}
                save(target, f"one_tree_{len(labels)}_{transform}_{signs}", "TreeEnsembleClassifier", x, ["label", "scores"], 1,
                     classlabels_int64s=labels, post_transform=transform, **nodes, **leaves)


MEMBERS = 9


def split_forest(rng, trees, depth, modes, targets):
    """Random trees as `TreeEnsemble` has them, leaves apart from nodes; 6 asks for a set."""
    lists = {key: [] for key in ("featureids", "modes", "splits", "truenodeids", "falsenodeids", "trueleafs", "falseleafs",
                                 "missing_value_tracks_true")}
    leaf_ids, leaf_weights, members, roots = [], [], [], []

    def leaf():
        leaf_ids.append(int(rng.integers(targets)))
        leaf_weights.append(rng.uniform(-1, 1))
        return len(leaf_ids) - 1, 1

    def grow(level):
        at = len(lists["modes"])
        for key in lists:
            lists[key].append(0)
        lists["featureids"][at] = int(rng.integers(FEATURES))
        lists["modes"][at] = int(rng.choice(modes))
        lists["splits"][at] = rng.integers(-4, 5) / 2
        lists["missing_value_tracks_true"][at] = int(rng.random() < 0.5)
        # onnxruntime takes whole numbers only.
        own = rng.choice(np.arange(MEMBERS), size=rng.integers(1, 5), replace=False)
        if lists["modes"][at] == 6:
            members.append((at, own))
        for side in ("true", "false"):
            is_leaf = level + 1 == depth or rng.random() < 0.2
            child, mark = leaf() if is_leaf else (grow(level + 1), 0)
            lists[f"{side}nodeids"][at], lists[f"{side}leafs"][at] = child, mark
        return at

    for _ in range(trees):
        roots.append(grow(0))
    tensor = lambda values, kind: numpy_helper.from_array(np.asarray(values, kind))
    found = {f"nodes_{key}": value for key, value in lists.items() if key not in ("modes", "splits")}
    found |= {"nodes_modes": tensor(lists["modes"], np.uint8), "nodes_splits": tensor(lists["splits"], np.float32)}
    if members:
        sets = [np.append(own, np.nan) for _, own in sorted(members, key=lambda pair: pair[0])]
        found["membership_values"] = tensor(np.concatenate(sets), np.float32)
    return found | {"tree_roots": roots, "leaf_targetids": leaf_ids, "leaf_weights": tensor(leaf_weights, np.float32)}


def ensembles(target):
    for name, modes in (("orders", range(6)), ("mixed", range(7)), ("sets", [6])):
        for targets in (1, 3):
            for missing in (False, True):
                for aggregate in range(4):
                    rng = np.random.default_rng(40 + targets)
                    x = (rng.integers(-5, 6, (ROWS, FEATURES)) / 2).astype(np.float32)
                    if name != "orders":
                        x = rng.integers(-1, MEMBERS + 2, (ROWS, FEATURES)).astype(np.float32)
                    if missing:
                        x[rng.random(x.shape) < 0.3] = np.nan
                    save(target, f"ensemble_{name}_{targets}_{aggregate}{'_missing' if missing else ''}", "TreeEnsemble", x, ["y"],
                         5, n_targets=targets, aggregate_function=aggregate, post_transform=3 if targets > 1 else 0,
                         **split_forest(rng, 6, 4, list(modes), targets))


def machines(target):
    """Support vector machines with every kernel, of 2 to 20 classes."""
    kernels = {"LINEAR": [0.0, 0.0, 0.0], "POLY": [0.5, 0.25, 3.0], "RBF": [0.4, 0.0, 0.0], "SIGMOID": [0.3, 0.1, 0.0]}
    for kernel, parameters in [*kernels.items(), ("POLY", [0.3, 1.0, 2.0]), ("POLY", [0.2, 2.0, 5.0])]:
        suffix = f"{kernel}_{int(parameters[2])}"
        for transform in TRANSFORMS:
            for classes in (2, 3, 5, 20):
                for couples in (False, True):
                    # onnxruntime writes one probit where two scores are to be; of other scores there is none, and about
                    # one half and near 1 its digits are noise.
                    if transform == "PROBIT" and (not couples or classes == 2):
                        continue
                    rng = np.random.default_rng(classes)
                    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
                    counts = rng.integers(1, 6, classes)
                    counts[-1] += 3
                    vectors = rng.normal(size=(counts.sum(), FEATURES))
                    pairs = classes * (classes - 1) // 2
                    more = {}
                    if couples:
                        scale = 0.05 if transform == "PROBIT" else 1
                        more = {"prob_a": (rng.normal(-1.5, 1, pairs) * scale).tolist(), "prob_b": (rng.normal(size=pairs) * scale).tolist()}
                    save(target, f"machine_{suffix}_{transform}_{classes}_{couples}", "SVMClassifier", x, ["label", "scores"], 1,
                         kernel_type=kernel, kernel_params=parameters, post_transform=transform,
                         classlabels_ints=rng.permutation(classes * 2)[:classes].tolist(), vectors_per_class=counts.tolist(),
                         support_vectors=vectors.ravel().tolist(), rho=rng.normal(size=pairs).tolist(),
                         coefficients=rng.normal(size=(classes - 1) * counts.sum()).tolist(), **more)
        for one_class in (0, 1):
            rng = np.random.default_rng(9)
            x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
            save(target, f"machine_target_{suffix}_{one_class}", "SVMRegressor", x, ["y"], 1, kernel_type=kernel,
                 kernel_params=parameters, n_supports=9, support_vectors=rng.normal(size=9 * FEATURES).tolist(),
                 coefficients=rng.normal(size=9).tolist(), rho=[0.3], one_class=one_class)
    rng = np.random.default_rng(10)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    for classes in (1, 2, 3):
        for transform in TRANSFORMS[:4]:
            for signs in (False, True):
                coefficients = rng.normal(size=classes * FEATURES)
                coefficients = coefficients if signs else np.abs(coefficients)
                save(target, f"machine_line_{classes}_{transform}_{signs}", "SVMClassifier", x, ["label", "scores"], 1,
                     kernel_type="LINEAR", kernel_params=[0.0, 0.0, 0.0], post_transform=transform, rho=[-0.2],
                     classlabels_ints=[7, 3, 5][:classes], coefficients=coefficients.tolist())
    save(target, "machine_target_line", "SVMRegressor", x, ["y"], 1, kernel_type="LINEAR", kernel_params=[0.0, 0.0, 0.0],
         rho=[0.7], coefficients=rng.normal(size=FEATURES).tolist())


def linear(target):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    for transform in TRANSFORMS:
        for lines in (1, 2, 3):
            coefficients = rng.normal(size=lines * FEATURES).astype(np.float32).tolist()
            intercepts = rng.normal(size=lines).astype(np.float32).tolist()
            if transform == "PROBIT":
                coefficients, intercepts = [x / 40 for x in coefficients], [0.25 + x / 20 for x in intercepts]
            labels = [4, 2] if lines < 3 else [4, 2, 9]
            if transform != "PROBIT" or lines > 1:
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


def features(target):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    save(target, "binarizer", "Binarizer", x, ["y"], 1, threshold=0.25)
    save(target, "extract", "ArrayFeatureExtractor", x, ["y"], 1, constants=[np.array([3, 0, 3])])
    save(target, "extract_of_list", "ArrayFeatureExtractor", x[0], ["y"], 1, constants=[np.array([[1, 4]])])
    save(target, "extract_whole", "ArrayFeatureExtractor", rng.integers(-9, 9, (2, 3, 4)), ["y"], 1, constants=[np.array([2])])
    save(target, "vectorizer", "FeatureVectorizer", x, ["y"], 1, constants=[x[:, :2] * 2], inputdimensions=[FEATURES, 2])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    trees(target)
    ensembles(target)
    linear(target)
    machines(target)
    encoders(target)
    features(target)
    print(f"{len(list(target.iterdir()))} cases in {target}")


if __name__ == "__main__":
    main()
