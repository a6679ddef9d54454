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
    """Accuracy on the training images, if probabilities are rounded to 0 or 1 first.

    An image without a probability above ½ then has ten zeros, and the first of them is digit 0.
    """
    if epoch not in EPOCHS:
        return {}
    part = rows.dataset.train
    ones = np.round(network.predict_proba(part.x))
    return {
        "rounded_accuracy": float((ones.argmax(axis=1) == part.y).mean()),
        "unsure": float((ones.max(axis=1) == 0).mean()),
    }


@own_columns("first_36")
def first_36(network: Network, rows: Rows, epoch: int) -> Mapping[str, float]:
    """How many of the first 36 test images are called wrongly."""
    said = network.predict(rows.watched.x[:36])
    return {"wrong_of_36": float((said != rows.watched.y[:36]).sum())}
