"""Two variants of Adam that the paper tells of: one that fails, and one that its text describes."""

from __future__ import annotations

import numpy as np

from glassnet.accelerate import Array
from glassnet.optimizers import OPTIMIZERS, Adam


class _PlainAdam(Adam):
    """Adam's four lines, with t decided by a subclass."""

    def time(self) -> float:
        """t of the step that is about to be taken."""
        raise NotImplementedError(f"{self.name} has no t")

    def update(self) -> None:
        """m, v, their corrections by 1 − βᵗ, and the step."""
        m, v, t, g = self.state["m"], self.state["v"], self.time(), self.gradient
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        with np.errstate(divide="ignore", invalid="ignore"):  # at t = 0, which is the point
            m_hat = m / np.float64(1 - self.beta1**t)
            v_hat = v / np.float64(1 - self.beta2**t)
            self.theta -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


@OPTIMIZERS.register
class AdamFromZero(_PlainAdam):
    """Adam whose t is 0 in the first step: 1 − β⁰ = 0 divides m and v, and θ is no longer a number.

    Source: Nasuti 2023, "A small oversight during implementation".
    """

    name = "adam_from_zero"

    def time(self) -> float:
        """Steps that were taken before."""
        t = float(self.state["t"])
        self.state["t"] += 1
        return t


@OPTIMIZERS.register
class AdamByEpoch(_PlainAdam):
    """Adam whose t counts epochs, "the current time step (epoch number)", instead of steps.

    Arguments:
        learning_rate, l2: as `Adam` has them.
        steps_per_epoch: how many steps make an epoch.
    """

    name = "adam_by_epoch"

    def __init__(
        self, learning_rate: float = 0.001, steps_per_epoch: int = 1, *, l2: float = 0.0
    ) -> None:
        super().__init__(learning_rate, l2=l2)
        self.steps_per_epoch = steps_per_epoch

    def time(self) -> float:
        """The number of the running epoch, from 1."""
        steps: Array = self.state["t"]
        steps += 1
        return float((steps - 1) // self.steps_per_epoch + 1)
