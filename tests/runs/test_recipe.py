"""From configuration and data to network: the rules, and the units of a regression's targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.data import Dataset, Part
from glassnet.runs.config import read_config
from glassnet.runs.recipe import Units, fingerprint, folds, load_data, prepare


def dataset(x: Any, y: Any = None, **more: Any) -> Dataset:
    y = np.arange(len(x)) % 2 if y is None else y
    if y.dtype.kind == "f":
        return Dataset("d", Part(x, y), task="regression", target=("t",), **more)
    return Dataset("d", Part(x, y), classes=("no", "yes"), **more)


def recipe(data: Dataset, **flags: Any) -> Any:
    return prepare(read_config({"data": {"source": "d"}}, flags), data)


def images(top: int, dtype: Any = np.uint8) -> Dataset:
    x = np.zeros((20, 4, 4), dtype)
    x[:, 0, 0] = top
    return dataset(x)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (images(255), 255),
        (images(17), 255),
        (images(16), 16),
        (images(1), "none"),
        (images(1, np.float32), "none"),
        (images(3, np.float32), "standard"),
        (dataset(np.ones((20, 3))), "standard"),
        (dataset(np.ones((20, 3), np.uint8)), "standard"),
    ],
)
def test_the_scale_that_suits_the_data(data: Dataset, expected: Any) -> None:
    assert recipe(data).config.data.scale == expected


def test_small_tables_get_a_penalty_unless_something_else_guards_them() -> None:
    small, large = dataset(np.ones((50, 3))), dataset(np.ones((3000, 3)))

    def penalty(data: Dataset, **flags: Any) -> Any:
        return recipe(data, **flags).config.training.optimizer["l2"]

    assert penalty(small) == penalty(numbers(50)) == 0.03
    assert penalty(large) == penalty(images(255)) == 0
    assert penalty(small, l2=0.5) == 0.5
    assert penalty(small, l2=0.0) == penalty(small, dropout=0.5) == 0
    assert penalty(small, weight_decay=0.1) == penalty(small, optimizer="adam:l2=0.0") == 0


def numbers(rows: int) -> Dataset:
    return Dataset("d", Part(np.ones((rows, 3)), np.arange(float(rows))), task="regression")


@pytest.mark.parametrize(
    ("data", "flags", "patience", "schedule", "validation"),
    [
        (numbers(50), {}, 20, "constant", 0.1),
        (numbers(50), {"patience": 0}, 0, "cosine", None),
        (numbers(3000), {}, 0, "cosine", None),
        (dataset(np.ones((50, 3))), {}, 0, "cosine", None),
        (dataset(np.ones((50, 3))), {"patience": 3}, 3, "constant", 0.1),
        (dataset(np.ones((50, 3))), {"schedule": "plateau"}, 0, "plateau", 0.1),
        (numbers(50), {"schedule": "one_cycle", "validation": 0.3}, 20, "one_cycle", 0.3),
    ],
)
def test_when_training_ends_and_how_its_rate_falls(
    data: Dataset, flags: dict[str, Any], patience: int, schedule: str, validation: float | None
) -> None:
    config = recipe(data, **flags).config
    assert config.training.patience == patience
    assert config.training.schedule["name"] == schedule
    assert config.data.validation == validation


@pytest.mark.parametrize(
    ("rows", "batch", "epochs"),
    [(125, 32, 500), (500, 32, 231), (2400, 32, 50), (10000, 64, 24), (50000, 64, 20)],
)
def test_batch_size_and_epochs_follow_the_rows(rows: int, batch: int, epochs: int) -> None:
    training = recipe(dataset(np.ones((rows, 1)))).config.training
    assert (training.batch_size, training.epochs) == (batch, epochs)


def test_statistics_come_from_the_training_rows_alone() -> None:
    rng = np.random.default_rng(0)
    ready = recipe(dataset(rng.normal(size=(100, 2))), validation=0.25, epochs=1)
    ready.fit()
    layer = ready.network.layers[0]
    assert len(ready.train) == 60
    np.testing.assert_allclose(layer.mean, ready.train.x.mean(axis=0))
    np.testing.assert_allclose(layer.std, ready.train.x.std(axis=0))


def test_no_row_is_in_two_parts() -> None:
    ready = recipe(dataset(np.arange(100.0)[:, None]), validation=0.25)
    parts = [ready.train.x, ready.validation.x, ready.dataset.test.x]
    assert [len(part) for part in parts] == [60, 20, 20]
    assert sorted(np.concatenate(parts)[:, 0]) == list(range(100))


def test_text_columns_are_left_alone_until_they_are_spread_out() -> None:
    x = np.array([[10.0, 0, 3], [20, 1, 3], [30, 2, 3]] * 10)
    data = dataset(x, feature_names=("a", "b", "c"), categories={"b": ("p", "q", "r")})
    ready = recipe(data, epochs=1)
    ready.fit()
    standardize, one_hot = ready.network.layers[:2]
    out = one_hot.forward(standardize.forward(x[:3]))
    np.testing.assert_array_equal(out[:, 1:4], np.eye(3))
    np.testing.assert_array_equal(out[:, 4], 0)
    assert ready.network.metadata["categories"] == {"b": ["p", "q", "r"]}


@pytest.mark.parametrize("shape", [(40,), (40, 2)])
def test_the_last_layer_takes_over_the_units(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    y = 1e4 + 300 * rng.normal(size=shape)
    units = Units.of(y)
    z = units.standardized(y)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(z.std(axis=0), 1)
    x = rng.normal(size=(5, 3))
    outputs = 1 if len(shape) == 1 else 2
    network = gn.Network([gn.Dense(outputs)], input_shape=(3,), seed=0, dtype="float64")
    before = network.forward(x)
    units.move_into(network.layers[0])
    expected = before * y.reshape(40, -1).std(axis=0) + y.reshape(40, -1).mean(axis=0)
    np.testing.assert_allclose(network.forward(x), expected)


def test_target_scale_none_learns_the_targets_as_they_are() -> None:
    y = 100 + np.linspace(0, 1, 50)
    assert recipe(dataset(np.ones((50, 1)), y), target_scale="none").units is None
    assert recipe(dataset(np.ones((50, 1)), y)).units is not None


def test_folds_test_every_row_once_and_keep_the_shares() -> None:
    data = dataset(np.arange(40.0)[:, None], (np.arange(40) % 4 == 0).astype(int))
    parts = folds(data, 5, seed=0)
    assert sorted(np.concatenate([fold.test.x for fold in parts])[:, 0]) == list(range(40))
    assert all(np.bincount(fold.test.y).tolist() == [6, 2] for fold in parts)
    for fold in parts:
        assert not set(fold.train.x[:, 0]) & set(fold.test.x[:, 0])
    with pytest.raises(ValueError, match="11 folds need at least 11 rows of the rarest class"):
        folds(data, 11, seed=0)


def test_a_fingerprint_knows_the_rows() -> None:
    x = np.arange(6.0).reshape(3, 2)
    first = fingerprint(dataset(x))
    assert first == fingerprint(dataset(x.copy()))
    changed = x.copy()
    changed[2, 1] += 1e-12
    assert fingerprint(dataset(changed)) != first


def test_losses_that_do_not_suit_the_target() -> None:
    y = np.linspace(0, 1, 50)
    with pytest.raises(ValueError, match="compares classes, but the target t holds numbers"):
        recipe(dataset(np.ones((50, 1)), y), loss="cross_entropy")


def test_text_columns_can_not_be_divided() -> None:
    data = dataset(
        np.array([[10.0, 0], [20, 1]] * 10), feature_names=("a", "b"), categories={"b": ("p", "q")}
    )
    with pytest.raises(ValueError, match="categories of the text columns"):
        recipe(data, scale="10")


def test_an_output_activation_and_initial_biases_come_from_the_configuration() -> None:
    network = {
        "layers": [3],
        "activation": "sigmoid",
        "output_activation": "sigmoid",
        "init": "normal",
        "bias_init": "normal",
    }
    config = read_config({"data": {"source": "iris"}, "network": network})
    made = prepare(config, load_data(config)).network
    assert [layer.name for layer in made.layers[-4:]] == ["Dense", "Sigmoid", "Dense", "Sigmoid"]
    biases = [p.value for name, p in made.parameters.items() if name.endswith(".bias")]
    assert len(biases) == 2
    assert all(bias.all() for bias in biases)
