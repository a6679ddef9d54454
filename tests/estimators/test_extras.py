"""What the estimators have and scikit-learn's multi-layer perceptrons lack."""

import copy
import pickle
import signal
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassnet as gn
from glassnet.estimators import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
NUMBER = X[:, 3]
QUICK = {"random_state": 0, "max_iter": 120, "learning_rate_init": 0.01}


def theta(model):
    return model.network_.theta.copy()


# In scikit-learn's machinery.


@pytest.mark.parametrize("make", [MLPClassifier, NetworkClassifier])
def test_pipeline_grid_search_and_two_jobs(make):
    model = make_pipeline(StandardScaler(), make(random_state=0, max_iter=300))
    name = make.__name__.lower()
    search = GridSearchCV(model, {f"{name}__batch_size": [20, 60]}, cv=2, n_jobs=2).fit(X, Y)
    assert search.best_score_ > 0.85
    one = cross_val_score(search.best_estimator_, X, Y, cv=3)
    two = cross_val_score(search.best_estimator_, X, Y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(one, two)


def test_calibration_and_permutation_importance():
    model = CalibratedClassifierCV(MLPClassifier(**QUICK), cv=2).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, Y) > 0.9
    noise = np.random.default_rng(0).normal(size=(len(X), 1))
    x = np.hstack([X, noise])
    found = permutation_importance(MLPClassifier(**QUICK).fit(x, Y), x, Y, random_state=0)
    assert found.importances_mean.argmin() == 4
    assert found.importances_mean.max() > 0.2


def test_a_clone_of_a_fitted_estimator_is_not_fitted():
    model = NetworkClassifier([gn.Dense(5), gn.Tanh(), gn.Dense(3)], max_iter=20).fit(X, Y)
    fresh = clone(model)
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    assert not model.network[0].built  # the list was copied before a network was made of it
    fresh.fit(X, Y)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_and_its_weights_stay_views(copied):
    model = MLPClassifier(**QUICK).fit(X, Y)
    other = copied(model)
    for each in (model, other):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(theta(other), theta(model))
    assert all(np.shares_memory(array, other.network_.theta) for array in other.coefs_)
    assert not np.shares_memory(other.network_.theta, model.network_.theta)


def test_callbacks_watch_and_do_not_stand_in_the_way_of_copies():
    watching = [gn.callbacks.Progress(), gn.EarlyStopping(5)]
    model = MLPClassifier(max_iter=2, random_state=0, callbacks=watching).fit(X, Y)
    for other in (clone(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(theta(other.fit(X, Y)), theta(model))
    search = GridSearchCV(model, {"alpha": [0.1, 1]}, cv=2, n_jobs=2, error_score="raise")
    assert search.fit(X, Y).best_score_ > 0


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


@pytest.mark.parametrize("make", [MLPRegressor, NetworkRegressor])
@pytest.mark.parametrize(
    "copied",
    [lambda m, _: copy.deepcopy(m), lambda m, _: pickle.loads(pickle.dumps(m)), through_joblib],
    ids=["deepcopy", "pickle", "joblib"],
)
def test_counts_are_predicted_by_copies(make, copied, tmp_path):
    model = make(loss="poisson", random_state=0, max_iter=20).fit(X, Y)
    np.testing.assert_array_equal(copied(model, tmp_path).predict(X), model.predict(X))


@pytest.mark.parametrize("columns", [1, 2])
def test_a_network_that_predicts_counts_is_saved_and_loaded(columns, tmp_path):
    counts = np.stack([Y, 2 - Y], axis=1)[:, :columns]
    model = MLPRegressor(loss="poisson", **QUICK).fit(X, np.squeeze(counts))
    path = model.network_.save(tmp_path / "counts.safetensors")
    net = gn.load(path)
    np.testing.assert_array_equal(net.predict(X), model.predict(X))
    squares = np.square(model.predict(X).reshape(counts.shape) - counts)
    assert net.evaluate(X, counts.astype(float))["rmse"] == pytest.approx(squares.mean() ** 0.5)
    script = model.network_.to_script(tmp_path / "counts.py").read_text()
    assert "def predict" not in script  # it would have to hold e^z


# Frames.


def test_frames_of_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = MLPClassifier(**QUICK, hidden_layer_sizes=3).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    out = model.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == model.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match=r"Column 'c' holds text, 'red' for.*OneHotEncoder"):
        model.fit(frame.assign(c="red"), Y)
    with pytest.raises(ValueError, match=r"row 3, column 'b'.*SimpleImputer"):
        model.fit(frame.assign(b=frame.b.where(frame.index != 3)), Y)
    for dtype in ("Float64", "Int64"):  # whose missing values are pandas.NA
        numbers = frame.round().astype(dtype)
        with pytest.raises(ValueError, match=r"row 3, column 'b'.*SimpleImputer"):
            model.fit(numbers.assign(b=numbers.b.where(frame.index != 3)), Y)


def test_frames_of_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(X, schema=["a", "b", "c", "d"])
    model = MLPRegressor(**QUICK, hidden_layer_sizes=3).fit(frame, pl.Series(NUMBER))
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    out = model.set_output(transform="polars").transform(frame)
    assert out.columns == model.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="Column 'c' holds text, 'red' for example"):
        model.fit(frame.with_columns(c=pl.lit("red")), NUMBER)


