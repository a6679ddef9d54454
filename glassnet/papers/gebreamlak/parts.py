"""How the paper must have counted, and the 36 images of its Figure 9."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glassnet.experiments.columns import own_columns
from glassnet.experiments.rows import Rows
from glassnet.network import Network

EPOCHS = (1, 10, 20, 100, 290)
"""When the rounded accuracy is taken: in the epochs of Table II, and in some before."""


@own_columns("rounded")
def rounded(network: Network, rows: Rows, epoch: int) -> Mapping[str, float]:
    """Accuracy on the training images, if probabilities are rounded to one decimal first.

    Where several digits then share the largest probability, the first of them is taken: an image
    with 0.1 for all ten is a 0.
    """
    if epoch not in EPOCHS:
        return {}
    part = rows.dataset.train
    p = np.round(network.predict_proba(part.x), 1)
    largest = p == p.max(axis=1, keepdims=True)
    return {
        "rounded_accuracy": float((largest.argmax(axis=1) == part.y).mean()),
        "tied": float((largest.sum(axis=1) > 1).mean()),
    }


@own_columns("first_36")
def first_36(network: Network, rows: Rows, epoch: int) -> Mapping[str, float]:
    """How many of the first 36 test images are called wrongly."""
    said = network.predict(rows.watched.x[:36])
    return {"wrong_of_36": float((said != rows.watched.y[:36]).sum())}
