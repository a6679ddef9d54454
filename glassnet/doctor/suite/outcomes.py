"""What a training came to, measured without the doctor: by this its label is right or wrong.

A sick training has to fail in the way that its label says, for each name in it; a healthy one has
to be what its owner would be content with. The criteria were written down, and every training of
the third held-out part held against them, before the doctor saw one of these. They read networks
and rows, and nothing that the doctor records or compares with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import glassnet as gn
from glassnet.accelerate import Array
from glassnet.doctor.suite.training import Case, Rows, Training, standardized

if TYPE_CHECKING:
    from glassnet.trainer import Trainer

Evidence = tuple[bool, str]
"""Whether it is so, and the figures."""


class Watch(gn.Callback):
    """The mean loss over all rows, and over unseen ones, before the first step and each epoch."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.losses: list[float] = []
        self.unseen_losses: list[float] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        self._look(trainer.network)

    def on_epoch_end(self, trainer: Trainer) -> None:
        self._look(trainer.network)

    def _look(self, network: gn.Network) -> None:
        self.losses.append(network.evaluate(self.rows.x, self.rows.y)["loss"])
        if (unseen := self.rows.held or self.rows.kept) is not None:
            self.unseen_losses.append(network.evaluate(*unseen)["loss"])


class Steps(gn.Callback):
    """The norm of each step's change of a weight matrix, over the norm of that matrix.

    Where less than at first is left of it, over its first norm: any step is long beside nothing.
    """

    def __init__(self) -> None:
        self.ratios: dict[str, list[float]] = {}
        self._before: dict[str, Array] = {}
        self._first: dict[str, float] = {}

    def on_fit_begin(self, trainer: Trainer) -> None:
        self._before = {name: w.copy() for name, w in matrices(trainer.network)}
        self._first = {name: float(np.linalg.norm(w)) for name, w in self._before.items()}
        self.ratios = {name: [] for name in self._before}

    def on_step_end(self, trainer: Trainer) -> None:
        for name, w in matrices(trainer.network):
            before = self._before[name]
            size = max(float(np.linalg.norm(before)), self._first[name], 1e-12)
            self.ratios[name].append(float(np.linalg.norm(w - before)) / size)
            self._before[name] = w.copy()


@dataclass(frozen=True)
class Trained:
    """A training after it was run, without the doctor.

    Attributes:
        start: the network before the first step. network: after the last.
        losses, unseen_losses: see `Watch`. final: the loss of the network that training left.
        score, unseen_score: accuracy, or R² for numbers.
    """

    training: Training
    start: gn.Network
    network: gn.Network
    losses: list[float]
    unseen_losses: list[float]
    final: float
    score: float
    unseen_score: float

    @property
    def is_finite(self) -> bool:
        """Whether all went through without a number that is not finite."""
        finite = np.isfinite([*self.losses, *self.unseen_losses, self.final]).all()
        complete = len(self.losses) > self.training.epochs or bool(self.training.callbacks)
        return bool(finite) and complete and bool(np.isfinite(self.network.theta).all())

    @property
    def trivial(self) -> float:
        """The score of who looks at no input: always the largest class, or the mean."""
        return share_of_largest(self.training.rows.y)

    @property
    def skill(self) -> float:
        """0 for who looks at no input, 1 for who is always right; of the rows trained on."""
        return (self.score - self.trivial) / (1 - self.trivial)

    def is_much_worse_than(self, other: Trained) -> bool:
        """Broken down, 15 points behind, or with twice the loss."""
        return (
            not self.is_finite
            or self.score < other.score - 0.15
            or self.final > 2 * max(other.final, 1e-3)
        )


def trained(training: Training, more: Sequence[gn.Callback] = ()) -> Trained:
    """Run a training and look at what came of it."""
    rows, watch = training.rows, Watch(training.rows)
    start: dict[str, Any] = {}

    class Start(gn.Callback):
        def on_fit_begin(self, trainer: Trainer) -> None:
            start["theta"] = trainer.network.theta.copy()

    network = training.fit([Start(), watch, *more])
    final = network.evaluate(rows.x, rows.y)["loss"]
    unseen = rows.held or rows.kept
    return Trained(
        training,
        _as_it_was(network, start["theta"]),
        network,
        watch.losses,
        watch.unseen_losses,
        final,
        score(network, rows.x, rows.y),
        score(network, *unseen) if unseen else float("nan"),
    )


def _as_it_was(network: gn.Network, theta: Array) -> gn.Network:
    import copy

    start = copy.deepcopy(network)
    start.theta[:] = theta
    return start


