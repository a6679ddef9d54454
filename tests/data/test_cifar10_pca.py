from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from glassnet.data import cifar10_pca, load, store
from glassnet.data.catalogue import CATALOGUE


@pytest.fixture
def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12)) * 12 + 128
    return mixed.clip(0, 255).astype(np.uint8)


def test_agrees_with_scikit_learn(pixels: np.ndarray) -> None:
    mean, components = cifar10_pca.principal_components(pixels, 5)
    features = cifar10_pca.project(pixels, mean, components)
    expected = PCA(5, svd_solver="full").fit_transform(pixels / 255)
    signs = np.sign((features * expected).sum(axis=0))
    np.testing.assert_allclose(features * signs, expected, atol=1e-6)
    largest = np.abs(components).argmax(axis=0)
    assert (components[largest, np.arange(5)] > 0).all()


def test_does_not_depend_on_the_block(pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = cifar10_pca.principal_components(pixels, 5)
    monkeypatch.setattr(cifar10_pca, "BLOCK", 7)
    _, blocks = cifar10_pca.principal_components(pixels, 5)
    np.testing.assert_array_equal(whole, blocks)


def test_too_many_components() -> None:
    with pytest.raises(ValueError, match="3 components of 2 columns"):
        cifar10_pca.principal_components(np.zeros((4, 2), np.uint8), 3)


def fake(_: object) -> dict[str, np.ndarray]:
    x = np.ones((3, 128), np.float32)
    y = np.arange(3)
    return {"x_train": x, "y_train": y, "x_test": x[:1], "y_test": y[:1]}


def test_cache_is_written_read_and_rebuilt_when_damaged(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def derive(record: object) -> dict[str, np.ndarray]:
        calls.append(record)
        return fake(record)

    monkeypatch.setattr(cifar10_pca, "_derive", derive)
    record = CATALOGUE["cifar10-pca128"]
    first = cifar10_pca.load(record)
    again = cifar10_pca.load(record)
    assert len(calls) == 1
    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert first.feature_names[-1] == "pc128"
    path = cifar10_pca.cache_file()
    path.write_bytes(path.read_bytes()[:-300])
    cifar10_pca.load(record)
    assert len(calls) == 2


def test_unwritable_cache_is_a_warning_only(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    monkeypatch.setattr(cifar10_pca, "_derive", fake)
    with pytest.warns(UserWarning, match="could not keep"):
        data = cifar10_pca.load(CATALOGUE["cifar10-pca128"])
    assert len(data.train) == 3


def test_published_facts(real_data: Path) -> None:
    if not cifar10_pca.cache_file().exists():
        pytest.skip("cifar10-pca128 is not derived yet: run `glassnet data fetch cifar10-pca128`")
    data = load("cifar10-pca128")
    assert data.test is not None
    assert data.train.x.shape == (50_000, 128)
    assert data.test.x.shape == (10_000, 128)
    assert data.train.x.dtype == np.float32
    assert round(float(data.train.x.min()), 1) == -23.4
    assert round(float(data.train.x.max()), 1) == 25.6
    assert round(float(data.train.x.std()), 3) == 1.169
    assert store.cache_folder() in cifar10_pca.cache_file().parents
