"""The network: a chain of layers, forward and backward.

    x → layer 0 → layer 1 → … → outputs → loss        forward:   each layer's y is the next one's x
    dx ← layer 0 ← layer 1 ← … ← ∂J/∂outputs          backward:  each layer's dx is the dy before it

That is all of backpropagation; the rest of this file reads what users hand in and says clearly what
is wrong with it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.accelerate import Array, references, run_layer, twins_are_on
from glassnet.batches import Batch
from glassnet.inputs import (
    CHUNK,
    checked_dtype,
    checked_inputs,
    checked_seed,
    checked_shape,
    checked_weights,
    chunks,
)
from glassnet.layers.base import LAYERS, Layer, Shape
from glassnet.losses import LOSSES, Loss
from glassnet.parameters import Parameter, ParameterStore
from glassnet.recording import ForwardPass
from glassnet.targets import Targets, Task, add_scores, predictions, read_scores, read_targets
from glassnet.threads import blas_threads, run_workers, workers_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glassnet.callbacks import Callback
    from glassnet.glass.explain import Explanation
    from glassnet.glass.trace import Trace
    from glassnet.optimizers import Optimizer
    from glassnet.recording import Compile, Way
    from glassnet.schedules import Phase, Schedule
    from glassnet.trainer import History, Validation

MOST_PASSES = 8
"""Sizes of batches for which inference is kept recorded."""

FEW_OPERATIONS = 10_000_000
"""Floating-point operations up to which the NumPy references predict, see `by_references`.

