"""Rules on what flows through the layers: activations forward, gradients backward."""

from __future__ import annotations

from collections.abc import Iterator

from glassnet.doctor.finding import Curve, Finding
from glassnet.doctor.record import Moment, Record
from glassnet.doctor.rules.thresholds import Thresholds

NORMALISES = ("BatchNorm", "LayerNorm")


def dead_relu(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Units of a ReLU layer that answer 0 to every row: no gradient can bring them back."""
    for figures in record.moments[-1].layers:
        if figures.dead is None or figures.dead < limits.dead_share:
            continue
        yield Finding(
            "error" if figures.dead > 0.9 else "warning",
            record.setting.layer(figures.layer),
            f"{_percent(figures.dead)} of its units answer 0 to every row of the probe "
            f"(limit: {_percent(limits.dead_share)})",
            "A unit whose input is negative for every row has the slope 0: its weights get no "
            "gradient any more. A step that was too large, or initial weights and biases that are "
            "too negative or too large, have put it there.",
            _after_death(record, figures.layer),
            _layer_curve(record, figures.layer, "dead", "share of dead units", limits.dead_share),
        )


def _after_death(record: Record, layer: int) -> str:
    rate = record.setting.optimizer["learning_rate"]
    first = record.moments[0].layers[layer].dead or 0.0
    if first >= 0.5:
        return (
            "They were dead before the first step: use initializer='he_normal' and "
            "bias_initializer='zeros' for the layer before, and scale the inputs."
        )
    return (
        f"They died in training: lower the learning rate (it is {rate:g}, try a tenth), clip the "
        "gradient (clip_norm=1.0), or take LeakyReLU, which cannot die."
    )


def saturated(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Sigmoid or tanh units that are pushed to their ends, where the slope is nearly 0."""
    if not record.moments[-1].weights:
        return
    last_dense = max(w.layer for w in record.moments[-1].weights)
    for figures in record.moments[-1].layers:
        if figures.saturated is None or figures.layer > last_dense:
            continue  # at the output, certainty is what is wanted
        course = [m.layers[figures.layer].saturated or 0.0 for m in record.moments]
        often = sum(share >= limits.saturated_share for share in course)
        if figures.saturated < limits.saturated_share or 2 * often < len(course):
            continue
        yield Finding(
            "warning",
            record.setting.layer(figures.layer),
            f"{_percent(figures.saturated)} of its outputs are where its slope is below a "
            f"twentieth of its largest (limit: {_percent(limits.saturated_share)})",
            "At its ends the function is flat, so hardly any gradient passes. Inputs of the layer "
            "are too large: initial weights too large, inputs that are not scaled, or steps that "
            "are too large.",
            "Standardise the inputs (Standardize()), use initializer='xavier_uniform' before it, "
            "lower the learning rate, put BatchNorm() before it, or take ReLU() instead.",
            _layer_curve(
                record, figures.layer, "saturated", "share saturated", limits.saturated_share
            ),
        )


def vanishing_gradient(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """What arrives at the first layer is next to nothing beside what left the last one."""
    ratios = [_signal_ratio(moment) for moment in record.moments]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known or sum(ratio < limits.vanishing for ratio in known) * 2 <= len(known):
        return
    if any((figures.dead or 0.0) > 0.9 for figures in record.moments[-1].layers):
        return  # nothing passes a dead layer: that is said already
    if record.left_of_weights < limits.withered:
        return  # nor weights that decay has taken away
    first = record.moments[-1].weights[0]
    yield Finding(
        "error" if known[-1] < limits.vanishing else "warning",
        record.setting.layer(first.layer),
        f"∂ℓ/∂y is {known[-1]:.2g} times as long at the first layer with weights as at the last "
        f"(before training: {known[0]:.2g}; limit: {limits.vanishing:g})",
        "Going back, the gradient is multiplied by every layer's weights and slopes. A sigmoid's "
        "slope is at most ¼, so it shrinks by that or more from layer to layer, and so it does "
        "where weights are too small: the first layers hardly learn.",
        "Use ReLU() instead of sigmoids, initial weights that suit the activation (the default: "
        "leave initializer out), BatchNorm() between the layers, or fewer layers.",
        _ratio_curve(record, limits.vanishing),
    )


def exploding_gradient(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """The gradient grows on its way back, from layer to layer."""
    ratios = [_signal_ratio(moment) for moment in record.moments]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known or max(known) <= limits.exploding:
        return
    if sum(ratio > limits.exploding for ratio in known) * 3 < len(known):
        return
    first = record.moments[-1].weights[0]
    yield Finding(
        "error",
        record.setting.layer(first.layer),
        f"∂ℓ/∂y is {max(known):.3g} times as long at the first layer with weights as at the last "
        f"(limit: {limits.exploding:g})",
        "Going back, the gradient is multiplied by every layer's weights. Where these are too "
        "large it grows from layer to layer, and so do the steps of the first layers.",
        "Use initial weights that suit the activation (the default: leave initializer out), clip "
        "the gradient (clip_norm=1.0), put BatchNorm() between the layers, or take fewer layers.",
        _ratio_curve(record, limits.exploding),
    )


def poor_initial_weights(record: Record, limits: Thresholds) -> Iterator[Finding]:
    """Weights before the first step: equal, too large for a layer, or too small for the stack."""
    start = record.moments[0]
    for weight in start.weights:
        where = record.setting.layer(weight.layer)
        if weight.equal_units and weight is not start.weights[-1]:
            yield Finding(
                "error",
                where,
                f"all {weight.units} units began with the same weights",
                "Units with equal weights get equal gradients, so they stay equal: the layer "
                "counts as one unit.",
                "Draw the initial weights at random: leave initializer out, or use 'he_normal' "
                "before ReLU and 'xavier_uniform' before sigmoid and tanh.",
            )
        elif weight.gain > limits.initial_gain and not _is_normalised(record, weight.layer):
            yield Finding(
                "warning",
                where,
                f"before training, fan_in · mean(W²) was {weight.gain:.3g}: the layer multiplies "
                f"the mean square of its inputs by that (He: 2, Xavier: about 1; limit: "
                f"{limits.initial_gain:g})",
                "A signal that grows from layer to layer saturates sigmoids, makes the first "
                "outputs extreme and the first steps violent. A usual slip is to take the bound "
                "of a uniform for a variance: √(6 / (fan_in + fan_out)) is the a of U(−a, a), not "
                "the σ² of N(0, σ²).",
                "Leave initializer out, or use 'he_normal' before ReLU and 'xavier_uniform' before "
                "sigmoid and tanh.",
            )
    yield from _collapse(record, limits)


def _collapse(record: Record, limits: Thresholds) -> Iterator[Finding]:
    hidden = [w.layer for w in record.moments[0].weights[:-1]]
    if len(hidden) < 2 or any(_is_normalised(record, layer) for layer in hidden):
        return
    if any(weight.equal_units for weight in record.moments[0].weights):
        return
    variances = [record.moments[0].layers[layer].variance for layer in hidden]
    ratio = variances[-1] / variances[0] if variances[0] else 0.0
    if ratio < limits.initial_collapse:
        yield Finding(
            "warning",
            record.setting.layer(hidden[-1]),
            f"before training, its outputs varied over the rows by {ratio:.2g} of what the first "
            f"hidden layer's did (variances; limit: {limits.initial_collapse:g})",
            "A signal that shrinks from layer to layer leaves the last layers nothing to tell rows "
            "apart by, and going back the gradient shrinks likewise. A usual slip is to take a "
            "variance for a standard deviation: 2 / (fan_in + fan_out) is right for σ², not for σ.",
            "Leave initializer out, or use 'he_normal' before ReLU and 'xavier_uniform' before "
            "tanh; take ReLU or tanh instead of sigmoids in deep networks, or put BatchNorm() "
            "between the layers.",
            Curve("variance by hidden layer", list(range(1, len(hidden) + 1)), variances, log=True),
        )


def _is_normalised(record: Record, layer: int) -> bool:
    """Whether the layer's scale is divided out again by the next one."""
    after = record.setting.layers[layer + 1 : layer + 2]
    return bool(after) and after[0]["name"] in NORMALISES


def _signal_ratio(moment: Moment) -> float | None:
    """‖∂ℓ/∂y‖ at the first layer with weights over that at the last; None if there are few."""
    if len(moment.weights) < 3 or not moment.weights[-1].signal:
        return None
    return moment.weights[0].signal / moment.weights[-1].signal


def _ratio_curve(record: Record, limit: float) -> Curve:
    points = [(m.epoch, ratio) for m in record.moments if (ratio := _signal_ratio(m)) is not None]
    epochs, values = [float(e) for e, _ in points], [value for _, value in points]
    return Curve("‖∂ℓ/∂y‖, first layer over last", epochs, values, limit, log=True)


def _layer_curve(record: Record, layer: int, of: str, label: str, limit: float) -> Curve:
    values = [getattr(moment.layers[layer], of) for moment in record.moments]
    return Curve(label, [float(moment.epoch) for moment in record.moments], values, limit)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