def score(network: gn.Network, x: Array, y: Array) -> float:
    """Accuracy, or R² for numbers."""
    scores = network.evaluate(x, y)
    if "accuracy" in scores:
        return scores["accuracy"]
    return 1 - scores["rmse"] ** 2 / float(np.var(y, axis=0).mean())


def share_of_largest(y: Array) -> float:
    """Of classes; 0 for numbers."""
    return float(np.bincount(y).max() / len(y)) if y.dtype.kind in "iu" else 0.0


def matrices(network: gn.Network) -> Iterator[tuple[str, Array]]:
    """The weights of dense layers by name."""
    for name, parameter in network.parameters.items():
        if parameter.value.ndim == 2:
            yield name, parameter.value


# What a network does with rows.


def answers(network: gn.Network, x: Array) -> Iterator[tuple[gn.Layer, Array]]:
    """Each layer with what it answers."""
    y = network.entry(x)
    for layer in network.layers:
        y = layer.forward(y, training=False).copy()
        yield layer, y


def never_firing(network: gn.Network, x: Array) -> float:
    """The share of units that answer 0 to every row, in the ReLU layer where it is largest."""
    shares = [
        float((y <= 0).all(axis=0).mean())
        for layer, y in answers(network, x)
        if isinstance(layer, gn.ReLU)
    ]
    return max(shares, default=0.0)


def at_the_ends(network: gn.Network, x: Array) -> float:
    """The share of answers where the slope is below a twentieth of its largest, likewise."""
    shares = []
    for layer, y in answers(network, x):
        if isinstance(layer, gn.Sigmoid):
            shares.append(float((4 * y * (1 - y) < 0.05).mean()))
        if isinstance(layer, gn.Tanh):
            shares.append(float((1 - y**2 < 0.05).mean()))
    return max(shares, default=0.0)


def carried_back(network: gn.Network, x: Array) -> float:
    """What is left of a random gradient at the outputs when it comes to the first dense layer."""
    outputs = network.forward(x, training=True)
    dy: Array = np.random.default_rng(0).standard_normal(outputs.shape, network.dtype.type)
    sent = root_mean_square(dy)
    first = next(i for i, layer in enumerate(network.layers) if isinstance(layer, gn.Dense))
    for layer in reversed(network.layers[first + 1 :]):
        dy = layer.backward(dy).copy()
    return root_mean_square(dy) / sent


def root_mean_square(a: Array) -> float:
    """Of all elements."""
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


# A training with one thing changed.


def at_rate(training: Training, factor: float) -> Training:
    """With `factor` times the learning rate."""
    optimizer = training.optimizer
    rate = factor * optimizer.learning_rate
    return replace(
        training, optimizer=type(optimizer)(**{**optimizer.options(), "learning_rate": rate})
    )


def on_standardized_inputs(training: Training) -> Training:
    """With columns of mean 0 and standard deviation 1."""
    rows = training.rows
    return replace(training, rows=replace(rows, x=standardized(rows.x), held=None))


def with_suitable_weights(training: Training) -> Training:
    """With glassnet's own choice of initial weights, and biases of 0."""
    return replace(
        training,
        layers=[gn.Dense(a.units) if isinstance(a, gn.Dense) else a for a in training.layers],
    )


def without_dropout(training: Training) -> Training:
    """With nothing dropped."""
    return replace(training, layers=[a for a in training.layers if not isinstance(a, gn.Dropout)])


# What each name of a defect means.


@dataclass
class Suspect:
    """A sick training, run once however many names it has."""

    case: Case
    more: Sequence[gn.Callback] = ()
    _trained: list[Trained] = field(default_factory=list)

    @property
    def sick(self) -> Trained:
        """As it is."""
        if not self._trained:
            self._trained.append(trained(self.case.make()))
        return self._trained[0]

    def cured(self, by: Callable[[Training], Training]) -> Trained:
        """With one thing changed."""
        return trained(by(self.case.make()))


def not_finite(s: Suspect) -> Evidence:
    """A loss or a parameter is infinite or NaN, or the training was broken off for it."""
    return not s.sick.is_finite, f"finite: {s.sick.is_finite}"


def unscaled_inputs(s: Suspect) -> Evidence:
    """A column reaches beyond 20, and with standardised columns it goes much better."""
    largest = float(np.sqrt((s.case.make().rows.x.astype(float) ** 2).mean(axis=0)).max())
    cured = s.cured(on_standardized_inputs)
    return largest > 20 and s.sick.is_much_worse_than(cured), f"rms {largest:.0f}; " + both(
        s, cured
    )


def poor_initial_weights(s: Suspect) -> Evidence:
    """With suitable weights it goes much better."""
    cured = s.cured(with_suitable_weights)
    return s.sick.is_much_worse_than(cured), both(s, cured)


