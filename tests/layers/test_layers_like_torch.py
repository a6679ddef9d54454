"""Values that PyTorch gave, kept in a file (see `tests/fixtures/make_torch_layers.py`)."""

from pathlib import Path

import numpy as np
import pytest
from layers.torch_cases import CASES, assert_equal_to_torch, ours

FILE = Path(__file__).parent.parent / "fixtures" / "torch_layers.npz"


@pytest.fixture(scope="module")
def stored():
    with np.load(FILE) as arrays:
        return dict(arrays)


def part(stored, prefix: str):
    return {key.removeprefix(prefix): v for key, v in stored.items() if key.startswith(prefix)}


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("key", CASES)
def test_values_from_torch(stored, key: str, mode: str):
    received = ours(CASES[key], part(stored, f"{key}/given/"), training=mode == "training")
    assert_equal_to_torch(received, part(stored, f"{key}/{mode}/"))