def test_text_and_missing_values_in_arrays():
    x = X.astype(object)
    x[2, 1] = "red"
    with pytest.raises(ValueError, match="X holds text, 'red' for example"):
        MLPClassifier().fit(x, Y)
    with pytest.raises(ValueError, match="X holds text, 'red' for example"):
        MLPClassifier().fit(x.astype(str), Y)
    x = X.copy()
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match="row 2, column 1"):
        MLPClassifier().fit(x, Y)
    with pytest.raises(ValueError, match="row 2, column 1"):
        MLPClassifier().fit(sparse.csr_array(x), Y)


@pytest.mark.parametrize("make", [MLPClassifier, NetworkRegressor])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_give_the_same_numbers(make, dtype):
    x = (X * (X > 2)).astype(dtype)
    models = [make(random_state=0, max_iter=20).fit(rows, Y) for rows in (x, sparse.csc_array(x))]
    np.testing.assert_array_equal(*map(theta, models))
    np.testing.assert_array_equal(models[0].predict(sparse.csr_matrix(x)), models[1].predict(x))
    assert theta(models[1]).dtype == dtype


SHORT = """
import sys
from sklearn.datasets import load_iris
from glassnet.estimators import MLPClassifier, MLPRegressor
x, y = load_iris(return_X_y=True)
model = MLPClassifier(max_iter=200, random_state=0).fit(x, y).partial_fit(x, y)
model.predict(x), model.predict_proba(x), model.score(x, y)
MLPRegressor(max_iter=200, loss="poisson", random_state=0).fit(x, y).predict(x)
print("numba" in sys.modules)
"""


def test_short_work_is_done_without_compiled_kernels():
    options = {"capture_output": True, "text": True, "check": True}
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", SHORT], **options)
    assert run.stdout == "False\n"


# Layers, optimizers, losses.