def dead_relu(s: Suspect) -> Evidence:
    """Half of a layer's units never fire on any row, at the end."""
    share = never_firing(s.sick.network, s.sick.training.rows.x)
    return share >= 0.5, f"{share:.0%} never fire"


def saturated(s: Suspect) -> Evidence:
    """Half of a layer's answers lie where the slope is below a twentieth of its largest."""
    share = at_the_ends(s.sick.network, s.sick.training.rows.x)
    return share >= 0.5, f"{share:.0%} at the ends"


def vanishing_gradient(s: Suspect) -> Evidence:
    """A thousandth comes back to the first layer before the first step; little is learned."""
    ratio = carried_back(s.sick.start, s.sick.training.rows.x)
    return ratio < 1e-3 and s.sick.skill < 0.2, f"ratio {ratio:.1e}, skill {s.sick.skill:.2f}"


def exploding_gradient(s: Suspect) -> Evidence:
    """Hundredfold comes back before the first step, and little is learned or all breaks down."""
    ratio = carried_back(s.sick.start, s.sick.training.rows.x)
    fails = not s.sick.is_finite or s.sick.skill < 0.2
    return ratio > 100 and fails, f"ratio {ratio:.1e}, skill {s.sick.skill:.2f}"


def learning_rate_too_high(s: Suspect) -> Evidence:
    """With a tenth, a hundredth or a thousandth of the rate it goes much better."""
    best = best_at(s, (0.1, 0.01, 0.001))
    return s.sick.is_much_worse_than(best), both(s, best)


def learning_rate_too_low(s: Suspect) -> Evidence:
    """Less than a tenth of what a higher rate gains in the same epochs."""
    best = best_at(s, (10, 100, 1000))
    gained, possible = s.sick.losses[0] - s.sick.final, s.sick.losses[0] - best.final
    return gained < 0.1 * possible, f"gained {gained:.4f} of {possible:.4f}"


def best_at(s: Suspect, factors: Sequence[float]) -> Trained:
    """The best of several rates."""
    all_rates = [s.cured(partial(at_rate, factor=factor)) for factor in factors]
    return min(all_rates, key=lambda t: t.final if t.is_finite else np.inf)


def update_too_large(s: Suspect) -> Evidence:
    """Half of the steps change a weight matrix by a tenth of itself or more."""
    steps = Steps()
    trained(s.case.make(), [steps])
    largest = max(float(np.median(ratios)) for ratios in steps.ratios.values())
    return largest >= 0.1, f"median step {largest:.2f} of the weights"


def update_too_small(s: Suspect) -> Evidence:
    """No weight matrix changes by a thousandth in the whole training, nor the loss by 1 %."""
    before, after = dict(matrices(s.sick.start)), dict(matrices(s.sick.network))
    moved = max(
        float(np.linalg.norm(after[n] - before[n]) / np.linalg.norm(before[n])) for n in before
    )
    gained = 1 - s.sick.final / s.sick.losses[0]
    return moved < 1e-3 and abs(gained) < 0.01, f"moved {moved:.1e}, loss {-gained:+.2%}"


def class_imbalance(s: Suspect) -> Evidence:
    """A class of at most a tenth of the rows is almost never found (1 in 20)."""
    y = s.sick.training.rows.y
    recalls = recall_by_class(s.sick)
    given_up = [c for c, r in enumerate(recalls) if (y == c).mean() <= 0.1 and r <= 0.05]
    return bool(given_up), f"recall by class {recalls}"


def one_class(s: Suspect) -> Evidence:
    """99 % of the answers are the same class, which at most 80 % of the rows are."""
    share = share_of_largest(s.sick.network.predict(s.sick.training.rows.x))
    return share >= 0.99 and s.sick.trivial <= 0.8, f"{share:.1%} are said to be the same"


def recall_by_class(t: Trained) -> list[float]:
    """The share of each class's rows that are recognised."""
    rows = t.training.rows
    said = t.network.predict(rows.x)
    return [round(float((said[rows.y == c] == c).mean()), 2) for c in np.unique(rows.y)]


def tiny_batches(s: Suspect) -> Evidence:
    """Batch norm on at most four rows, and on 32 it goes much better or has 20 % less loss."""
    batch = s.case.make().batch_size
    cured = s.cured(lambda training: replace(training, batch_size=32))
    worse = s.sick.is_much_worse_than(cured) or s.sick.final > 1.25 * cured.final
    return isinstance(batch, int) and batch <= 4 and worse, both(s, cured)


def dropout_too_high(s: Suspect) -> Evidence:
    """Without dropout the rows trained on are known better by 15 points."""
    cured = s.cured(without_dropout)
    return s.sick.is_finite and cured.score - s.sick.score >= 0.15, both(s, cured)


