"""JAX: a whole timed run, all its epochs, in one jit with one scan over steps, buffers donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from glassnet.accelerate import Array
from glassnet.bench import inputs
from glassnet.bench.contender import Contender, Variant, batches_in_order, steps_of
from glassnet.bench.workloads import Descent, Workload

Tree = Any
MOMENTUM, EPSILON = 0.1, 1e-5
"""Batch norm's weight of the newest batch in the running statistics, and ε."""
SIXTEEN_BITS = 65_536
SMALL_BATCH = 16
"""Up to this size four steps in one turn of the scan are faster; for larger ones, slower."""


class State(NamedTuple):
    """What a step changes; it travels through the scan."""

    parameters: Tree
    running: Tree
    moments: Tree
    step: Any
    key: Any


class Jax(Contender):
    """One call into compiled code a timed run; the order of rows comes from NumPy, ready made."""

    title = "JAX"
    packages = ("jax", "jaxlib")

    @classmethod
    def variants(cls, workload: Workload, cores: int) -> list[Variant]:
        generators = ["threefry2x32", "rbg"] if workload.network.dropout else ["threefry2x32"]
        counts = [1] if workload.one_thread or cores == 1 else [1, cores]
        return [
            Variant(
                f"scan, {count} core{'s' * (count > 1)}"
                + (f", {generator.removesuffix('2x32')}" if len(generators) > 1 else ""),
                count,
                {"unroll": 4 if workload.batch <= SMALL_BATCH else 1},
                environment={"JAX_PLATFORMS": "cpu", "JAX_DEFAULT_PRNG_IMPL": generator},
            )
            for count in counts
            for generator in generators
        ]

    def __init__(self, workload: Workload, variant: Variant) -> None:
        super().__init__(workload, variant)
        import jax

        self.run = jax.jit(
            make_run(self.workload, int(variant.options["unroll"])), donate_argnums=0
        )
        self.state = initial_state(self.workload)
        self.rng = np.random.default_rng(0)

    def train(self) -> int:
        import jax

        work, steps = self.workload, steps_of(self.workload, "jax")
        x, y = self._arrays
        orders = self._orders(steps) if work.shuffle else np.empty((steps, 0), np.int32)
        self.state, losses = self.run(self.state, x, y, orders)
        jax.block_until_ready((self.state, losses))
        return steps

    def losses(self, workload: Workload) -> list[float]:
        import jax

        x, y = self._arrays
        batches = batches_in_order(workload)
        orders = np.array([np.arange(rows.start, rows.stop) for rows in batches], np.int32)
        run = jax.jit(make_run(workload))
        _, losses = run(initial_state(workload), x, y, orders)
        return [float(loss) for loss in losses]

    @property
    def _arrays(self) -> tuple[Any, Any]:
        if not hasattr(self, "_made"):
            import jax.numpy as jnp

            y = self.rows.one_hot(self.workload.network.sizes[-1])
            self._made = jnp.asarray(self.rows.x), jnp.asarray(y)
        return self._made

    def _orders(self, steps: int) -> Array:
        """Rows of every step, (steps, batch), a new permutation for each epoch."""
        rows, batch = self.workload.rows, self.workload.batch
        epochs = -(-steps * batch // rows)
        order = np.concatenate([self.rng.permutation(rows) for _ in range(epochs)])
        return order[: steps * batch].reshape(steps, batch).astype(np.int32)


def initial_state(workload: Workload) -> State:
    """Initial weights, batch norm at scale 1 and shift 0, moments at 0."""
    import jax
    import jax.numpy as jnp

    layers = inputs.initial_weights(workload.network)
    parameters: list[dict[str, Any]] = []
    running = []
    for index, (weight, bias) in enumerate(layers):
        units = weight.shape[1]
        layer = {"weight": jnp.asarray(weight)}
        if bias is not None:
            layer["bias"] = jnp.asarray(bias)
        if workload.network.batch_norm and index < len(layers) - 1:
            layer |= {"scale": jnp.ones(units), "shift": jnp.zeros(units)}
            running.append({"mean": jnp.zeros(units), "variance": jnp.ones(units)})
        parameters.append(layer)
    kinds = {"sgd": 0, "momentum": 1, "adam": 2}[workload.optimizer.name]
    moments = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(kinds)]
    return State(parameters, running, moments, jnp.zeros((), jnp.int32), jax.random.key(0))


