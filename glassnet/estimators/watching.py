"""What the estimators do between epochs: score held-out rows, decide when to stop, print.

The rule for stopping is scikit-learn's. An epoch counts as progress if it is better than the best
one by `tol` at least; when more than `n_iter_no_change` epochs in a row are not, training stops or,
with an adaptive rate, goes on at a fifth of the rate. As long as the training loss decides, that is
a kernel call at the end of an epoch, so that short epochs can run many in a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from glassnet.accelerate import Array, Call, accelerated
from glassnet.callbacks import Callback
from glassnet.schedules import Position, Schedule

if TYPE_CHECKING:
    from glassnet.network import Network
    from glassnet.trainer import Trainer

LOWEST_RATE = 1e-6
"""An adaptive rate that is no higher than this is not lowered any more."""


@accelerated
def wait_for_progress(
    sums: Array,
    scale: Array,
    tolerance: Array,
    patience: Array,
    best: Array,
    waited: Array,
    seen: Array,
) -> None:
    """Count epochs whose loss is not below the best by the tolerance; raise when out of patience.

    Arguments:
        sums: Σ wᵢ ℓᵢ and N of the epoch, whose loss is their quotient, divided by `scale`.
        best, waited, seen: the smallest loss, epochs without progress, and all epochs.
    """
    loss = sums[0] / sums[1] / scale.item()
    seen += 1
    if loss > best - tolerance:
        waited += 1
    else:
        waited[...] = 0
    if loss < best:
        best[...] = loss
    if waited > patience:
        raise FloatingPointError


class Rate(Schedule):
    """The learning rate of scikit-learn's solvers: a product of what each of them asks for.

    Arguments:
        steps: how many steps the optimizer has taken before.
        rows: how many rows an epoch has, and `seen` how many have been seen before.
        power: of `invscaling`: η ∝ (rows seen + 1)^−power, from epoch to epoch; None for others.
        betas: of Adam's bias correction, √(1 − β2ᵗ) / (1 − β1ᵗ); None for others. As part of the
            rate it leaves Adam's ε beside √v, where scikit-learn has it, not beside √v̂.
        inner: a further schedule, or None.

    Attributes:
        share: what `adaptive` has left of the rate.
    """

    name = "solver"

    def __init__(
        self,
        rows: int,
        seen: int = 0,
        steps: int = 0,
        power: float | None = None,
        betas: tuple[float, float] | None = None,
        inner: Schedule | None = None,
        share: float = 1.0,
    ) -> None:
        self.rows, self.seen, self.steps = rows, seen, steps
        self.power, self.betas, self.inner, self.share = power, betas, inner, share
        self.changes_within_epochs = betas is not None or (  # type: ignore[misc]
            inner is not None and inner.changes_within_epochs
        )

    def prepare(self) -> None:
        if self.inner is not None:
            self.inner.prepare()

    def factor(self, position: Position) -> float:
        factor = self.share
        if self.power is not None:
            factor *= (self.seen + position.epoch * self.rows + 1) ** -self.power
        if self.betas is not None:
            beta1, beta2 = self.betas
            t = self.steps + position.step + 1
            factor *= math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return factor if self.inner is None else factor * self.inner.factor(position)


class ListeningRate(Rate):
    """A `Rate` whose inner schedule wants to be told of every epoch."""

    def observe(self, record: Mapping[str, float]) -> None:
        if self.inner is not None:
            self.inner.observe(record)


class HeldOut(Callback):
    """Score held-out rows after every epoch.

    Arguments:
        measure: gives the score and the loss of those rows.

    Attributes:
        scores, losses: of every epoch.
    """

    def __init__(self, measure: Callable[[], tuple[float, float]]) -> None:
        self.measure = measure
        self.scores: list[float] = []
        self.losses: list[float] = []

    def on_epoch_end(self, trainer: Trainer) -> None:
        score, loss = self.measure()
        self.scores.append(score)
        self.losses.append(loss)


class Patience(Callback):
    """Stop, or lower an adaptive rate, when the training loss makes no progress.

    Arguments:
        tolerance, patience: see the top of this file; a patience of ∞ never ends.
        best, waited: where an earlier training of the same weights ended.
        scale: what the history's losses are divided by.
        rate: the schedule whose `share` is lowered, for an adaptive rate; else None.
    """

    what = "Training loss"

    def __init__(
        self,
        tolerance: float,
        patience: float,
        best: float,
        waited: int = 0,
        scale: float = 1.0,
        rate: Rate | None = None,
    ) -> None:
        numbers = scale, tolerance, patience, best, waited, 0
        self.scale, self.tolerance, self.patience, self._best, self._waited, self._seen = (
            np.array(float(number)) for number in numbers
        )
        self.rate = rate

    @property
    def best(self) -> float:
        """The best value so far."""
        return float(self._best)

    @property
    def waited(self) -> int:
        """How many epochs in a row have made no progress."""
        return int(self._waited)

    @property
    def every_epoch(self) -> bool:
        """Not needed: a row of epochs ends with the one that is out of patience."""
        return False

    @property
    def _numbers(self) -> tuple[Array, ...]:
        state = self._best, self._waited, self._seen
        return self.scale, self.tolerance, self.patience, *state

    def epoch_calls(self, trainer: Trainer) -> list[Call]:
        """Look at the epoch's loss."""
        return [(wait_for_progress, (trainer.steps.sums, *self._numbers))]

    def on_epoch_end(self, trainer: Trainer) -> None:
        for record in trainer.history[int(self._seen) :]:  # that did not run in a row
            self._look(record["loss"])
        if self._waited > self.patience:
            self._give_up(trainer)

    def _look(self, loss: float) -> None:
        try:
            wait_for_progress.reference(np.array([loss, 1.0]), *self._numbers)
        except FloatingPointError:
            return  # noticed by whoever asks how long it waited

    def _give_up(self, trainer: Trainer) -> None:
        rate = trainer.optimizer.learning_rate
        message = (
            f"{self.what} did not improve more than tol={float(self.tolerance):f} for "
            f"{float(self.patience):g} consecutive epochs."
        )
        if self.rate is None:
            trainer.stop(f"{message} Stopping.")
        elif rate <= LOWEST_RATE:
            trainer.stop(f"{message} Learning rate too small. Stopping.")
        else:
            self.rate.share /= 5
            self._waited[...] = 0


