"""Every layer that PyTorch also has, against PyTorch itself, in float64 to 1e-10."""

import pytest

pytest.importorskip("torch", reason="install the extra `compare`")

from fixtures.make_torch_layers import torch_values
from layers.torch_cases import CASES, assert_equal_to_torch, ours

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("seed", [100, 101, 102])
@pytest.mark.parametrize("key", CASES)
def test_layer_equals_torch(key: str, seed: int, training: bool):
    case = CASES[key]
    drawn = case.draw(seed)
    assert_equal_to_torch(ours(case, drawn, training), torch_values(case, drawn, training))
