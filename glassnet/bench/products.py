"""The physical floor: the matrix products of a training step and nothing else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from glassnet.accelerate import Array
from glassnet.bench.contender import Contender, Variant
from glassnet.bench.workloads import Workload

Product = tuple[Array, Array, Array]


class Products(Contender):
    """Forward x·W, backward xᵀ·dy and dy·Wᵀ of every layer (no dx of the first), in their order."""

    title = "its own products"
    checked = False

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        return [Variant("1 core", cores=1)]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        self.products = products_of(workload.network.sizes, workload.batch)

    def train(self) -> int:
        steps = self.workload.epochs * (self.workload.rows // self.workload.batch)
        for _ in range(steps):
            for left, right, out in self.products:
                np.matmul(left, right, out=out)
        return steps


def products_of(sizes: tuple[int, ...], batch: int) -> list[Product]:
    """All products of one step, each as left, right and the array that takes it.

    >>> [(a.shape, b.shape) for a, b, _ in products_of((4, 3, 2), 5)]
    [((5, 4), (4, 3)), ((5, 3), (3, 2)), ((3, 5), (5, 2)), ((5, 2), (2, 3)), ((4, 5), (5, 3))]
    """
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape, np.float32)

    values = [normal(batch, size) for size in sizes]
    slopes = [normal(batch, size) for size in sizes]
    weights = [normal(*shape) for shape in pairwise(sizes)]
    gradients = [np.empty_like(weight) for weight in weights]
    layers = range(len(weights))
    forward = [(values[i], weights[i], values[i + 1]) for i in layers]
    backward: list[Product] = []
    for i in reversed(layers):
        backward.append((values[i].T, slopes[i + 1], gradients[i]))
        if i > 0:
            backward.append((slopes[i + 1], weights[i].T, slopes[i]))
    return forward + backward


CONTENDER = Products
