"""Equal numbers: with the rows in order, ours take the very steps that scikit-learn's take."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

from glassnet import estimators
from glassnet.estimators import base

ROWS = 53
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4))
THREE = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
TWO = THREE > 0
LABELS = np.stack([THREE > 0, THREE > 1], axis=1).astype(int)
NUMBER = 2 * X[:, 0] + X[:, 1]
NUMBERS = np.stack([NUMBER, X[:, 2] ** 2], axis=1)
WEIGHTS = RNG.uniform(0, 2, ROWS)

SMALL = {
    "hidden_layer_sizes": (7, 5),
    "batch_size": 16,  # three batches, and one of five rows
    "max_iter": 8,
    "shuffle": False,
    "random_state": 3,
}
EARLY = {
    "early_stopping": True,
    "max_iter": 100,
    "validation_fraction": 0.2,
    "n_iter_no_change": 3,
}
CASES = {
    **{
        activation: ("MLPClassifier", THREE, {"activation": activation})
        for activation in ("relu", "logistic", "tanh", "identity")
    },
    "two classes": ("MLPClassifier", TWO, {}),
    "labels": ("MLPClassifier", LABELS, {}),
    "text classes": ("MLPClassifier", np.array(["c", "a", "b"])[THREE], {}),
    "numbers": ("MLPRegressor", NUMBERS, {"alpha": 0.5}),
    "poisson": ("MLPRegressor", NUMBERS[:, 1], {"loss": "poisson"}),
    "epsilon": ("MLPClassifier", THREE, {"epsilon": 0.01, "beta_1": 0.5, "beta_2": 0.9}),
    "momentum": ("MLPRegressor", NUMBER, {"solver": "sgd", "nesterovs_momentum": False}),
    "momentum of 1": ("MLPRegressor", NUMBER, {"solver": "sgd", "momentum": 1.0}),
    "no momentum": ("MLPRegressor", NUMBER, {"solver": "sgd", "momentum": 0}),
    **{
        rate: ("MLPRegressor", NUMBER, {"solver": "sgd", "learning_rate": rate, "power_t": 0.3})
        for rate in ("constant", "invscaling")
    },
    "adaptive": (
        "MLPRegressor",
        NUMBER,
        {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 40}
        | {"learning_rate_init": 0.05, "tol": 0.3, "n_iter_no_change": 2},
    ),
    "tolerance": ("MLPClassifier", THREE, {"tol": 0.05, "n_iter_no_change": 3, "max_iter": 200}),
    "early, two classes": ("MLPClassifier", TWO, EARLY),
    "early, three classes": ("MLPClassifier", THREE, EARLY),
    "early, numbers": ("MLPRegressor", NUMBERS, EARLY),
    "early, adaptive": (
        "MLPRegressor",
        NUMBER,
        {**EARLY, "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
    ),
    "lbfgs": ("MLPClassifier", THREE, {"solver": "lbfgs", "max_iter": 30}),
    "lbfgs, two classes": ("MLPClassifier", TWO, {"solver": "lbfgs", "max_iter": 30}),
    "lbfgs, numbers": ("MLPRegressor", NUMBER, {"solver": "lbfgs", "max_iter": 30, "alpha": 0.1}),
}
ATTRIBUTES = ["n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_"]
IN_EPOCHS = ["best_loss_", "best_validation_score_", "loss_curve_", "validation_scores_"]


def both(kind, y, options, **fit):
    """Theirs and ours, fitted."""
    fitted = []
    for module in (sklearn.neural_network, estimators):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(getattr(module, kind)(**SMALL | options).fit(X, y, **fit))
    return fitted


def assert_same_weights(theirs, ours, atol=1e-9):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(theirs, name), getattr(ours, name), strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("short", [True, False], ids=["references", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_every_step_is_scikit_learns(case, short, monkeypatch):
    monkeypatch.setattr(base, "FEW_STEPS", np.inf if short else 0)
    kind, y, options = CASES[case]
    theirs, ours = both(kind, y, options)
    if options.get("solver") != "lbfgs":
        assert ours.network_.way == ("replayed" if short else "compiled")
    assert_same_weights(theirs, ours)
    in_epochs = options.get("solver") != "lbfgs"
    for name in ATTRIBUTES + IN_EPOCHS * in_epochs:
        expected, received = getattr(theirs, name), getattr(ours, name)
        if isinstance(expected, str) or expected is None:
            assert received == expected, name
        else:
            np.testing.assert_allclose(received, expected, rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-9)
    np.testing.assert_array_equal(ours.predict(X).shape, theirs.predict(X).shape)
    if kind == "MLPClassifier":
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    else:
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(("kind", "y"), [("MLPClassifier", THREE), ("MLPRegressor", NUMBER)])
def test_sample_weights_mean_the_same(kind, y, solver):
    theirs, ours = both(kind, y, {"solver": solver, "alpha": 0.3}, sample_weight=WEIGHTS)
    assert_same_weights(theirs, ours)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_start_and_partial_fit_go_on_alike(solver):
    pair = [
        module.MLPRegressor(**SMALL, solver=solver, warm_start=True)
        for module in (sklearn.neural_network, estimators)
    ]
    for model in pair:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, NUMBER).fit(X, NUMBER)
        for _ in range(3):
            model.partial_fit(X[:20], NUMBER[:20])
    assert_same_weights(*pair)
    for name in ("t_", "n_iter_", "loss_curve_", "best_loss_", "_no_improvement_count"):
        np.testing.assert_allclose(getattr(pair[1], name), getattr(pair[0], name), rtol=1e-9)


def test_float32_takes_the_same_steps_to_its_precision():
    x = X.astype(np.float32)
    options = SMALL | {"tol": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = sklearn.neural_network.MLPClassifier(**options).fit(x, THREE)
        ours = estimators.MLPClassifier(**options).fit(x, THREE)
    assert_same_weights(theirs, ours, atol=1e-5)
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype("float32")}
    assert ours.predict_proba(x).dtype == ours.transform(x).dtype == np.float32