def overfitting(s: Suspect) -> Evidence:
    """Rows trained on are known better than others by 15 points of accuracy, or 30 of R²."""
    gap = s.sick.score - s.sick.unseen_score
    least = 0.15 if s.sick.training.rows.y.dtype.kind in "iu" else 0.3
    return gap >= least, f"{s.sick.score:.3f} and {s.sick.unseen_score:.3f}"


def overtraining(s: Suspect) -> Evidence:
    """The loss on other rows ends half above its best, which was in the first half."""
    losses = s.sick.unseen_losses
    best = int(np.argmin(losses))
    worse = losses[-1] / losses[best]
    return worse >= 1.5 and best < len(losses) / 2, f"× {worse:.2f} since epoch {best}"


def constant_features(s: Suspect) -> Evidence:
    """At least a third of the columns have one value in all rows."""
    share = float((np.ptp(s.case.make().rows.x, axis=0) == 0).mean())
    return share >= 1 / 3, f"{share:.0%} of the columns"


def loss_not_decreasing(s: Suspect) -> Evidence:
    """After all epochs it knows hardly more of the rows trained on than one who looks at none."""
    return s.sick.is_finite and s.sick.skill < 0.1, f"skill {s.sick.skill:.3f}"


def both(s: Suspect, cured: Trained) -> str:
    """Scores and losses side by side."""
    pairs = (s.sick.score, s.sick.final), (cured.score, cured.final)
    return ", cured: ".join(f"score {score:.3f} and loss {loss:.4g}" for score, loss in pairs)


PROOFS: dict[str, Callable[[Suspect], Evidence]] = {
    proof.__name__.replace("_", "-"): proof
    for proof in (
        not_finite,
        unscaled_inputs,
        poor_initial_weights,
        dead_relu,
        saturated,
        vanishing_gradient,
        exploding_gradient,
        learning_rate_too_high,
        learning_rate_too_low,
        update_too_large,
        update_too_small,
        class_imbalance,
        one_class,
        tiny_batches,
        dropout_too_high,
        overfitting,
        overtraining,
        constant_features,
        loss_not_decreasing,
    )
}


# What one is content with.


def content(s: Suspect) -> dict[str, Evidence]:
    """All that has to be so of a healthy training.

    Where almost nothing is left of the loss, it goes up and down by more than 15 % of itself; then
    it may end above its best by 1 % of what was gained.
    """
    t, rows = s.sick, s.sick.training.rows
    skill = (t.unseen_score - t.trivial) / (1 - t.trivial)
    gap, best = t.score - t.unseen_score, min(t.unseen_losses)
    final = t.network.evaluate(*unseen_rows(rows))["loss"]
    known = reference(rows)
    classes = rows.y.dtype.kind in "iu"
    recalls = recall_by_class(t) if classes else [1.0]
    return {
        "all numbers are finite": (t.is_finite, ""),
        "it learns what is there": (skill >= 0.4, f"skill {skill:.2f}"),
        "it is not behind a linear model": (
            t.unseen_score >= known - 0.05,
            f"{t.unseen_score:.3f}, linear {known:.3f}",
        ),
        "it knows other rows as well": (gap < (0.05 if classes else 0.1), f"gap {gap:.3f}"),
        "it ends where it was best": (
            final <= 1.15 * best or final - best <= 0.01 * (t.unseen_losses[0] - best),
            f"× {final / best:.2f}",
        ),
        "it knows every class": (min(recalls) >= 0.25, f"{min(recalls)}"),
        "its units are alive": (
            max(never_firing(t.network, rows.x), at_the_ends(t.network, rows.x)) < 0.5,
            f"{never_firing(t.network, rows.x):.2f}, {at_the_ends(t.network, rows.x):.2f}",
        ),
    }


def reference(rows: Rows) -> float:
    """What logistic or ridge regression scores on the other rows; −∞ where it knows the answer."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if np.array_equal(rows.x, rows.y):  # an autoencoder
        return -np.inf
    classes = rows.y.dtype.kind in "iu"
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=500) if classes else Ridge()
    )
    return float(model.fit(rows.x, rows.y).score(*unseen_rows(rows)))


def unseen_rows(rows: Rows) -> tuple[Array, Array]:
    """Those that were held out, or kept."""
    unseen = rows.held or rows.kept
    if unseen is None:
        raise ValueError("A healthy training is judged by rows that are held out or kept: no such.")
    return unseen


def verify(case: Case) -> dict[str, Evidence]:
    """Whether each thing that the label says is so."""
    suspect = Suspect(case)
    if not case.expects:
        return content(suspect)
    return {name: PROOFS[name](suspect) for name in case.expects}
