"""Iris and digits: small sets that come with scikit-learn and need no file."""

from __future__ import annotations

import numpy as np

from glassnet.data.catalogue import Record
from glassnet.data.dataset import Dataset, Part


def iris(record: Record) -> Dataset:
    """Fisher's iris flowers: `x` float64 (150, 4) in cm, `y` int64, three species."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    return Dataset(
        name=record.name,
        train=Part(bunch.data, bunch.target.astype(np.int64)),
        classes=record.classes,
        feature_names=tuple(bunch.feature_names),
        target=("species",),
        description=record.description,
        source=record.source,
        licence=record.licence,
    )


def digits(record: Record) -> Dataset:
    """Handwritten digits: `x` uint8 (1797, 8, 8) with values 0 to 16, `y` int64."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Dataset(
        name=record.name,
        train=Part(bunch.images.astype(np.uint8), bunch.target.astype(np.int64)),
        classes=record.classes,
        target=("label",),
        description=record.description,
        source=record.source,
        licence=record.licence,
    )