def test_layers():
    model = MLPClassifier(
        (8, 6),
        activation=["gelu", "tanh"],
        dropout=[0.1, 0],
        batch_norm=True,
        initializer="he_normal",
        **QUICK,
    ).fit(X, Y)
    names = [layer.name for layer in model.network_.layers]
    first, second = ["Dense", "BatchNorm", "GELU", "Dropout"], ["Dense", "BatchNorm", "Tanh"]
    assert names == [*first, *second, "Dense"]
    assert [array.shape for array in model.coefs_] == [(4, 8), (8, 6), (6, 3)]
    assert [array.shape for array in model.intercepts_] == [(8,), (6,), (3,)]
    shapes = [array.shape[1] for array in model.activations(X)]
    assert shapes == [8, 8, 8, 8, 6, 6, 6, 3]
    np.testing.assert_array_equal(model.transform(X), model.activations(X)[-2])
    assert "LayerNorm" in repr(MLPClassifier(layer_norm=True, **QUICK).fit(X, Y).network_)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    one, two, other = (
        theta(MLPClassifier(random_state=s, dropout=0.3, max_iter=5).fit(X, Y)) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_optimizer_schedule_and_loss():
    optimizer = gn.AdamW(0.02)
    model = MLPClassifier(
        optimizer=optimizer,
        schedule={"name": "cosine", "warmup": 2},
        loss={"name": "cross_entropy", "label_smoothing": 0.1},
        random_state=0,
        max_iter=40,
        callbacks=[log := gn.LearningRateLog()],
    ).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert log.rates[:3] == [0.01, 0.02, 0.02]
    assert optimizer.store is None  # a copy was used
    assert MLPRegressor(loss="huber", **QUICK).fit(X, NUMBER).score(X, NUMBER) > 0.8


def test_alpha_holds_for_an_optimizer_of_ones_own():
    norms = [
        np.square(MLPRegressor(optimizer="sgd", alpha=a, **QUICK).fit(X, NUMBER).coefs_[0]).sum()
        for a in (0.0, 100.0)
    ]
    assert norms[1] < 0.5 * norms[0]


def test_class_weight_moves_the_decision():
    weights = [None, {0: 1.0, 1: 1.0, 2: 20.0}]
    models = [MLPClassifier(class_weight=w, **QUICK) for w in weights]
    shares = [(model.fit(X, Y).predict(X) == 2).mean() for model in models]
    assert shares[1] > shares[0]
    unbalanced = np.concatenate([np.arange(50), np.arange(50, 55)])
    x, y = X[unbalanced], Y[unbalanced]
    by_class = MLPClassifier(class_weight="balanced", **QUICK).fit(x, y)
    by_row = MLPClassifier(**QUICK).fit(x, y, np.where(y == 0, 55 / 100, 55 / 10))
    np.testing.assert_allclose(theta(by_class), theta(by_row), rtol=1e-10)
    with pytest.raises(ValueError, match="partial_fit sees only some"):
        by_class.partial_fit(x, y)


# Validation, warm starts, partial fits.


def test_validation_data_is_scored_and_all_rows_are_learned_from():
    train, held = slice(None, None, 2), slice(1, None, 2)
    model = MLPClassifier(**QUICK)
    model.fit(X[train], Y[train], validation_data=(X[held], Y[held]))
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    assert model.validation_scores_[-1] == model.score(X[held], Y[held])
    p = model.predict_proba(X[held])[np.arange(75), Y[held]]
    np.testing.assert_allclose(model.validation_loss_curve_[-1], -np.log(p).mean(), rtol=1e-9)
    plain = MLPClassifier(**QUICK).fit(X[train], Y[train])
    np.testing.assert_array_equal(theta(model), theta(plain))


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("columns", [1, 3])
def test_scores_of_validation_data_are_those_of_scikit_learn(make, weighted, columns):
    y = np.squeeze((np.median(X, axis=0) < X)[:, :columns].astype(int))
    weights = np.linspace(0, 2, len(X)) if weighted else None
    model = make(**QUICK).fit(X, y, validation_data=(X, y, weights))
    assert model.validation_scores_[-1] == model.score(X, y, weights)
    assert len(set(model.validation_scores_)) > 1


def test_early_stopping_on_validation_data_puts_the_best_weights_back():
    train, held = slice(None, None, 2), slice(1, None, 2)
    model = MLPClassifier(early_stopping=True, n_iter_no_change=5, **QUICK | {"max_iter": 500})
    model.fit(X[train], Y[train], validation_data=(X[held], Y[held]))
    assert model.n_iter_ < 500
    assert "Validation score did not improve" in model.stopped_
    assert model.score(X[held], Y[held]) == model.best_validation_score_
    assert max(model.validation_scores_) == model.best_validation_score_


def test_partial_fit_stops_early_on_validation_data():
    model = MLPClassifier(early_stopping=True, n_iter_no_change=3, random_state=0)
    for _ in range(200):
        model.partial_fit(X, Y, classes=[0, 1, 2], validation_data=(X, Y))
        if model.stopped_:
            break
    assert 5 <= len(model.validation_scores_) < 200
    assert model.score(X, Y) == model.best_validation_score_ == max(model.validation_scores_)


def test_warm_start_keeps_the_optimizer_if_told_to():
    """Two halves are the whole, when nothing is shuffled."""
    options = {"random_state": 0, "shuffle": False, "tol": 0}
    whole = MLPClassifier(**options, max_iter=20).fit(X, Y)
    halves, fresh = (
        MLPClassifier(**options, max_iter=10, warm_start=kept) for kept in ("optimizer", True)
    )
    for model in (halves, fresh):
        model.fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(theta(halves), theta(whole), rtol=1e-12)
    assert np.abs(theta(fresh) - theta(whole)).max() > 1e-3
    assert len(halves.loss_curve_) == 20


def test_partial_fit_takes_labels_without_classes():
    x, y = make_multilabel_classification(60, random_state=0)
    model = MLPClassifier(random_state=0, learning_rate_init=0.02)
    for _ in range(60):
        model.partial_fit(x, y)
    assert model.score(x, y) > 0.8
    assert sparse.issparse(MLPClassifier(**QUICK).fit(x, sparse.csr_matrix(y)).predict(x))


LABELS = np.eye(3, dtype=int)[Y]
OTHER_KIND = r"y must hold labels \(n, K\), as in the first call. Received one class a row"


@pytest.mark.parametrize(
    "further",
    [
        lambda model: model.partial_fit(X, Y),
        lambda model: model.set_params(warm_start=True).fit(X, Y),
        lambda model: model.fit(X, LABELS, validation_data=(X, Y)),
    ],
)
def test_classes_do_not_follow_labels(further):
    model = MLPClassifier(random_state=0, max_iter=2).fit(X, LABELS)
    with pytest.raises(ValueError, match=OTHER_KIND):
        further(model)
    assert model.predict(X).shape == (150, 3)
    assert MLPClassifier(max_iter=2).fit(X, LABELS).fit(X, Y).predict(X).shape == (150,)


def test_predictions_are_as_sparse_as_the_labels_that_were_learned_from():
    held_out = X, sparse.csr_array(LABELS)
    model = MLPClassifier(max_iter=2).fit(X, LABELS, validation_data=held_out)
    assert isinstance(model.predict(X), np.ndarray)


def test_assigned_weights_are_used():
    model = MLPRegressor(**QUICK, hidden_layer_sizes=2, activation="identity").fit(X, NUMBER)
    model.coefs_ = [np.ones((4, 2)), np.ones((2, 1))]
    model.intercepts_ = [np.zeros(2), np.array([1.0])]
    np.testing.assert_allclose(model.activations(X)[-1][:, 0], 2 * X.sum(axis=1) + 1)
    np.testing.assert_allclose(model.predict(X), 2 * X.sum(axis=1) + 1)
    model.coefs_[1][...] = 0.0
    np.testing.assert_allclose(model.predict(X), 1)


# Networks of one's own.


def test_a_network_is_trained_as_a_copy():
    net = gn.Network([gn.Reshape((2, 2)), gn.Flatten(), gn.Dense(3)], (4,), seed=5)
    before = net.theta.copy()
    model = NetworkClassifier(net, random_state=0, max_iter=30).fit(X, Y)
    np.testing.assert_array_equal(net.theta, before)
    assert not np.array_equal(theta(model), before)
    assert theta(model).dtype == np.float32


def test_layers_from_a_function_fit_any_data():
    def layers(features, outputs):
        return [gn.Standardize(), gn.Dense(2 * features), gn.ReLU(), gn.Dense(outputs)]

    model = NetworkClassifier(layers, optimizer=gn.Adam(0.01), random_state=0)
    assert model.fit(X, Y).score(X, Y) > 0.9
    assert model.fit(X, Y > 0).network_.output_shape == (1,)
    assert NetworkRegressor(layers, max_iter=2).fit(X, X[:, :2]).predict(X).shape == (150, 2)


def test_a_layer_and_a_loss_of_ones_own():
    class Halve(gn.Layer):
        name = "Halve"

        def build(self, input_shape, store, rng):
            return input_shape

        def forward(self, x, training=False):
            return x / 2

        def backward(self, dy):
            return dy / 2

    class LogCosh(gn.Loss):
        name = "log_cosh"

        def rows(self, outputs, targets, losses, gradient):
            d = outputs - targets
            losses[:] = np.log(np.cosh(d)).sum(axis=1)
            gradient[:] = np.tanh(d)

    layers = [Halve(), gn.Dense(1)]
    model = NetworkRegressor(layers, loss=LogCosh(), optimizer=gn.Adam(0.05), max_iter=300)
    assert model.fit(X, NUMBER).score(X, NUMBER) > 0.8
    ours, own = (MLPRegressor(loss=loss, alpha=0.5, **QUICK) for loss in ("mae", LogCosh()))
    assert own.fit(X, NUMBER).score(X, NUMBER) > 0.8
    assert (ours.fit(X, NUMBER).network_.way, own.network_.way) == ("replayed", "replayed")


# Messages.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLPClassifier(solver="adm").fit(X, Y), "'solver' parameter.*mean 'adam'"),
        (lambda: MLPClassifier(activation="rely").fit(X, Y), "'activation'.*mean 'relu'"),
        (lambda: MLPClassifier(activation=["rely"]).fit(X, Y), "Unknown activation.*'relu'"),
        (lambda: MLPClassifier(activation=["relu"] * 2).fit(X, Y), "each of the 1 hidden layers"),
        (lambda: MLPClassifier(alpha=-1).fit(X, Y), "'alpha' parameter of MLPClassifier must be"),
        (lambda: MLPClassifier(optimizer="adan").fit(X, Y), "'optimizer'.*mean 'adam'"),
        (lambda: MLPClassifier().set_params(alfa=1), "'alfa'. Did you mean 'alpha'"),
        (lambda: MLPClassifier(solver="lbfgs", dropout=0.5).fit(X, Y), "which dropout does not"),
        (
            lambda: MLPClassifier(solver="lbfgs").fit(X, Y, validation_data=(X, Y)),
            "no epochs to score",
        ),
        (lambda: MLPClassifier().fit(X, Y, validation_data=X), r"must be \(X, y\)"),
        (lambda: MLPRegressor(loss="poisson").fit(X, -NUMBER), "counts ≥ 0"),
        (lambda: MLPRegressor(loss="cross_entropy").fit(X, NUMBER), "compares classes"),
        (lambda: MLPClassifier(loss="mse").fit(X, LABELS), "Several labels"),
        (
            lambda: MLPClassifier(callbacks=[gn.Checkpoint("last")]).fit(X, Y),
            "Pickle the estimator",
        ),
        (lambda: MLPClassifier().fit(X, np.c_[Y, Y]), "2 columns of classes.*MultiOutputClass"),
        (lambda: MLPClassifier(("a",)).fit(X, Y), r"hidden_layer_sizes must be > 0, got \['a'\]"),
        (
            lambda: NetworkClassifier(lambda n, k: gn.Network([gn.Dense(k)], (n,))).fit(X, Y),
            r"that returns a list of layers. It returned Network\(",
        ),
        (lambda: NetworkClassifier([gn.Dense(2)]).fit(X, Y), r"End it with Dense\(3\)"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()


class Interrupt(gn.Callback):
    """Ctrl-C in the first epoch."""

    def on_step_end(self, trainer):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupt_in_the_first_epoch_ends_the_fit(early_stopping):
    model = MLPClassifier(callbacks=[Interrupt()], batch_size=10, early_stopping=early_stopping)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, Y)
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert model.predict(X).shape == (150,)


def test_a_diverging_training_says_where():
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*Lower the learning rate"):
        MLPRegressor(solver="sgd", learning_rate_init=1e99, random_state=0).fit(X, NUMBER)


def test_a_training_that_was_not_done_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
            MLPClassifier(max_iter=2).fit(X, Y)


def test_verbose_prints_every_epoch(capsys):
    MLPClassifier(verbose=True, **QUICK | {"max_iter": 7}).fit(X, Y)
    assert capsys.readouterr().out.count("Iteration") == 7
