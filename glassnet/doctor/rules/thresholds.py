"""The thresholds of all rules, each with where it comes from; `docs/doctor.md` says more."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

from glassnet.registry import did_you_mean


@dataclass(frozen=True)
class Thresholds:
    """What the rules compare with; every number can be set.

    "SageMaker" is the list of built-in rules of Amazon SageMaker Debugger, with its defaults;
    "suite" means that the number was set on the tuning part of `docs/doctor-suite.md`.

    Attributes:
        dead_share: of a ReLU layer's units (SageMaker, DeadRelu: 50 %, which a healthy network
            reaches on inputs that are all positive; suite: 70 %).
        saturated_share: of a sigmoid or tanh layer's outputs (SageMaker, SaturatedActivation: 50 %
            of the nodes).
        vanishing: signal at the first layer over that at the last (suite; a sigmoid passes at
            most ¼ a layer, so this is four of them).
        exploding: the same, upwards (suite).
        initial_gain: of the mean square, by one layer before training (SageMaker,
            PoorWeightInitialization: a ratio of variances of 10).
        initial_collapse: variance of the last hidden layer over that of the first (suite).
        update_large, update_small: ‖ΔW‖ / ‖W‖ of a step (around 0.001 is healthy: Hinton 2012,
            section 7; SageMaker's WeightUpdateRatio is 10 and 1e-8; 0.1 is half-way in decades).
        loss_rise: relative to the loss before training (SageMaker, LossNotDecreasing: 5 %).
        rising_epochs: share of the epochs in which the loss may rise by that (suite).
        loss_burst: the loss of an epoch over that before training (suite).
        loss_drop: relative to the loss before training, below which it "hardly moves" (suite).
        moved: ‖W − W₀‖ / ‖W‖ of a weight matrix that "hardly moved" (suite).
        withered: ‖W‖ over that at the beginning, of weights that decay has taken away (suite).
        rate_left: of the learning rate in the first half, if a schedule took it too early (suite).
        loss_gain: relative to the best constant answer (SageMaker, LossNotDecreasing, asks for
            0.1 % in 10 steps; suite: 2 %).
        one_class: share of the rows that are said to be of one class (suite).
        accuracy_gap: training over validation (SageMaker, Overfit: losses 10 % apart; suite: ten
            points).
        loss_ratio: validation loss over training loss, for numbers (suite).
        overtraining: the validation loss over its lowest (Prechelt 1998: the generalisation loss;
            his criterion GL₅ allows 5 %).
        input_scale: √(mean² + std²) of an input (LeCun et al. 1998, section 4.3, asks for about 1;
            suite: 10 times that).
        input_tiny: the same of the largest input, downwards (suite: a hundredth).
        class_ratio: rows of the largest class over those of the smallest (SageMaker,
            ClassImbalance: 10).
        class_recall: of a rare class (SageMaker, ClassImbalance: 0.7 may be mistaken).
        norm_batch: rows of a batch with batch norm (Wu and He 2018, figure 1: errors grow below 16,
            and steeply below 8).
        dropout: share that is dropped (Srivastava et al. 2014, appendix A.4: 0.2 to 0.5 of hidden
            units).
        dropout_loss: training loss over that of the best constant answer, where so much is dropped
            (suite).
        enough_epochs: how many epochs a running training must have had before its loss is judged.
    """

    dead_share: float = 0.7
    saturated_share: float = 0.5
    vanishing: float = 4e-3
    exploding: float = 100.0
    initial_gain: float = 10.0
    initial_collapse: float = 1e-4
    update_large: float = 0.1
    update_small: float = 1e-5
    loss_rise: float = 0.05
    rising_epochs: float = 0.4
    loss_burst: float = 2.0
    loss_drop: float = 0.1
    moved: float = 0.02
    withered: float = 0.01
    rate_left: float = 0.01
    loss_gain: float = 0.02
    one_class: float = 0.99
    accuracy_gap: float = 0.1
    loss_ratio: float = 2.0
    overtraining: float = 0.05
    input_scale: float = 10.0
    input_tiny: float = 0.01
    class_ratio: float = 10.0
    class_recall: float = 0.3
    norm_batch: int = 8
    dropout: float = 0.5
    dropout_loss: float = 0.5
    enough_epochs: int = 10

    def changed(self, settings: dict[str, float]) -> Self:
        """With other numbers for some.

        Raises:
            ValueError: for a name that is not there.

        >>> Thresholds().changed({"dead_share": 0.7}).dead_share
        0.7
        """
        known = [field.name for field in fields(self)]
        for name in settings:
            if name not in known:
                raise ValueError(
                    f"There is no threshold {name!r}.{did_you_mean(name, known)} "
                    f"Known: {', '.join(known)}."
                )
        return replace(self, **settings)  # type: ignore[arg-type]