class Continue(Callback):
    """Let the optimizer go on from a state that it had, where it fits.

    Arguments:
        state: `Optimizer.state` of the earlier training.
    """

    def __init__(self, state: Mapping[str, Array]) -> None:
        self.earlier = state

    def on_fit_begin(self, trainer: Trainer) -> None:
        state = trainer.optimizer.state
        alike = state.keys() == self.earlier.keys()
        for name, array in state.items() if alike else ():
            if name not in ("learning_rate", "momentum"):  # as they are set now
                array[...] = self.earlier[name]


class Report(Callback):
    """Print the loss of every epoch, and held-out scores, as scikit-learn does.

    Arguments:
        scale: what the history's losses are divided by.
        held_out: scores rows, or None.
    """

    def __init__(self, scale: float, held_out: HeldOut | None) -> None:
        self.scale, self.held_out = scale, held_out
        self.printed = 0

    @property
    def every_epoch(self) -> bool:
        """Not needed: some 50 ms of epochs may be printed at once."""
        return False

    def on_epoch_end(self, trainer: Trainer) -> None:
        for record in trainer.history[self.printed :]:
            self.printed += 1
            print(f"Iteration {self.printed}, loss = {record['loss'] / self.scale:.8f}")
            if self.held_out is not None:
                print(f"Validation score: {self.held_out.scores[self.printed - 1]:f}")

    def on_fit_end(self, trainer: Trainer) -> None:
        if trainer.history.stopped:
            print(trainer.history.stopped)


class ScorePatience(Patience):
    """The same by the score of held-out rows; at the end the best weights are put back.

    Arguments:
        held_out: scores the rows, and is told of an epoch before this.
        kept: the best weights and buffers so far, by name.
        restores: whether they are put back also when training ends with patience left.
    """

    what = "Validation score"

    def __init__(
        self,
        held_out: HeldOut,
        kept: dict[str, Array],
        restores: bool,
        tolerance: float,
        patience: float,
        best: float,
        waited: int = 0,
        rate: Rate | None = None,
    ) -> None:
        super().__init__(tolerance, patience, best, waited, rate=rate)
        self.held_out, self.kept, self.restores = held_out, kept, restores

    @property
    def every_epoch(self) -> bool:
        """The held-out rows are scored in Python."""
        return True

    def epoch_calls(self, trainer: Trainer) -> list[Call]:
        """None."""
        return []

    def on_epoch_end(self, trainer: Trainer) -> None:
        score = self.held_out.scores[-1]
        self._waited[...] = self._waited + 1 if score < self._best + self.tolerance else 0
        if score > self._best:
            self._best[...] = score
            self.kept.update(copied(trainer.network))
        if self._waited > self.patience:
            self._give_up(trainer)

    def on_fit_end(self, trainer: Trainer) -> None:
        if self.restores or trainer.history.stopped:
            put_back(self.kept, trainer.network)


def arrays_of(network: Network) -> dict[str, Array]:
    """All that training changes in a network, by name."""
    return {"theta": network.theta} | network.buffers


def copied(network: Network) -> dict[str, Array]:
    """The same, as it is now."""
    return {name: array.copy() for name, array in arrays_of(network).items()}


def put_back(kept: Mapping[str, Array], network: Network) -> None:
    """Give a network the numbers that `copied` returned."""
    for name, array in arrays_of(network).items():
        array[...] = kept[name]
