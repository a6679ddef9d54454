"""PyTorch: eager with fused optimizers, and compiled; on one core and on all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glassnet.accelerate import Array
from glassnet.bench import inputs
from glassnet.bench.contender import Contender, Variant, batches_in_order, steps_of
from glassnet.bench.workloads import Architecture, Descent, Workload

Tensor = Any
Step = Callable[[Tensor, Tensor], Tensor]


class Torch(Contender):
    """Tensors ready in memory, an epoch permuted by one index_select, no DataLoader, no metrics."""

    title = "PyTorch"
    packages = ("torch",)
    start_script = Path(__file__).parent / "fresh" / "torch_start.py"
    memory_script = Path(__file__).parent / "fresh" / "torch_memory.py"

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        if workload.measure in ("start", "memory"):
            return [Variant("eager")]
        counts = [1] if workload.one_thread or cores == 1 else [1, cores]
        names = {count: f"{count} core" + "s" * (count > 1) for count in counts}
        eager = [Variant(f"eager, {names[n]}", n) for n in counts]
        if not workload.compiled:
            return eager
        most = counts[-1]
        return [*eager, Variant(f"compiled, {names[most]}", most, {"compile": True})]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        import torch

        if variant.cores is not None:
            torch.set_num_threads(variant.cores)
        self.model = build(workload.network)
        self.forward = self._compiled(self.model)
        self.with_loss = self._compiled(forward_and_loss(workload))

    def train(self) -> int:
        steps = steps_of(self.workload, "torch")
        step = self._training_step(self.model, self.workload.optimizer)
        for x, y in self._batches(steps):
            step(x, y)
        return steps

    def train_networks(self) -> float:
        import torch

        work = self.workload
        held_x = torch.from_numpy(self.rows.held_x)
        held_y = torch.from_numpy(self.rows.held_y)
        self.scores = []
        for seed in work.seeds:
            for optimizer in work.optimizers:
                model = build(work.network, seed)
                step = self._training_step(model, optimizer)
                for x, y in self._batches(work.epochs * (work.rows // work.batch)):
                    step(x, y)
                if len(held_x):
                    with torch.inference_mode():
                        right = model.eval()(held_x).argmax(1) == held_y
                    self.scores.append(float(right.float().mean()))
        return 1.0

    def predict(self) -> Tensor:
        import torch

        with torch.inference_mode():
            return torch.softmax(self._evaluating(self._first_batch), 1)

    def losses(self, workload: Workload) -> list[float]:
        step = self._training_step(build(workload.network), workload.optimizers[-1])
        x, y = self._tensors
        return [float(step(x[rows], y[rows])) for rows in batches_in_order(workload)]

    def probabilities(self, x: Array) -> Array:
        import torch

        with torch.inference_mode():
            found: Array = torch.softmax(self.model.eval()(torch.from_numpy(x)), 1).numpy()
        return found

    def write_model(self, path: Path) -> None:
        import torch

        torch.save(self.model.state_dict(), path)

    def _training_step(self, model: Any, optimizer: Descent) -> Step:
        moving = descent(optimizer, model)
        model.train()

        def step(x: Tensor, y: Tensor) -> Tensor:
            loss = self.with_loss(model, x, y)
            loss.backward()
            moving.step()
            moving.zero_grad(set_to_none=True)
            return loss.detach()

        return step

    def _compiled(self, function: Any) -> Any:
        if not self.variant.options.get("compile"):
            return function
        import torch

        return torch.compile(function, dynamic=False)

    @property
    def _evaluating(self) -> Any:
        self.model.eval()
        return self.forward

    @property
    def _first_batch(self) -> Tensor:
        return self._tensors[0][: self.workload.batch]

    @property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        """All rows, and the targets as the loss takes them; made once."""
        if not hasattr(self, "_made"):
            import torch

            work = self.workload
            one_hot = work.loss == "squared_error"
            y = self.rows.one_hot(work.network.sizes[-1]) if one_hot else self.rows.y
            self._made = torch.from_numpy(self.rows.x), torch.from_numpy(y)
        return self._made

    def _batches(self, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """So many batches, every epoch in a new order."""
        import torch

        work, (x, y) = self.workload, self._tensors
        while steps > 0:
            order = torch.randperm(work.rows)[: steps * work.batch]
            if work.shuffle:
                xs, ys = x.index_select(0, order), y.index_select(0, order)
            else:
                xs, ys = x, y
            yield from zip(xs.split(work.batch), ys.split(work.batch), strict=True)
            steps -= -(-len(order) // work.batch)


def build(architecture: Architecture, seed: int = 0) -> Any:
    """The network with its initial weights."""
    import torch
    from torch import nn

    activations = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
    activation = activations[architecture.activation]
    chain: list[Any] = []
    weights = inputs.initial_weights(architecture, seed)
    for index, (weight, bias) in enumerate(weights):
        dense = nn.Linear(*weight.shape, bias=bias is not None)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(weight.T.copy()))
            if bias is not None:
                dense.bias.copy_(torch.from_numpy(bias))
        chain.append(dense)
        if index < len(weights) - 1:
            chain += [nn.BatchNorm1d(weight.shape[1])] * architecture.batch_norm
            chain += [activation()]
            chain += [nn.Dropout(architecture.dropout)] * (architecture.dropout > 0)
    chain += [activation()] * architecture.output_activation
    return nn.Sequential(*chain)


def forward_and_loss(workload: Workload) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """Model, x, y ↦ the loss; the squared error is ½ Σₖ (a − y)² a row, averaged over rows."""
    from torch.nn import functional

    def cross_entropy(model: Any, x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(model(x), y)

    half_mean = 0.5 / workload.batch

    def squared_error(model: Any, x: Tensor, y: Tensor) -> Tensor:
        return functional.mse_loss(model(x), y, reduction="sum") * half_mean

    return cross_entropy if workload.loss == "cross_entropy" else squared_error


def descent(optimizer: Descent, model: Any) -> Any:
    """The fused optimizer."""
    import torch

    if optimizer.name == "adam":
        return torch.optim.Adam(
            model.parameters(), optimizer.learning_rate, eps=optimizer.epsilon, fused=True
        )
    return torch.optim.SGD(
        model.parameters(), optimizer.learning_rate, optimizer.momentum, fused=True
    )


CONTENDER = Torch