def make_run(
    workload: Workload, unroll: int = 1
) -> Callable[[State, Any, Any, Any], tuple[State, Any]]:
    """The function that is compiled: state, x, y, orders ↦ state, losses of all steps.

    Orders are the rows of every step, (steps, batch), or (steps, 0) if each takes all rows.
    """
    import jax

    loss_and_gradient = jax.value_and_grad(make_loss(workload), has_aux=True)
    update = make_update(workload.optimizers[-1])

    def step(state: State, x: Any, y: Any) -> tuple[State, Any]:
        key, dropping = (
            jax.random.split(state.key) if workload.network.dropout else (state.key,) * 2
        )
        (loss, running), gradient = loss_and_gradient(
            state.parameters, state.running, x, y, dropping
        )
        count = state.step + 1
        parameters, moments = update(state.parameters, gradient, state.moments, count)
        return State(parameters, running, moments, count, key), loss

    def run(state: State, x: Any, y: Any, orders: Any) -> tuple[State, Any]:
        def of_batch(state: State, order: Any) -> tuple[State, Any]:
            return step(state, x[order], y[order])

        def of_all(state: State, order: Any) -> tuple[State, Any]:
            return step(state, x, y)

        one = of_batch if orders.shape[1] else of_all
        last, losses = jax.lax.scan(one, state, orders, unroll=unroll)
        return last, losses

    return run


def make_loss(workload: Workload) -> Callable[..., tuple[Any, Tree]]:
    """Parameters, running statistics, x, one-hot y, key ↦ loss, new running statistics."""
    import jax
    import jax.numpy as jnp

    network = workload.network
    activation = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}[
        network.activation
    ]

    def batch_norm(layer: Tree, running: Tree, x: Any) -> tuple[Any, Tree]:
        mean, variance = x.mean(axis=0), x.var(axis=0)
        unbiased = variance * (len(x) / max(1, len(x) - 1))
        new = {
            "mean": (1 - MOMENTUM) * running["mean"] + MOMENTUM * mean,
            "variance": (1 - MOMENTUM) * running["variance"] + MOMENTUM * unbiased,
        }
        x_hat = (x - mean) * jax.lax.rsqrt(variance + EPSILON)
        return x_hat * layer["scale"] + layer["shift"], new

    def drop(x: Any, key: Any) -> Any:
        """Sixteen random bits an element are half the work of a float and fine enough."""
        threshold = round(network.dropout * SIXTEEN_BITS)
        kept = jax.random.bits(key, x.shape, jnp.uint16) >= threshold
        return jnp.where(kept, x / (1 - network.dropout), 0)

    def loss(parameters: Tree, running: Tree, x: Any, y: Any, key: Any) -> tuple[Any, Tree]:
        seen = []
        hidden = len(parameters) - 1
        keys = jax.random.split(key, hidden) if network.dropout else [key] * hidden
        for index, layer in enumerate(parameters):
            x = x @ layer["weight"]
            if "bias" in layer:
                x = x + layer["bias"]
            if index < hidden:
                if network.batch_norm:
                    x, new = batch_norm(layer, running[index], x)
                    seen.append(new)
                x = activation(x)
                if network.dropout:
                    x = drop(x, keys[index])
        if network.output_activation:
            x = activation(x)
        if workload.loss == "squared_error":
            return 0.5 * ((x - y) ** 2).sum() / len(x), seen
        return -(y * jax.nn.log_softmax(x)).sum() / len(x), seen

    return loss


def make_update(optimizer: Descent) -> Callable[..., tuple[Tree, Tree]]:
    """Parameters, gradient, moments, step ↦ new parameters and moments."""
    import jax
    import jax.numpy as jnp

    rate, mu = optimizer.learning_rate, optimizer.momentum
    beta1, beta2, epsilon = 0.9, 0.999, optimizer.epsilon

    def sgd(theta: Tree, g: Tree, moments: Tree, t: Any) -> tuple[Tree, Tree]:
        return jax.tree.map(lambda w, d: w - rate * d, theta, g), moments

    def momentum(theta: Tree, g: Tree, moments: Tree, t: Any) -> tuple[Tree, Tree]:
        v = jax.tree.map(lambda v, d: mu * v + d, moments[0], g)
        return jax.tree.map(lambda w, v: w - rate * v, theta, v), [v]

    def adam(theta: Tree, g: Tree, moments: Tree, t: Any) -> tuple[Tree, Tree]:
        m = jax.tree.map(lambda m, d: beta1 * m + (1 - beta1) * d, moments[0], g)
        v = jax.tree.map(lambda v, d: beta2 * v + (1 - beta2) * d * d, moments[1], g)
        # 1 − βᵗ without the rounding of βᵗ near 1, which float32 would turn into 5e-5 at t = 1.
        first, second = (-jnp.expm1(t * np.log(beta)) for beta in (beta1, beta2))

        def moved(w: Any, m: Any, v: Any) -> Any:
            return w - rate * (m / first) / (jnp.sqrt(v / second) + epsilon)

        return jax.tree.map(moved, theta, m, v), [m, v]

    return {"sgd": sgd, "momentum": momentum, "adam": adam}[optimizer.name]


CONTENDER = Jax
