"""Data: named sets, tables and arrays from files, splits, and descriptions.

Everything is returned raw. Scaling, filling in missing values and one-hot coding are layers, so
that they travel with the model.
"""

from __future__ import annotations

from glassnet.data.catalogue import names
from glassnet.data.dataset import Dataset, Part, one_against_rest
from glassnet.data.description import describe
from glassnet.data.loading import load
from glassnet.data.npz import read_npz
from glassnet.data.rows import read_rows
from glassnet.data.splits import split, split_arrays
from glassnet.data.table import read_features, read_labelled, read_table

__all__ = [
    "Dataset",
    "Part",
    "describe",
    "load",
    "names",
    "one_against_rest",
    "read_features",
    "read_labelled",
    "read_npz",
    "read_rows",
    "read_table",
    "split",
    "split_arrays",
]