From 1 to 10 million, they take 0.8 to 1.9 times as long as compiled kernels: 20 to 50 µs a call
more, and up to 1.5 ms with the exact GELU (4 times). Loading compiled kernels takes half a second,
once a process.
"""


BLOCK_BYTES = 262_144
"""What one layer gives for a block of rows: two of these and the weights fit into a second-level
cache of 1 MB."""

SMALLEST_BLOCK, LARGEST_BLOCK = 384, 4096
"""Rows of a block. Products of fewer rows cost more a row: of 256 rows 6 % more (1024 × 1024)."""


class Network:
    """A chain of layers with one flat vector of parameters.

    Arguments:
        layers: in the order in which data flows through them.
        input_shape: the shape of one row, without the batch axis: `(4,)`, `(28, 28)`.
        seed: decides initial weights, dropout masks and the order of batches.
        dtype: of parameters and arithmetic, `"float32"` or `"float64"`.

    Methods may be called from several threads, which then take turns; `forward` and the `backward`
    after it belong to one thread.

    Attributes:
        layers: the layers.
        parameters: what is learned, by name: `{"layers.0.weight": Parameter, …}`.
        buffers: what is saved but not learned (running and fitted statistics), by name.
        theta, gradient: all parameters and their gradients as flat vectors.
        loss, task: set by `fit`; they decide what `predict` and `evaluate` mean.
        metadata: names that travel with the model: `classes`, `feature_names`, `categories`,
            `target`.

    Raises:
        ValueError: if a layer does not fit the one before it; the message names the layer, the
            shape it was given and the shape it expected.

    Example:
        >>> import numpy as np, glassnet as gn
        >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> y = np.array([0, 1, 1, 0])                                   # exclusive or
        >>> net = gn.Network([gn.Dense(8), gn.Tanh(), gn.Dense(2)], input_shape=(2,), seed=0)
        >>> history = net.fit(x, y, loss="cross_entropy", optimizer=gn.Adam(0.1), epochs=100)
        >>> net.predict(x).tolist()
        [0, 1, 1, 0]

    Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    Nature 323, 1986.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        input_shape: Sequence[int],
        seed: int = 0,
        dtype: str | np.dtype[Any] | type = "float32",
    ) -> None:
        self.layers = [
            LAYERS.create(layer) if isinstance(layer, Mapping) else layer for layer in layers
        ]
        self.input_shape = checked_shape(input_shape)
        self.seed = checked_seed(seed)
        self.dtype = checked_dtype(dtype)
        self.loss: Loss | None = None
        self.task: Task | None = None
        self.metadata: dict[str, Any] = {}
        self.epochs_trained = 0
        self.store = ParameterStore()
        self.way: Way | None = None
        self.lock = threading.RLock()
        self._passes: dict[tuple[int, int, np.dtype[Any], bool], ForwardPass] = {}
        self._rows_forward: int | None = None
        self._check_layers()
        self._build()

    def _check_layers(self) -> None:
        if not self.layers:
            raise ValueError("A Network needs at least one layer, for example [Dense(10)].")
        for index, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise ValueError(
                    f"layers[{index}] is {layer!r} of type {type(layer).__name__}; expected a "
                    "layer such as gn.Dense(10) or gn.ReLU()."
                )
            if not hasattr(layer, "name"):
                raise ValueError(
                    f"layers[{index}] is a {type(layer).__name__}, which has no name. Give the "
                    f'class one: name = "{type(layer).__name__}".'
                )
            if layer.built or any(layer is other for other in self.layers[:index]):
                raise ValueError(
                    f"layers[{index}] ({layer!r}) already belongs to a network. Make a new one: a "
                    "layer keeps the numbers of its last forward pass, so it can stand in one "
                    "place only."
                )

    def _build(self) -> None:
        # Two streams, so that adding a layer that draws (dropout) leaves the initial weights as
        # they were.
        weights_rng = np.random.default_rng([self.seed, 0])
        layers_rng = np.random.default_rng([self.seed, 1])
        shape = self.input_shape
        for index, layer in enumerate(self.layers):
            layer.dtype = self.dtype
            layer.followers = tuple(self.layers[index + 1 :])
            layer.input_shape = shape
            self.store.scope = f"layers.{index}."
            try:
                shape = layer.build(shape, self.store, layers_rng)
            except ValueError as error:
                raise ValueError(f"layers.{index} ({layer!r}): {error}") from None
            layer.output_shape = shape
        for layer in self.layers:  # only now: the layers of a network that failed can be used again
            layer.built = True
        self.output_shape = shape
        self.store.allocate(self.dtype, weights_rng)
        owners = [int(name.split(".")[1]) for name in self.store.parameters]
        self._first_learning = min(owners, default=0)
        self.largest_product = max(layer.flops() for layer in self.layers)
        self._operations = sum(layer.flops() for layer in self.layers)
        self._accepts_nan = any(layer.accepts_nan for layer in self.layers)
        self.block_rows = self._block_rows()

    def _block_rows(self) -> int:
        """The fixed rule: rows that go through all layers while they are in the cache."""
        shapes = [self.input_shape, *(layer.output_shape for layer in self.layers)]
        widest = max(math.prod(shape) for shape in shapes)
        fitting = BLOCK_BYTES // (widest * self.dtype.itemsize)
        return min(max(fitting, SMALLEST_BLOCK), LARGEST_BLOCK)

    # What a network holds.

    @property
    def parameters(self) -> dict[str, Parameter]:
        """All parameters by name."""
        return self.store.parameters

    @property
    def buffers(self) -> dict[str, Array]:
        """All buffers by name: saved, not learned."""
        return self.store.buffers

    @property
    def theta(self) -> Array:
        """All parameters as one vector; assign into it with `net.theta[:] = …`."""
        return self.store.theta

    @property
    def gradient(self) -> Array:
        """All gradients as one vector, in the order of `theta`."""
        return self.store.gradient

    @property
    def minimum_training_rows(self) -> int:
        """The smallest batch that every layer can be trained on: 2 with batch norm, else 1."""
        return max(layer.minimum_training_rows for layer in self.layers)

    # Forward and backward.

    def forward(self, x: Any, training: bool = False) -> Array:
        """Return the outputs (what the loss takes: logits for the cross-entropies).

        Arguments:
            x: rows of shape (n, *input_shape), any numeric dtype.
            training: whether dropout drops and batch norm uses the statistics of this batch.

        Returns:
            A new array of shape (n, *output_shape).
        """
        rows = self.checked_inputs(x)
        with self.lock:
            return self.run_forward(rows, training).copy()

    def backward(self, d_outputs: Any) -> Array:
        """Go back from ∂J/∂outputs: write all gradients and return ∂J/∂x.

        Raises:
            ValueError: if there was no forward pass, or if the shape is not that of its outputs.
        """
        if self._rows_forward is None:
            raise ValueError(
                "backward was called without a forward pass before it; call forward first."
            )
        dy = np.ascontiguousarray(d_outputs, self.dtype)
        expected = (self._rows_forward, *self.output_shape)
        if dy.shape != expected:
            raise ValueError(
                f"The gradient of the outputs must have the shape of the last forward pass, "
                f"{expected}. Received: {dy.shape}."
            )
        return self.run_backward(dy, need_dx=True).copy()

    def run_forward(self, x: Array, training: bool) -> Array:
        """`forward` without checks or copies: the result is overwritten by the next pass."""
        self._rows_forward = len(x)
        y = self.entry(x)
        for layer in self.layers:
            y = run_layer(layer, partial(layer.forward, training=training), y, self.dtype)
            if y.shape != (len(x), *layer.output_shape):
                raise self._misshapen(layer, "forward", y, (len(x), *layer.output_shape))
        return y

    def run_backward(self, d_outputs: Array, need_dx: bool) -> Array:
        """`backward` without checks or copies; without `need_dx` only to the first parameters."""
        first = 0 if need_dx else self._first_learning
        self.layers[self._first_learning].needs_dx = need_dx
        dy = d_outputs
        for layer in reversed(self.layers[first:]):
            dy = run_layer(layer, layer.backward, dy, self.dtype)
            is_used = need_dx or layer is not self.layers[first]
            if is_used and dy.shape != (len(d_outputs), *layer.input_shape):
                raise self._misshapen(layer, "backward", dy, (len(d_outputs), *layer.input_shape))
        self.layers[first].needs_dx = True
        return dy

    def _misshapen(self, layer: Layer, method: str, received: Array, expected: Shape) -> ValueError:
        """What is wrong with a layer of the user's own; kernels don't check what they are given."""
        return ValueError(
            f"layers.{self.layers.index(layer)} {layer!r}: {method} returned shape "
            f"{received.shape}, but it should return {expected}."
        )

    def entry(self, x: Array) -> Array:
        """x as the first layer takes it: raw for preprocessing, else in the network's dtype."""
        return x if self.layers[0].accepts_raw else np.ascontiguousarray(x, self.dtype)

    def loss_and_gradient(
        self,
        x: Any,
        y: Any,
        loss: str | Mapping[str, Any] | Loss | None = None,
        training: bool = False,
        sample_weight: Any = None,
    ) -> float:
        """Return J over these rows as one batch, and fill every `.gradient`.

        Arguments:
            x: rows (n, *input_shape).
            y: targets, see `glassnet.targets`.
            loss: a loss or its name; by default the one that the network was fitted with.
            training: see `forward`.
            sample_weight: one weight ≥ 0 a row, (n,).

        Example:
            >>> import numpy as np, glassnet as gn
            >>> net = gn.Network([gn.Dense(1, "zeros")], input_shape=(1,), dtype="float64")
            >>> net.loss_and_gradient(np.array([[2.0]]), np.array([3.0]), loss="squared_error")
            4.5
            >>> net.gradient                       # (a − y) x, a − y
            array([-6., -3.])
        """
        rows = self.checked_inputs(x)
        chosen, targets = self.prepared_targets(y, len(rows), loss)
        weights = checked_weights(sample_weight, len(rows))
        batch = np.empty((len(rows), targets.outputs), self.dtype)
        targets.take(slice(None), batch)
        with self.lock:
            outputs = self.run_forward(rows, training)
            value, gradient = chosen(outputs, batch, weights)
            self.run_backward(gradient, need_dx=True)
        return value

    # Training and use.

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        loss: str | Mapping[str, Any] | Loss,
        optimizer: str | Mapping[str, Any] | Optimizer = "adam",
        batch_size: int | str = 32,
        epochs: int = 10,
        validation: Validation = None,
        schedule: str | Mapping[str, Any] | Schedule | None = None,
        phases: Sequence[Phase] = (),
        callbacks: Sequence[Callback] = (),
        sample_weight: Any = None,
        shuffle: bool = True,
        compile: Compile = "auto",
        resume: str | Path | None = None,
    ) -> History:
        """Train on rows x and targets y.

        Arguments:
            x: (n, *input_shape), any numeric dtype; images may stay uint8.
            y: class indices (n,), one-hot or probability rows (n, K), or numbers (n,) or (n, K).
            loss: a loss, its name, or `{"name": …, option: value}`.
            optimizer: likewise. Its state starts afresh unless `resume` is given.
            batch_size: rows a step, or `"full"`. A last batch that is too small for batch norm
                joins the one before it.
            epochs: how many times to go over the rows.
            validation: `(x, y)`, `(x, y, sample_weight)`, or the share of rows (0 to 1) to hold
                out, stratified by class.
            schedule: of the learning rate; see `glassnet.schedules`.
            phases: batch size, learning rate and momentum from given epochs on.
            callbacks: see `glassnet.callbacks`.
            sample_weight: one weight ≥ 0 a row, (n,).
            shuffle: whether every epoch goes over the rows in a new order.
            compile: `"auto"` runs steps as one native loop when every part is ours, and otherwise
                replays the recorded calls; False runs the Python code of every part each time; True
                insists. The bits are the same (see `glassnet.recording`).
            resume: a checkpoint written by the `Checkpoint` callback; training goes on as if it had
                never stopped, bit for bit, given the same data and arguments.

        Returns:
            A record for each epoch: `epoch`, `loss`, `accuracy` (`rmse` for numbers), with
            validation the same as `val_…`, `learning_rate`, `seconds`. The losses are means, also
            with `reduction="sum"`; those of training are taken while the weights move.

        Raises:
            ValueError: for input that does not fit.
            TrainingDiverged: if the loss is no longer a number; it names the layer.
        """
        from glassnet.trainer import Trainer

        trainer = Trainer(
            self,
            x,
            y,
            loss=loss,
            optimizer=optimizer,
            batch_size=batch_size,
            epochs=epochs,
            validation=validation,
            schedule=schedule,
            phases=phases,
            callbacks=callbacks,
            sample_weight=sample_weight,
            shuffle=shuffle,
            compile=compile,
        )
        if resume is not None:
            trainer.resume(Path(resume))
        return trainer.run()

    def predict(self, x: Any) -> Array:
        """Class indices (n,), label rows (n, K) for several labels, or numbers (n,) or (n, K)."""
        loss, task = self._fitted()
        outputs = self.outputs(x)
        if task == "regression":
            outputs = loss.link(outputs)
        return predictions(outputs, task, loss.threshold)

    def predict_proba(self, x: Any) -> Array:
        """Probabilities (n, K): the loss's inverse link of the outputs.

        Losses other than the cross-entropies leave the outputs as they are: they are probabilities
        only if the last layer makes them so. One output for two classes gives two columns.
        """
        loss, task = self._fitted()
        if task == "regression":
            raise ValueError("A regression network has no probabilities; call predict.")
        rows = self.checked_inputs(x)
        with references(self.by_references(len(rows))):
            probabilities = loss.link(self._outputs(rows))
        if task == "binary":
            return np.hstack([1 - probabilities, probabilities])
        return probabilities

    def outputs(self, x: Any) -> Array:
        """Outputs for any number of rows, computed in blocks, (n, *output_shape)."""
        rows = self.checked_inputs(x)
        with references(self.by_references(len(rows))):
            return self._outputs(rows)

    def _outputs(self, rows: Array) -> Array:
        if len(rows) <= self.block_rows:
            with self.lock, blas_threads(self.largest_product * len(rows)):
                return self._forward_pass(rows, 0)(rows).copy()
        outputs = np.empty((len(rows), *self.output_shape), self.dtype)
        blocks = list(chunks(len(rows), self.block_rows))
        workers = workers_for(self.largest_product * len(rows)) if len(blocks) > 1 else 1
        largest = self.largest_product * min(self.block_rows, len(rows))
        with self.lock, blas_threads(largest, workers):
            first, last = rows[blocks[0]], rows[blocks[-1]]
            passes = [
                {len(block): self._forward_pass(block, worker) for block in (first, last)}
                for worker in range(workers)
            ]
            left = iter(blocks)  # shared by the workers: whoever is free takes the next one

            def work(worker: int) -> None:
                for block in left:
                    part = rows[block]
                    outputs[block] = passes[worker][len(part)](part)

            if all(forward.is_native for own in passes for forward in own.values()):
                run_workers(work, workers)
            else:
                work(0)
        return outputs

    def by_references(self, rows: int) -> bool:
        """The fixed rule: whether predictions of so many rows are left to the NumPy references.

        A process that reads a model and predicts a few rows would spend four fifths of its time on
        loading compiled kernels. The layers and the number of rows decide, and nothing that
        happened before, so that equal calls give equal bits.
        """
        return rows <= self.block_rows and rows * self._operations <= FEW_OPERATIONS

    def _forward_pass(self, x: Array, worker: int) -> ForwardPass:
        """The recorded forward pass for batches of this size, on arrays of this worker's own."""
        dtype = x.dtype if self.layers[0].accepts_raw else self.dtype
        key = (worker, len(x), dtype, twins_are_on())
        if key not in self._passes:
            if len(self._passes) >= MOST_PASSES:
                self._passes.clear()
            run = partial(self.run_forward, training=False)
            rows_forward = self._rows_forward
            self._passes[key] = ForwardPass(self.layers, run, np.array(x, dtype))
            self._rows_forward = rows_forward  # of the pass that `backward` goes back through
        return self._passes[key]

    def evaluate(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """Return `loss`, and `accuracy` for classes or `rmse` for numbers, over these rows.

        `sample_weight` counts in all of them. `glassnet.metrics` has the full tables.
        """
        loss, task = self._fitted()
        rows = self.checked_inputs(x)
        _, targets = self.prepared_targets(y, len(rows), loss)
        weights = checked_weights(sample_weight, len(rows))
        with blas_threads(self.largest_product * min(CHUNK, len(rows))):
            return self.scores(rows, targets, weights, loss, task)

    def scores(
        self, x: Array, targets: Targets, weights: Array | None, loss: Loss, task: Task
    ) -> dict[str, float]:
        """`evaluate` on input that is already read: the mean loss, and accuracy or RMSE."""
        sums = np.zeros(4)
        largest = Batch(min(CHUNK, len(x)), (), targets.outputs, self.dtype, self.dtype)
        for chunk in chunks(len(x)):
            batch = largest.head(chunk.stop - chunk.start)
            targets.take(chunk, batch.truth)
            if weights is not None:
                batch.weights[:] = weights[chunk]
            with self.lock:
                outputs = self.run_forward(x[chunk], training=False)
                loss.into(outputs, batch)
                predicted = loss.link(outputs) if task == "regression" else outputs
                add_scores(task, loss, predicted, batch, sums)
        return read_scores(task, sums)

    # Looking inside.

    def trace(
        self,
        x: Any,
        y: Any,
        *,
        loss: str | Mapping[str, Any] | Loss | None = None,
        optimizer: str | Mapping[str, Any] | Optimizer = "sgd",
        sample_weight: Any = None,
        whole: int = 24,
    ) -> Trace:
        """One training step, from the inputs to the updated weights, as its equations in order.

        Nothing is changed: the step is taken on copies, with all rows as one batch.

        Arguments:
            x, y, sample_weight: rows and their targets, as for `fit`.
            loss: a loss or its name; by default the one that the network was fitted with.
            optimizer: likewise; one that is in the middle of training this network goes on from
                what it remembers, any other starts afresh.
            whole: arrays of up to so many numbers are kept whole, of larger ones a summary.

        Returns:
            A `glassnet.glass.trace.Trace`: print it, `save` it as .html, .md or .txt, or ask it for
            a number: `trace["∂J/∂W₀"]`.

        Raises:
            ValueError: for rows or targets that do not fit.

        Example:
            >>> import numpy as np, glassnet as gn
            >>> net = gn.Network([gn.Dense(1, "zeros")], input_shape=(1,), dtype="float64")
            >>> x, y = np.array([[2.0]]), np.array([3.0])
            >>> step = net.trace(x, y, loss="squared_error", optimizer=gn.SGD(0.1))
            >>> step["∂J/∂W₀"], step["W₀"].round(3)
            (array([[-6.]]), array([[0.6]]))
        """
        from glassnet.glass.trace import trace

        return trace(self, x, y, loss, optimizer, sample_weight, whole)

    def explain(self, x: Any, output: int | Sequence[int] | None = None) -> Explanation:
        """Which inputs moved the outputs for these rows: gradient × input, and all activations.

            cⱼ = uⱼ ∂f/∂uⱼ

        where f is an output before the loss's link (a logit) and u the inputs as they leave the
        preprocessing layers: for standardised columns, zero is the mean of the training rows.

        The sum of the cⱼ is f exactly where the network is linear on the way from 0 to u without
        constant terms: rectifiers, but no biases. Otherwise `remainder` says what is left. The
        slope is that at x alone: an input that has long saturated its unit gets a contribution of
        zero however much it mattered, and of inputs that always go together either may get it all.

        Arguments:
            x: rows (n, *input_shape).
            output: which output is explained, or one for each row; by default the largest, for
                regression the first.

        Returns:
            A `glassnet.glass.explain.Explanation`: print it, or `plot` it.

        Raises:
            ValueError: if x does not fit or there is no such output.

        Example:
            >>> import numpy as np, glassnet as gn
            >>> net = gn.Network([gn.Dense(1, use_bias=False)], input_shape=(2,), dtype="float64")
            >>> net.parameters["layers.0.weight"].value = [[3.0], [-1.0]]
            >>> why = net.explain(np.array([[2.0, 5.0]]))
            >>> why.contributions, why.remainder
            (array([[ 6., -5.]]), array([0.]))

        Source: Shrikumar et al., "Not just a black box", arXiv:1605.01713, 2016.
        """
        from glassnet.glass.explain import explain

        return explain(self, x, output)

    def plot_diagram(self) -> Figure:
        """The network as a picture: units and weights where they are few, else layers and shapes.

        Returns a matplotlib figure, as all `plot_…` methods do; `glassnet.plots.save` writes it.
        """
        from glassnet.glass.diagram import diagram

        return diagram(self)

    def plot_activations(self) -> Figure:
        """The activation functions of this network with their derivatives.

        Raises:
            ValueError: if it has none.
        """
        from glassnet.glass.pictures import activations

        return activations(self)

    def plot_decision_regions(self, x: Any, y: Any, features: Sequence[int] = (0, 1)) -> Figure:
        """What the network says everywhere in the plane of two features, with the rows in it.

        Arguments:
            x, y: rows (n, d), and their classes or numbers (n,).
            features: which two of the d; the others are held at their median, categories at the
                most frequent one.

        Raises:
            ValueError: if rows are not (n, d), d ≥ 2, if one of the two holds categories, or if the
                network was not fitted.
        """
        from glassnet.glass.pictures import decision_regions

        return decision_regions(self, x, y, features)

    # Files and words.

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write weights, buffers, layers and metadata to one safetensors file.

        Raises:
            ValueError: if the file exists and `overwrite` is not set, or if a layer is of a class
                that `glassnet.register` was not told about.
        """
        from glassnet.checkpoint import save_network

        return save_network(self, Path(path), overwrite)

    def to_onnx(self, path: str | Path, input_dtype: Any = None, overwrite: bool = False) -> Path:
        """Write an ONNX file for any runtime: raw rows in, outputs (and probabilities) out.

        Arguments:
            path: the file.
            input_dtype: of the rows that the model will be given; float32 by default, float64 if
                the first layer is `Standardize`.
            overwrite: whether an existing file may be replaced.

        Needs the extra `onnx`. The input is called `x`, (n, *input_shape) for any n; the results
        `outputs` and, after training with a cross-entropy, `probabilities`. All is float32.

        Raises:
            ValueError: if the file exists, if a layer is of your own, or if onnx is not installed.
        """
        from glassnet.exchange.onnx_export import to_onnx

        return to_onnx(self, Path(path), input_dtype, overwrite)

    def state_dict(self) -> dict[str, Array]:
        """What was learned, under PyTorch's names and in its layouts, as new arrays.

        Example:
            >>> import glassnet as gn
            >>> net = gn.Network([gn.Dense(3), gn.BatchNorm()], input_shape=(4,), seed=0)
            >>> {name: array.shape for name, array in net.state_dict().items()}
            {'0.weight': (3, 4), '1.weight': (3,), '1.bias': (3,), '1.running_mean': (3,),
             '1.running_var': (3,), '1.num_batches_tracked': ()}
        """
        from glassnet.exchange.pytorch import state_dict

        return state_dict(self)

    def load_state_dict(self, tensors: Mapping[str, Any]) -> None:
        """Take over what PyTorch's `nn.Sequential` of the same layers has learned, bit for bit.

        Arguments:
            tensors: its `state_dict()`, as tensors or arrays; names may begin with `layers.`.

        Raises:
            ValueError: if a name is missing or unknown or a shape does not fit; nothing is changed
                then.
        """
        from glassnet.exchange.pytorch import load_state_dict

        load_state_dict(self, tensors)

    def to_safetensors(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write `state_dict` as a safetensors file, with names like `layers.0.weight`.

        It is for other programs; `save` keeps all of the network.

        Raises:
            ValueError: if the file exists and `overwrite` is not set.
        """
        from glassnet.exchange.pytorch import to_safetensors

        return to_safetensors(self, Path(path), overwrite)

    def to_torch(self) -> Any:
        """The same network as PyTorch's `nn.Sequential`, in inference mode (`eval`).

        Preprocessing comes along as modules, so that it takes raw data too. Needs PyTorch.

        Raises:
            ValueError: if a layer is of your own, or if PyTorch is not installed.
        """
        from glassnet.exchange import extra

        extra("torch", "torch")
        from glassnet.exchange.torch_modules import sequential

        return sequential(self)

    def to_script(
        self,
        path: str | Path,
        training: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write this network as one readable Python file that needs NumPy alone.

        Arguments:
            path: the file, `"digits.py"`; its numbers go into `digits.npz` beside it.
            training: arguments as for `fit` (x, y, loss, optimizer, batch_size, epochs, …): then
                the file also trains, from the network as it is now.
            overwrite: whether existing files may be replaced.

        The file has `forward(x)`, `predict(x)`, and `train()` with training. It computes the same
        bits as the NumPy references (`GLASSNET_KERNELS=reference`), which compiled kernels agree
        with up to rounding.

        Raises:
            ValueError: if a file exists, if a layer, the loss or the optimizer is of your own, or
                if an argument is one that a script cannot follow (callbacks, phases).
        """
        from glassnet.exchange.script import to_script

        return to_script(self, Path(path), training, overwrite)

    def summary(self) -> str:
        """A table of the layers: what they make of a row, how many parameters, how many operations.

        Example:
            >>> import glassnet as gn
            >>> net = gn.Network([gn.Dense(3), gn.ReLU(), gn.Dense(2)], input_shape=(4,))
            >>> print(net.summary())
            layer                shape    parameters        flops
            input                (4,)
            0 Dense(units=3)     (3,)             15           24
            1 ReLU()             (3,)              0            3
            2 Dense(units=2)     (2,)              8           12
            total                                 23           39
        """
        rows = [("input", str(self.input_shape), "", "")]
        for index, layer in enumerate(self.layers):
            own = f"layers.{index}."
            count = sum(p.size for name, p in self.parameters.items() if name.startswith(own))
            rows.append(
                (f"{index} {layer!r}", str(layer.output_shape), f"{count:,}", f"{layer.flops():,}")
            )
        flops = sum(layer.flops() for layer in self.layers)
        rows.append(("total", "", f"{self.theta.size:,}", f"{flops:,}"))
        width = max(len(row[0]) for row in rows) + 4
        wide = max(8, *(len(row[1]) for row in rows))
        head = f"{'layer':<{width}} {'shape':<{wide}} {'parameters':>10} {'flops':>12}"
        lines = [f"{a:<{width}} {b:<{wide}} {c:>10} {d:>12}".rstrip() for a, b, c, d in rows]
        if self.way is not None:
            lines.append(f"training steps were {self.way}")
        return "\n".join([head, *lines])

    def __getstate__(self) -> dict[str, Any]:
        # A copy has arrays of its own, which recorded passes would not know.
        return {k: v for k, v in self.__dict__.items() if k != "lock"} | {"_passes": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def __repr__(self) -> str:
        inside = ", ".join(repr(layer) for layer in self.layers)
        return f"Network([{inside}], input_shape={self.input_shape}, dtype={self.dtype.name!r})"

    # Reading what users hand in.

    def checked_inputs(self, x: Any) -> Array:
        """x as rows for this network; see `glassnet.inputs.checked_inputs`."""
        return checked_inputs(x, self.input_shape, self._accepts_nan)

    def prepared_targets(
        self, y: Any, rows: int, loss: str | Mapping[str, Any] | Loss | None
    ) -> tuple[Loss, Targets]:
        """The loss as an object and y as targets for it."""
        chosen = self.loss if loss is None else LOSSES.create(loss)
        if chosen is None:
            raise ValueError(
                "This network has no loss yet: pass loss='cross_entropy' or another name."
            )
        if len(self.output_shape) != 1:
            raise ValueError(
                f"Losses compare rows of numbers, but the network's outputs have shape "
                f"{self.output_shape}. End it with Flatten() or Dense(…)."
            )
        task = self.task if chosen is self.loss else None
        targets = read_targets(y, self.output_shape[0], chosen, self.dtype, task)
        if len(targets) != rows:
            raise ValueError(f"x has {rows} rows but y has {len(targets)}; they must be as many.")
        if chosen.class_weight == "balanced":
            chosen = chosen.balanced(targets.classes, max(2, targets.outputs))
        return chosen, targets

    def _fitted(self) -> tuple[Loss, Task]:
        if self.loss is None or self.task is None:
            raise ValueError(
                "This network has not been fitted, so it does not know what its outputs mean. Call "
                "fit first, or use forward for the bare outputs."
            )
        return self.loss, self.task
