"""Losses against PyTorch, live; where the two differ, the difference is the documented one."""

import numpy as np
import pytest
import torch
from fixtures.make_torch_losses import torch_loss
from loss_cases import CASES
from torch.nn import functional as F

import glassnet as gn

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradient(case, seed):
    outputs, y, weights = case.draw(seed + 10)
    value, gradient = case.ready(y)(outputs, case.targets(y).rows, weights)
    expected, torch_gradient = torch_loss(case, outputs, y, weights)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient, torch_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_extreme_logits(name):
    rng = np.random.default_rng(0)
    outputs = rng.choice([-1e4, -50.0, 0.0, 50.0, 1e4], (40, 3))
    rows = np.eye(3)[rng.integers(3, size=40)]
    z, target = torch.tensor(outputs, requires_grad=True), torch.tensor(rows)
    own = {
        "cross_entropy": F.cross_entropy,
        "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    }
    expected = own[name](z, target)
    expected.backward()
    value, gradient = gn.losses.LOSSES.create(name)(outputs, rows)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-10, atol=1e-15)


def one_row_of_each_class():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 3)), np.eye(3), np.array([0.5, 1.0, 3.0])


def test_class_weight_with_label_smoothing_differs():
    """Ours weighs the whole row by its class; PyTorch each term of the row by the term's class."""
    outputs, rows, weight = one_row_of_each_class()
    ours, _ = gn.CrossEntropy(0.3, class_weight=weight.tolist())(outputs, rows)
    z = torch.tensor(outputs)
    theirs = F.cross_entropy(z, torch.arange(3), torch.tensor(weight), label_smoothing=0.3)
    assert abs(ours - theirs.item()) > 1e-3
    each = F.cross_entropy(z, torch.arange(3), reduction="none", label_smoothing=0.3)
    assert ours == pytest.approx((each.numpy() * weight).sum() / weight.sum(), rel=1e-12)


def test_class_weight_with_probabilities_differs():
    """PyTorch divides by n there, although it divides by the weights for class indices."""
    outputs, rows, weight = one_row_of_each_class()
    ours, _ = gn.CrossEntropy(class_weight=weight.tolist())(outputs, rows)
    z = torch.tensor(outputs)
    theirs = F.cross_entropy(z, torch.tensor(rows), torch.tensor(weight)).item()
    assert ours == pytest.approx(theirs * 3 / weight.sum(), rel=1e-12)
    by_index = F.cross_entropy(z, torch.arange(3), torch.tensor(weight)).item()
    assert ours == pytest.approx(by_index, rel=1e-12)
