"""CIFAR-10 as 128 principal components: the data of the paper with id chen2022, derived anew.

The paper's features are a 128-component PCA of the training pixels / 255. With pixel rows p of
length d = 3072 (values 0 to 255), n training rows and the mean μ = (1/n) Σ p, the covariance is

    C = (1/n) Σ p pᵀ − μ μᵀ        (divided by 255², since the features use p / 255)

and the new features of a row are Vᵀ (p − μ) / 255, where V holds the eigenvectors of the 128
largest eigenvalues of C. Mean and components come from the training rows only; no whitening.

Σ p pᵀ is a sum of integers below 2⁵³, so float64 holds it exactly: it does not depend on the
block size or the order of summation.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

from glassnet.data import cifar10, store
from glassnet.data.catalogue import Record, record
from glassnet.data.dataset import Array, Dataset, Part
from glassnet.files import replacing

COMPONENTS = 128
RECIPE = 1  # raise it when the computation changes: older caches are then left unread
BLOCK = 2000  # rows converted to float64 at a time (49 MB)


def principal_components(pixels: Array, count: int) -> tuple[Array, Array]:
    """Exact principal components of uint8 rows.

    Arguments:
        pixels: uint8 (n, d).
        count: number of components.

    Returns:
        Mean, float64 (d,), and components, float64 (d, count), for pixel values 0 to 255; the
        component of largest variance comes first. An eigenvector's sign is free: the entry of
        largest magnitude is made positive.

    Raises:
        ValueError: if `count` exceeds the number of columns.

    >>> line = np.array([[0, 0], [1, 2], [2, 4]], np.uint8)
    >>> mean, v = principal_components(line, 1)
    >>> mean.tolist(), (v[:, 0] * 5**0.5).round(6).tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    from scipy.linalg import eigh

    n, d = pixels.shape
    if count > d:
        raise ValueError(f"Asked for {count} components of {d} columns: ask for at most {d}.")
    mean = pixels.sum(axis=0, dtype=np.int64) / n
    products = np.zeros((d, d))
    for start in range(0, n, BLOCK):
        block = pixels[start : start + BLOCK].astype(np.float64)
        products += block.T @ block
    covariance = products / n - np.outer(mean, mean)
    _, vectors = eigh(covariance, subset_by_index=(d - count, d - 1), overwrite_a=True)
    vectors = vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    return mean, vectors * np.sign(vectors[largest, np.arange(count)])


def project(pixels: Array, mean: Array, components: Array) -> Array:
    """Features Vᵀ (p − μ) / 255 of uint8 rows: float32 (n, count)."""
    features = np.empty((len(pixels), components.shape[1]), np.float32)
    for start in range(0, len(pixels), BLOCK):
        centred = pixels[start : start + BLOCK] - mean
        features[start : start + BLOCK] = centred @ components / 255
    return features


def load(derived: Record) -> Dataset:
    """Load the 128 components from the cache, computing them (once) if they are not there.

    Arguments:
        derived: the set's record in the catalogue.

    Returns:
        Dataset with `x` float32 of shape (n, 128), 50,000 training and 10,000 test rows.

    Raises:
        ValueError: if CIFAR-10 itself can't be had.
    """
    path = cache_file()
    arrays = _read(path)
    if arrays is None:
        arrays = _derive(record(derived.derived_from))
        _write(path, arrays)
    return Dataset(
        name=derived.name,
        train=Part(arrays["x_train"], arrays["y_train"]),
        test=Part(arrays["x_test"], arrays["y_test"]),
        classes=derived.classes,
        feature_names=tuple(f"pc{i}" for i in range(1, COMPONENTS + 1)),
        target=("label",),
        description=derived.description,
        source=derived.source,
        licence=derived.licence,
    )


def cache_file() -> Path:
    """The cached arrays; the name changes with the recipe and with the contents it was fed."""
    fed = "".join(record("cifar10").contents.values()) + f" recipe {RECIPE}"
    key = hashlib.md5(fed.encode(), usedforsecurity=False).hexdigest()[:12]
    return store.cache_folder() / "derived" / f"cifar10-pca128-{key}.npz"


def _derive(original: Record) -> dict[str, Array]:
    data = cifar10.load(original)
    print("deriving cifar10-pca128 from cifar10 (once, under a minute) …", file=sys.stderr)
    train = data.train.x.reshape(len(data.train), -1)
    mean, components = principal_components(train, COMPONENTS)
    if data.test is None:
        raise ValueError("cifar10 came without a test part: run `glassnet data verify cifar10`.")
    test = data.test.x.reshape(len(data.test), -1)
    return {
        "x_train": project(train, mean, components),
        "y_train": data.train.y,
        "x_test": project(test, mean, components),
        "y_test": data.test.y,
    }


def _read(path: Path) -> dict[str, Array] | None:
    """The cached arrays, or `None` if there is no whole file (a zip checks its own sums)."""
    try:
        # Opened here, since np.load leaves the file of a damaged archive open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None  # not there or damaged: it can be derived again


def _write(path: Path, arrays: dict[str, Array]) -> None:
    try:
        with replacing(path) as file:
            np.savez(
                file,
                x_train=arrays["x_train"],
                y_train=arrays["y_train"],
                x_test=arrays["x_test"],
                y_test=arrays["y_test"],
            )
    except OSError as error:
        # The arrays are good, only keeping them failed: say so and go on.
        warnings.warn(f"could not keep {path} ({error}); it will be derived again", stacklevel=4)
