"""Reading rows and targets by scikit-learn's rules, with words for what cannot be learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from glassnet.accelerate import Array

SPARSE_ROWS = 1024
"""Rows of a sparse matrix that predictions make dense at a time."""


def read(estimator: BaseEstimator, X: Any, *, reset: bool, **options: Any) -> Any:
    """X (and y, if given) validated by scikit-learn: float32 stays float32, all else is float64.

    Raises:
        ValueError: also for text and missing values, saying where the first one stands.
    """
    _refuse_text(estimator, X)
    try:
        return validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
            order="C",
            **options,
        )
    except ValueError as error:
        words = str(error)
        if "could not convert string to float" in words:
            text = words.rpartition(": ")[2].removeprefix("np.str_(").removesuffix(")")
            raise ValueError(_about_text(estimator, "X", text)) from None
        if "X contains NaN" in words:
            raise ValueError(words + _first_missing(X)) from None
        raise


def dense(X: Any) -> Array:
    """Rows as an array, whether they were sparse or not."""
    array: Array = X.toarray() if issparse(X) else X
    return np.ascontiguousarray(array)


def dense_parts(X: Any) -> Iterator[Array]:
    """The same, a sparse matrix in parts, so that predicting takes little memory."""
    if not issparse(X):
        yield X
        return
    for start in range(0, X.shape[0], SPARSE_ROWS):
        yield X[start : start + SPARSE_ROWS].toarray()


def _refuse_text(estimator: BaseEstimator, X: Any) -> None:
    """Name the first column of a frame, pandas' or polars', that holds text."""
    if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
        return
    for name, dtype in zip(X.columns, X.dtypes, strict=True):
        if getattr(dtype, "kind", "O") in "biuf" or _is_polars_number(dtype):
            continue
        text = next((value for value in np.asarray(X[name]) if isinstance(value, str)), None)
        if text is not None:
            raise ValueError(_about_text(estimator, f"Column {name!r}", repr(str(text))))


def _is_polars_number(dtype: Any) -> bool:
    return hasattr(dtype, "is_numeric") and bool(dtype.is_numeric())


def _about_text(estimator: BaseEstimator, where: str, text: str) -> str:
    return (
        f"{where} holds text, {text} for example, and {type(estimator).__name__} takes numbers. "
        "Encode categories first: put sklearn.preprocessing.OneHotEncoder before it in a Pipeline."
    )


def _first_missing(X: Any) -> str:
    if hasattr(X, "isna"):  # pandas, whose NA is no number
        missing = np.asarray(X.isna())
    else:
        missing = np.isnan(X.toarray() if issparse(X) else np.asarray(X, np.float64))
    row, column = np.argwhere(missing)[0].tolist()
    name = X.columns[column] if hasattr(X, "columns") else column
    return (
        f"\nThe first missing value is in row {row}, column {name!r}. Fill such values first: put "
        "sklearn.impute.SimpleImputer before the network in a Pipeline."
    )
