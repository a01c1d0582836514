#!/usr/bin/env python3
"""Trains small classical models, exports them, and writes them with their own libraries' predictions, as the `onnx`
package lays out its tests.

    classical_libraries.py DIR

`$BIN/examples/conformance DIR --tolerance 1e-4` then compares. The models are scikit-learn's, exported by skl2onnx, and
XGBoost's and LightGBM's, exported by onnxmltools. What is expected was computed by the library, in float64 where it
computes so, and never by an ONNX runtime.

Not here, because the exports are other functions than the models, in onnxruntime too: Normalizer("max") (the largest
element, not the largest size), `reg:logistic` and random forests of XGBoost (no logistic function, no sum over
parallel trees), and quadratic discriminants (labels as a row).
"""

import pathlib
import sys
import warnings

import lightgbm
import numpy as np
import onnxmltools
import skl2onnx
import xgboost
from onnx import helper, numpy_helper
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn import (
    calibration, cluster, cross_decomposition, datasets, decomposition, discriminant_analysis, ensemble, feature_selection,
    linear_model, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree,
)
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.multiclass import OneVsRestClassifier

FEATURES, ROWS, TEST_ROWS = 6, 160, 11
OPSETS = {"": 17, "ai.onnx.ml": 3}


def data(classes=0, seed=0, holes=False, labels=None):
    """Features that are float32, and classes or numbers that follow from them with some noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS + TEST_ROWS, FEATURES)).astype(np.float32)
    line = rng.normal(size=(FEATURES, max(classes, 1)))
    scores = np.sin(x) @ line + 0.3 * rng.normal(size=(len(x), max(classes, 1)))
    if holes:
        x[rng.random(x.shape) < 0.15] = np.nan
    if classes == 0:
        y = 0.5 + scores[:, 0]
    elif classes == 2:
        y = (scores[:, 0] > 0).astype(np.int64)
    else:
        y = scores.argmax(axis=1)
    if labels is not None:
        y = np.asarray(labels)[y]
    return x[:ROWS], y[:ROWS], x[ROWS:]


def take_bools_as_ints():
    """skl2onnx lists bools where protobuf wants whole numbers, which its newer versions no longer take."""
    make = helper.make_attribute

    def changed(key, value, *rest, **more):
        if isinstance(value, (list, tuple)):
            value = [int(x) if isinstance(x, (bool, np.bool_)) else x for x in value]
        return make(key, value, *rest, **more)

    helper.make_attribute = changed


def write(target, name, model, x, expected):
    """A case: the model, its input, and what the library gives for each output."""
    found = [output.name for output in model.graph.output]
    if len(found) != len(expected):
        raise ValueError(f"{name}: outputs {found} for {len(expected)} expected values")
    folder = target / name / "test_data_set_0"
    folder.mkdir(parents=True, exist_ok=True)
    (target / name / "model.onnx").write_bytes(model.SerializeToString())
    inputs = x if isinstance(x, list) else [x]
    for kind, arrays in (("input", inputs), ("output", expected)):
        for i, array in enumerate(arrays):
            array = np.asarray(array)
            array = array.astype(np.float32) if array.dtype == np.float64 else array
            (folder / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())


def keep_outputs(model, names):
    """Leaves out the other outputs."""
    kept = [output for output in model.graph.output if output.name in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)


def classes_of(model, x):
    return [model.predict(x).astype(np.int64), model.predict_proba(x)]


def decisions_of(model, x):
    return [model.predict(x).astype(np.int64), model.decision_function(x)]


def column(values):
    return np.asarray(values).reshape(len(values), -1)


def from_sklearn(model, x, **options):
    return skl2onnx.to_onnx(model, x[:1], options={id(model): options} if options else None, target_opset=OPSETS)


def sklearn_classifiers(target):
    two, three = {"classes": 2}, {"classes": 3}
    models = {
        "logistic": (linear_model.LogisticRegression(), two),
        "logistic_three": (linear_model.LogisticRegression(), three),
        "logistic_labels": (linear_model.LogisticRegression(), {"classes": 3, "labels": [7, -2, 40]}),
        "logistic_one_vs_rest": (OneVsRestClassifier(linear_model.LogisticRegression()), three),
        "sgd": (linear_model.SGDClassifier(loss="log_loss", random_state=0), two),
        "sgd_three": (linear_model.SGDClassifier(loss="log_loss", random_state=0), three),
        "tree": (tree.DecisionTreeClassifier(max_depth=5, random_state=0), two),
        "tree_three": (tree.DecisionTreeClassifier(max_depth=5, random_state=0), three),
        "forest": (ensemble.RandomForestClassifier(20, max_depth=6, random_state=0), two),
        "forest_four": (ensemble.RandomForestClassifier(20, max_depth=6, random_state=0), {"classes": 4}),
        "extra": (ensemble.ExtraTreesClassifier(20, max_depth=6, random_state=0), two),
        "extra_three": (ensemble.ExtraTreesClassifier(20, max_depth=6, random_state=0), three),
        "boosting": (ensemble.GradientBoostingClassifier(n_estimators=20, random_state=0), two),
        "boosting_three": (ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0), three),
        "histogram": (ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=0), two),
        "histogram_three": (ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0), three),
        "histogram_missing": (ensemble.HistGradientBoostingClassifier(max_iter=15), {"classes": 2, "holes": True}),
        "adaboost": (ensemble.AdaBoostClassifier(n_estimators=8, random_state=0), three),
        "bagging": (ensemble.BaggingClassifier(n_estimators=5, random_state=0), three),
        "voting": (
            ensemble.VotingClassifier(
                [("line", linear_model.LogisticRegression()), ("tree", tree.DecisionTreeClassifier(max_depth=3, random_state=0))], voting="soft",
                flatten_transform=False,
            ),
            three,
        ),
        "bayes": (naive_bayes.GaussianNB(), three),
        "bayes_bernoulli": (naive_bayes.BernoulliNB(), two),
        "discriminant": (discriminant_analysis.LinearDiscriminantAnalysis(), three),
        "network": (neural_network.MLPClassifier((12, 8), max_iter=150, random_state=0), two),
        "network_three": (neural_network.MLPClassifier((12,), activation="tanh", max_iter=150, random_state=0), three),
        "calibrated": (calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), two),
        "neighbors": (neighbors.KNeighborsClassifier(3), three),
        "stacking": (
            ensemble.StackingClassifier(
                [("line", linear_model.LogisticRegression()), ("tree", tree.DecisionTreeClassifier(max_depth=3, random_state=0))]
            ),
            three,
        ),
        "scaled": (pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), three),
    }
    for name, (model, what) in models.items():
        x, y, rows = data(**what)
        yield f"sklearn_{name}", lambda model=model, x=x, y=y, rows=rows: (
            from_sklearn(model.fit(x, y), x, zipmap=False), rows, classes_of(model, rows)
        )

    def in_map():
        x, y, rows = data(classes=3)
        model = linear_model.LogisticRegression().fit(x, y)
        return from_sklearn(model, x), rows, classes_of(model, rows)

    def of_words():
        """Labels that are texts are left out."""
        x, y, rows = data(classes=3, labels=["ant", "bee", "cat"])
        model = ensemble.RandomForestClassifier(10, random_state=0).fit(x, y)
        onnx = from_sklearn(model, x, zipmap=False)
        keep_outputs(onnx, ["probabilities"])
        return onnx, rows, [model.predict_proba(rows)]

    def digits(model):
        """1,797 pictures of ten digits, of which 40 are predicted."""
        x, y = datasets.load_digits(return_X_y=True)
        x = (x / 16).astype(np.float32)
        model.fit(x[:1500], y[:1500])
        return from_sklearn(model, x, zipmap=False), x[1500:1540], classes_of(model, x[1500:1540])

    yield "sklearn_digits_machine", lambda: digits(svm.SVC(gamma=0.02, probability=True, random_state=0))
    yield "sklearn_digits_forest", lambda: digits(ensemble.RandomForestClassifier(60, random_state=0))
    yield "sklearn_map", in_map
    yield "sklearn_words", of_words


def sklearn_vectors(target):
    kernels = {
        "linear": {"kernel": "linear"}, "poly": {"kernel": "poly", "degree": 3, "coef0": 0.5},
        "poly4": {"kernel": "poly", "degree": 4, "coef0": 1.0}, "rbf": {"kernel": "rbf"},
        "sigmoid": {"kernel": "sigmoid", "gamma": 0.1, "coef0": 0.1},
    }
    for name, kernel in kernels.items():
        for classes in (2, 3, 5):
            for kind in (svm.SVC, svm.NuSVC):
                if kind is svm.NuSVC and (classes == 5 or name not in ("rbf", "linear")):
                    continue

                def case(kind=kind, kernel=kernel, classes=classes):
                    x, y, rows = data(classes=classes)
                    more = {"nu": 0.5} if kind is svm.NuSVC else {}
                    model = kind(**kernel, **more).fit(x, y)
                    decisions = model.decision_function(rows)
                    if classes == 2:
                        # As the export has it: the first column is the library's.
                        decisions = np.stack([decisions, -decisions], axis=1)
                    return from_sklearn(model, x), rows, [model.predict(rows), decisions]

                yield f"sklearn_{kind.__name__.lower()}_{name}_{classes}", case

        def regressor(kernel=kernel):
            x, y, rows = data()
            model = svm.SVR(**kernel).fit(x, y)
            return from_sklearn(model, x), rows, [column(model.predict(rows))]

        yield f"sklearn_svr_{name}", regressor

    def probabilities(classes):
        x, y, rows = data(classes=classes)
        model = svm.SVC(probability=True, random_state=0).fit(x, y)
        return from_sklearn(model, x, zipmap=False), rows, [model.predict(rows), model.predict_proba(rows)]

    yield "sklearn_svc_probabilities_2", lambda: probabilities(2)
    yield "sklearn_svc_probabilities_3", lambda: probabilities(3)
    yield "sklearn_svc_probabilities_7", lambda: probabilities(7)

    def linear(classes):
        x, y, rows = data(classes=classes)
        model = svm.LinearSVC().fit(x, y)
        scores = model.decision_function(rows)
        scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
        return from_sklearn(model, x, raw_scores=True), rows, [model.predict(rows), scores]

    yield "sklearn_linear_svc_2", lambda: linear(2)
    yield "sklearn_linear_svc_3", lambda: linear(3)

    def one_class():
        x, _, rows = data()
        model = svm.OneClassSVM(nu=0.3).fit(x)
        return from_sklearn(model, x), rows, [column(model.predict(rows)), column(model.decision_function(rows))]

    yield "sklearn_one_class", one_class

    def isolation():
        x, _, rows = data()
        model = ensemble.IsolationForest(n_estimators=10, random_state=0).fit(x)
        return from_sklearn(model, x), rows, [column(model.predict(rows)), column(model.decision_function(rows))]

    yield "sklearn_isolation", isolation


def sklearn_regressors(target):
    models = {
        "line": linear_model.LinearRegression(), "ridge": linear_model.Ridge(), "lasso": linear_model.Lasso(0.05),
        "elastic": linear_model.ElasticNet(0.05), "bayesian": linear_model.BayesianRidge(),
        "huber": linear_model.HuberRegressor(), "poisson": linear_model.PoissonRegressor(),
        "sgd_regressor": linear_model.SGDRegressor(random_state=0), "linear_svr": svm.LinearSVR(random_state=0),
        "nu_svr": svm.NuSVR(), "tree_regressor": tree.DecisionTreeRegressor(max_depth=5, random_state=0),
        "forest_regressor": ensemble.RandomForestRegressor(20, max_depth=6, random_state=0),
        "extra_regressor": ensemble.ExtraTreesRegressor(20, max_depth=6, random_state=0),
        "boosting_regressor": ensemble.GradientBoostingRegressor(n_estimators=20, random_state=0),
        "histogram_regressor": ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=0),
        "adaboost_regressor": ensemble.AdaBoostRegressor(n_estimators=5, random_state=0),
        "bagging_regressor": ensemble.BaggingRegressor(n_estimators=5, random_state=0),
        "network_regressor": neural_network.MLPRegressor(hidden_layer_sizes=(12, 8), max_iter=150, random_state=0),
        "components_regressor": cross_decomposition.PLSRegression(2),
    }
    for name, model in models.items():
        def case(model=model, name=name):
            x, y, rows = data()
            model.fit(x, np.exp(y / 4) if name == "poisson" else y)
            return from_sklearn(model, x), rows, [column(model.predict(rows))]

        yield f"sklearn_{name}", case

    def two_targets(model):
        x, y, rows = data()
        model.fit(x, np.stack([y, x[:, 0] - y], axis=1))
        return from_sklearn(model, x), rows, [model.predict(rows)]

    yield "sklearn_line_two_targets", lambda: two_targets(linear_model.LinearRegression())
    yield "sklearn_forest_two_targets", lambda: two_targets(ensemble.RandomForestRegressor(10, max_depth=5, random_state=0))


def sklearn_transformers(target):
    rng = np.random.default_rng(5)
    models = {
        "standard": preprocessing.StandardScaler(), "min_max": preprocessing.MinMaxScaler(),
        "robust": preprocessing.RobustScaler(), "largest": preprocessing.MaxAbsScaler(),
        "normalizer_l1": preprocessing.Normalizer("l1"), "normalizer_l2": preprocessing.Normalizer("l2"),
        "binarizer": preprocessing.Binarizer(threshold=0.2),
        "polynomials": preprocessing.PolynomialFeatures(2), "bins": preprocessing.KBinsDiscretizer(4, encode="ordinal"),
        "power": preprocessing.PowerTransformer(), "components": decomposition.PCA(3),
        "truncated": decomposition.TruncatedSVD(3, random_state=0),
        "selected": feature_selection.VarianceThreshold(0.9),
        "imputed_scaled": pipeline.make_pipeline(SimpleImputer(), preprocessing.StandardScaler()),
        "imputed_most": SimpleImputer(strategy="most_frequent"), "imputed_median": SimpleImputer(strategy="median"),
    }
    for name, model in models.items():
        def case(model=model, name=name):
            x, _, rows = data(holes=name.startswith("imputed"))
            model.fit(x)
            return from_sklearn(model, x), rows, [model.transform(rows).astype(np.float32)]

        yield f"sklearn_{name}", case

    def one_hot():
        x = rng.integers(0, 5, size=(80, 3)).astype(np.int64)
        model = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(x)
        rows = rng.integers(-1, 6, size=(9, 3)).astype(np.int64)
        return from_sklearn(model, x), rows, [model.transform(rows).astype(np.float32)]

    def ordinal():
        x = rng.integers(0, 5, size=(80, 3)).astype(np.int64) * 3
        model = preprocessing.OrdinalEncoder(dtype=np.int64).fit(x)
        return from_sklearn(model, x), x[:9], [model.transform(x[:9])]

    def columns():
        x, y, rows = data(classes=3)
        x[:, 0], rows[:, 0] = x[:, 0].round(), rows[:, 0].round()
        prepared = ColumnTransformer([
            ("kinds", preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False), [0]),
            ("numbers", pipeline.make_pipeline(SimpleImputer(), preprocessing.StandardScaler()), [1, 2, 3]),
            ("small", preprocessing.MinMaxScaler(), [4, 5]),
        ])
        model = pipeline.make_pipeline(prepared, ensemble.RandomForestClassifier(10, random_state=0)).fit(x, y)
        return from_sklearn(model, x, zipmap=False), rows, classes_of(model, rows)

    def clusters():
        x, _, rows = data()
        model = cluster.KMeans(4, random_state=0, n_init=2).fit(x)
        return from_sklearn(model, x), rows, [model.predict(rows).astype(np.int64), model.transform(rows)]

    yield "sklearn_clusters", clusters
    yield "sklearn_one_hot", one_hot
    yield "sklearn_ordinal", ordinal
    yield "sklearn_columns", columns


def exported(convert, model, **more):
    return convert(model, initial_types=[("x", FloatTensorType([None, FEATURES]))], target_opset=15, **more)


def boosted(target):
    for holes in (False, True):
        for classes in (2, 3):
            more = {"n_estimators": 12, "max_depth": 4, "random_state": 0}
            suffix = f"{classes}{'_missing' if holes else ''}"

            def of_xgboost(classes=classes, holes=holes, more=more):
                x, y, rows = data(classes=classes, holes=holes)
                model = xgboost.XGBClassifier(**more).fit(x, y)
                return exported(onnxmltools.convert_xgboost, model), rows, classes_of(model, rows)

            def of_lightgbm(classes=classes, holes=holes, more=more):
                x, y, rows = data(classes=classes, holes=holes)
                model = lightgbm.LGBMClassifier(**more, verbose=-1).fit(x, y)
                return exported(onnxmltools.convert_lightgbm, model, zipmap=False), rows, classes_of(model, rows)

            yield f"xgboost_{suffix}", of_xgboost
            yield f"lightgbm_{suffix}", of_lightgbm
        suffix = "_missing" if holes else ""
        for objective in ("reg:squarederror", "reg:gamma", "count:poisson", "reg:absoluteerror"):
            def of_xgboost(objective=objective, holes=holes):
                x, y, rows = data(holes=holes)
                y = 1 / (1 + np.exp(-y)) if objective != "reg:squarederror" else y
                model = xgboost.XGBRegressor(n_estimators=12, max_depth=4, objective=objective).fit(x, y)
                return exported(onnxmltools.convert_xgboost, model), rows, [column(model.predict(rows))]

            yield f"xgboost_{objective.replace(':', '_')}{suffix}", of_xgboost
        for objective in ("regression", "regression_l1", "gamma", "poisson", "tweedie", "quantile"):
            def of_lightgbm(objective=objective, holes=holes):
                x, y, rows = data(holes=holes)
                y = 1 / (1 + np.exp(-y)) if not objective.startswith("reg") else y
                model = lightgbm.LGBMRegressor(n_estimators=12, objective=objective, verbose=-1).fit(x, y)
                return exported(onnxmltools.convert_lightgbm, model), rows, [column(model.predict(rows))]

            yield f"lightgbm_{objective}{suffix}", of_lightgbm

    def categories_of_lightgbm():
        """Splits by membership in a set of categories, which the export writes as chains of equalities."""
        x, y, rows = data(classes=2)
        x[:, 0], rows[:, 0] = (np.abs(x[:, 0]) * 3).round(), (np.abs(rows[:, 0]) * 3).round()
        model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, min_data_per_group=5, cat_smooth=1, random_state=0)
        model.fit(x, y, categorical_feature=[0])
        return exported(onnxmltools.convert_lightgbm, model, zipmap=False), rows, classes_of(model, rows)

    def map_of_lightgbm():
        x, y, rows = data(classes=3)
        model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, random_state=0).fit(x, y)
        return exported(onnxmltools.convert_lightgbm, model), rows, classes_of(model, rows)

    def dropped_trees_of_lightgbm():
        x, y, rows = data(classes=3)
        model = lightgbm.LGBMClassifier(boosting_type="dart", n_estimators=8, verbose=-1, random_state=0).fit(x, y)
        return exported(onnxmltools.convert_lightgbm, model, zipmap=False), rows, classes_of(model, rows)

    yield "lightgbm_dart", dropped_trees_of_lightgbm
    yield "lightgbm_categories", categories_of_lightgbm
    yield "lightgbm_map", map_of_lightgbm


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    warnings.simplefilter("ignore")
    take_bools_as_ints()
    written, unexported = 0, []
    for group in (sklearn_classifiers, sklearn_vectors, sklearn_regressors, sklearn_transformers, boosted):
        for name, case in group(target):
            try:
                write(target, name, *case())
                written += 1
            except Exception as error:
                unexported.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
    for line in unexported:
        print(f"not exported: {line}")
    print(f"{written} cases in {target}, {len(unexported)} not exported")


if __name__ == "__main__":
    main()
