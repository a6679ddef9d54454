r"""The equations of all other kernels: losses, optimizers, data, fused calls.

See `glassnet.glass.equations`.
"""

from __future__ import annotations

from glassnet.glass.equations import Equation, each
from glassnet.glass.of_layers import BISHOP, BOOKKEEPING, NORMS, RUMELHART

_ROW_GRADIENT = r"\frac{\partial \ell}{\partial %s}"
_OF_OUTPUTS = {"gradient": _ROW_GRADIENT % "a"}
_OF_LOGITS = {"gradient": _ROW_GRADIENT % "z"}
_BRIDLE = (
    "Bridle, “Probabilistic interpretation of feedforward classification network outputs”, 1990"
)
_GOODFELLOW = "Goodfellow, Bengio and Courville, “Deep Learning”, 2016, "
_NORM = r"N = $terms\,\sum_i {$weights}_i \quad $terms = K\text{ if }\ell\text{ is a mean, else }1"

LOSSES = {
    "losses.squared_error": Equation(
        "half the squared error",
        {
            "losses": r"\frac{1}{2}\,\sum_k ($outputs - $targets)^2",
            "gradient": "$outputs - $targets",
        },
        RUMELHART.replace("eq.", "eqs.") + "3 and 4",
        each(4, "outputs"),
        symbols=_OF_OUTPUTS,
    ),
    "losses.summed_squares": Equation(
        "squared error",
        {
            "losses": r"\sum_k ($outputs - $targets)^2",
            "gradient": r"2\,($outputs - $targets)",
        },
        "Legendre, “Nouvelles méthodes pour la détermination des orbites des comètes”, 1805",
        each(4, "outputs"),
        symbols=_OF_OUTPUTS,
    ),
    "losses.absolute_error": Equation(
        "absolute error",
        {
            "losses": r"\sum_k |$outputs - $targets|",
            "gradient": r"\sign($outputs - $targets)",
        },
        BISHOP + "eq. 1.91 with q = 1",
        each(4, "outputs"),
        symbols=_OF_OUTPUTS,
    ),
    "losses.huber": Equation(
        "Huber's loss",
        {
            "losses": r"\sum_k \begin{cases} \frac{1}{2}\,d^2 & \text{where } |d| \le $delta \\ "
            r"$delta\,(|d| - \frac{1}{2}\,$delta) & \text{elsewhere} \end{cases}",
            "gradient": r"\clip(d, -$delta, $delta)",
        },
        "Huber, “Robust estimation of a location parameter”, 1964",
        each(6, "outputs"),
        r"d = $outputs - $targets",
        symbols=_OF_OUTPUTS,
    ),
    "losses.binary_cross_entropy": Equation(
        "binary cross-entropy of logits",
        {
            "losses": r"-\sum_k ($targets\,\ln \sigma($logits)"
            r" + (1 - $targets)\,\ln(1 - \sigma($logits)))",
            "gradient": r"\sigma($logits) - $targets",
        },
        BISHOP + "eqs. 5.23 and 5.18",
        each(9, "logits"),
        r"\sigma(u) = \frac{1}{1 + e^{-u}}",
        symbols=_OF_LOGITS,
    ),
    "losses.softmax_cross_entropy": Equation(
        "cross-entropy of the softmax",
        {"losses": r"-\sum_k q\,\ln p", "gradient": "p - q"},
        f"{_BRIDLE}; {BISHOP}eqs. 5.24 and 5.18; smoothed targets, Szegedy et al., “Rethinking the "
        "Inception architecture for computer vision”, CVPR 2016, section 7",
        each(9, "logits"),
        r"p = \softmax($logits) \quad q = (1 - $smoothing)\,$targets + \frac{$smoothing}{K}",
        symbols=_OF_LOGITS,
    ),
    "losses.weigh_by_class": Equation(
        "weights of the rows by their class",
        {"row_weights": r"$weights \odot ($targets\,$by_class)"},
        "King and Zeng, “Logistic regression in rare events data”, 2001",
        each(2, "targets"),
        r"$targets\,$by_class = (1 - $targets)\,{$by_class}_0 + $targets\,{$by_class}_1"
        r"\text{ of one output}",
        symbols={"weights": r"w_\text{sample}"},  # w is what the reduction takes
    ),
    "losses.mean_of_rows": Equation(
        "the mean over the rows",
        {
            "total": r"(\sum_i {$weights}_i\,{$losses}_i, N)",
            "gradient": r"\frac{$weights}{N} \odot $gradient",
        },
        _GOODFELLOW + "eq. 8.3",
        each(2, "gradient"),
        _NORM,
        symbols={"gradient": _ROW_GRADIENT % "a"},
    ),
    "losses.sum_of_rows": Equation(
        "the sum over the rows",
        {
            "total": r"(\sum_i {$weights}_i\,{$losses}_i, N)",
            "gradient": r"$weights \odot $gradient",
        },
        BISHOP + "eq. 5.42",
        each(1, "gradient"),
        _NORM,
        symbols={"gradient": _ROW_GRADIENT % "a"},
    ),
    "losses.stop_unless_finite": Equation("stop if the loss is no number", {}, BOOKKEEPING),
}

_POLYAK = "Polyak, “Some methods of speeding up the convergence of iteration methods”, 1964"
_NESTEROV = (
    "Nesterov, “A method for solving the convex programming problem”, 1983; in this form Bengio, "
    "Boulanger-Lewandowski and Pascanu, “Advances in optimizing recurrent networks”, ICASSP 2013"
)
_ADAM_MOMENTS = {
    "m": r"$beta1\,$m + (1 - $beta1)\,$gradient",
    "v": r"$beta2\,$v + (1 - $beta2)\,{$gradient}^2",
}
_ADAM = "Kingma and Ba, “Adam: a method for stochastic optimization”, ICLR 2015, algorithm 1"

OPTIMIZERS = {
    "optimizers.clip_by_value": Equation(
        "clip each slope",
        {"gradient": r"\clip($gradient, -$limit, $limit)"},
        f"Mikolov, “Statistical language models based on neural networks”, 2012; {_GOODFELLOW}"
        "section 10.11.1",
        each(2, "gradient"),
    ),
    "optimizers.clip_by_norm": Equation(
        "clip the gradient's length",
        {"gradient": r"$gradient\,\min(1, \frac{$limit}{\Vert g \Vert + 10^{-6}})"},
        "Pascanu, Mikolov and Bengio, “On the difficulty of training recurrent neural networks”, "
        "ICML 2013, algorithm 1 (the 1e-6 is PyTorch's)",
        each(3, "gradient"),
        r"\Vert g \Vert = \sqrt{\sum {$gradient}^2}\text{, over all parameters together}",
    ),
    "optimizers.add_l2_gradient": Equation(
        "gradient of the L2 penalty",
        {"gradient": r"$gradient + $l2\,$theta"},
        "Hoerl and Kennard, “Ridge regression”, 1970; Krogh and Hertz, NIPS 1991",
        each(2, "gradient"),
    ),
    "optimizers.decay_weights": Equation(
        "decay the weights",
        {"theta": r"(1 - $learning_rate\,$weight_decay)\,$theta"},
        "Loshchilov and Hutter, “Decoupled weight decay regularization”, ICLR 2019, eq. 1 (λ there "
        "is ηλ here)",
        each(1, "theta"),
    ),
    "optimizers.sgd": Equation(
        "gradient descent",
        {"theta": r"$theta - $learning_rate\,$gradient"},
        RUMELHART + "8",
        each(2, "theta"),
    ),
    "optimizers.momentum_of_gradients": Equation(
        "momentum",
        {
            "velocity": r"$momentum\,$velocity + $gradient",
            "theta": r"$theta - $learning_rate\,$velocity",
        },
        _POLYAK,
        each(4, "theta"),
    ),
    "optimizers.momentum_of_steps": Equation(
        "momentum",
        {
            "velocity": r"$momentum\,$velocity + $learning_rate\,$gradient",
            "theta": "$theta - $velocity",
        },
        _POLYAK + "; Rumelhart et al. 1986, eq. 9",
        each(4, "theta"),
        symbols={"velocity": "v", "momentum": r"\gamma"},
    ),
    "optimizers.nesterov": Equation(
        "Nesterov's momentum",
        {
            "velocity": r"$momentum\,$velocity + $gradient",
            "theta": r"$theta - $learning_rate\,($gradient + $momentum\,$velocity)",
        },
        _NESTEROV,
        each(6, "theta"),
    ),
    "optimizers.nesterov_of_steps": Equation(
        "Nesterov's momentum",
        {
            "velocity": r"$momentum\,$velocity + $learning_rate\,$gradient",
            "theta": r"$theta - ($learning_rate\,$gradient + $momentum\,$velocity)",
        },
        _NESTEROV,
        each(6, "theta"),
        symbols={"velocity": "v", "momentum": r"\gamma"},
    ),
    "optimizers.adagrad": Equation(
        "AdaGrad",
        {
            "history": r"$history + {$gradient}^2",
            "theta": r"$theta - $learning_rate\,\frac{$gradient}{\sqrt{$history} + $epsilon}",
        },
        "Duchi, Hazan and Singer, “Adaptive subgradient methods for online learning and stochastic "
        "optimization”, JMLR 12, 2011, figure 1",
        each(7, "theta"),
    ),
    "optimizers.rmsprop": Equation(
        "RMSProp",
        {
            "v": r"$alpha\,$v + (1 - $alpha)\,{$gradient}^2",
            "theta": r"$theta - $learning_rate\,\frac{$gradient}{\sqrt{$v} + $epsilon}",
        },
        "Hinton, Srivastava and Swersky, “Neural networks for machine learning”, lecture 6e, 2012",
        each(9, "theta"),
    ),
    "optimizers.count_step": Equation("count the step", {"t": "$t + 1"}, _ADAM, each(1, "t")),
    "optimizers.adam": Equation(
        "Adam",
        {
            **_ADAM_MOMENTS,
            "theta": r"$theta - $learning_rate\,\frac{\hat m}{\sqrt{\hat v} + $epsilon}",
        },
        _ADAM,
        each(13, "theta"),
        r"\hat m = \frac{$m}{1 - {$beta1}^{$t}} \quad \hat v = \frac{$v}{1 - {$beta2}^{$t}}",
    ),
    "optimizers.adam_uncorrected": Equation(
        "Adam without its correction",
        {
            **_ADAM_MOMENTS,
            "theta": r"$theta - $learning_rate\,\frac{$m}{\sqrt{$v} + $epsilon}",
        },
        "Chen and Wu, “Implement a multi-layer neural network from scratch”, 2022, eqs. 9–11",
        each(11, "theta"),
    ),
}


def _bookkeeping(title: str, work: tuple[str, ...] = (), **results: str) -> Equation:
    """A kernel that moves numbers and computes none."""
    return Equation(title, results, BOOKKEEPING, work=work)


_ROWS_OF = r"\text{rows }{$order}_{{$starts}_{$index} + i}\text{ of }$%s"

BOOKKEEPERS = {
    "batches.take_rows": _bookkeeping("take the batch's rows", rows=_ROWS_OF % "data"),
    "batches.take_labels": _bookkeeping("take the batch's labels", rows=_ROWS_OF % "labels"),
    "batches.set_rate": _bookkeeping("set the learning rate", learning_rate="{$rates}_{$index}"),
    "batches.next_batch": _bookkeeping("count the batch", index="$index + 1", step="$step + 1"),
    "batches.add_to": _bookkeeping("add up", whole="$whole + $part"),
    "batches.divide": _bookkeeping("divide", whole=r"\frac{$whole}{$number}"),
    "targets.one_hot": _bookkeeping(
        "one-hot rows",
        rows=r"\begin{cases} 1 & \text{in column }$labels \\ 0 & \text{elsewhere} \end{cases}",
    ),
    "targets.add_loss": _bookkeeping("add up the loss", sums="$sums + $total"),
    "targets.count_classes": _bookkeeping(
        "count right answers",
        sums=r"$sums + (0, 0, \sum_i {$weights}_i\,\text{where the largest of }$outputs"
        r"\text{ and of }$truth\text{ agree}, \sum_i {$weights}_i)",
    ),
    "targets.count_decisions": _bookkeeping(
        "count right decisions",
        sums=r"$sums + (0, 0, \sum_i {$weights}_i\,\text{where }$outputs > $threshold"
        r"\text{ agrees with }$truth, \sum_i {$weights}_i)",
    ),
    "targets.count_squares": _bookkeeping(
        "add up squared differences",
        sums=r"$sums + (0, 0, \sum_i {$weights}_i\,\frac{1}{K}\,\sum_k ($outputs - $truth)^2,"
        r" \sum_i {$weights}_i)",
    ),
    "epochs.shuffle": Equation(
        "a new order of the rows",
        {"order": r"\text{a permutation by }$words"},
        "Fisher and Yates, “Statistical tables”, 1938; Durstenfeld, algorithm 235, 1964",
    ),
    "epochs.begin_epoch": _bookkeeping("an epoch begins", rates=r"{$all_rates}_{$done}", sums="0"),
    "epochs.end_epoch": _bookkeeping(
        "an epoch ends",
        all_sums=r"\text{with }$sums\text{ in row }$done",
        done="$done + 1",
        number="$number + 1",
        index="0",
    ),
    "epochs.keep": _bookkeeping("keep a copy", kept="$array"),
    "epochs.stop_unless_all_finite": _bookkeeping("stop if a parameter is no number"),
}

SPARSE = {
    "nonzeros.sparse_product": Equation(
        "a product without its zeros",
        {"product": r"$initial + \sum_p {$values}_p\,{$matrix}_{{$places}_p}"},
        "Gustavson, “Two fast algorithms for sparse matrices”, ACM TOMS 4, 1978",
        lambda arrays: 2 * arrays["values"].size * arrays["matrix"].shape[-1],
    ),
    "nonzeros.list_rows": _bookkeeping(
        "list what is not zero, by rows",
        starts=r"\text{where each row of }$x\text{ begins}",
        columns=r"\text{columns with }$x \ne 0",
        values=r"\text{the }$x \ne 0",
    ),
    "nonzeros.list_columns": _bookkeeping(
        "the same list, by columns",
        starts=r"\text{where each column begins, from }$row_starts",
        rows=r"\text{rows of }$columns",
        values="$row_values",
    ),
}

_THEN_RECTIFY = r"\max($gamma \odot $x_hat + $beta, 0)"
_BATCH_NORM = NORMS["layers.batch_norm.batch_norm_forward"]
_BATCH_NORM_BACK = NORMS["layers.batch_norm.batch_norm_backward"]


def _fused_forward(title: str, y: str, *work: str, **results: str) -> Equation:
    """Batch norm with what comes after it, in one pass."""
    return Equation(
        title,
        {**_BATCH_NORM.results, "y": y, **results},
        f"{_BATCH_NORM.source}; fused",
        each(10, "x"),
        _BATCH_NORM.where,
        symbols=_BATCH_NORM.symbols,
        work=work,
    )


def _fused_backward(title: str, passes: str) -> Equation:
    """Back through what comes after batch norm, and through batch norm."""
    return Equation(
        title,
        {name: rhs.replace("$dy", "h") for name, rhs in _BATCH_NORM_BACK.results.items()},
        f"{_BATCH_NORM_BACK.source}; fused",
        each(10, "dx"),
        rf"h = \begin{{cases}} {passes} & \text{{where }} $y > 0 \\ "
        r"0 & \text{elsewhere} \end{cases}",
    )


_RECTIFIED = _fused_forward("batch norm and rectifier", _THEN_RECTIFY)
_RECTIFIED_BACK = _fused_backward("back through rectifier and batch norm", "$dy")
_DROPPED = _fused_forward(
    "batch norm, rectifier and dropout",
    rf"m \odot {_THEN_RECTIFY}",
    "work",
    step="$step + 1",
)
_DROPPED_COLUMNS = _fused_forward(
    "batch norm, rectifier and dropout in some columns", rf"m \odot {_THEN_RECTIFY}", "work"
)
_DROPPED_BACK = _fused_backward(
    "back through dropout, rectifier and batch norm", r"\frac{$dy}{1 - $rate}"
)
_INFERENCE = NORMS["layers.batch_norm.batch_norm_inference"]

FUSED = {
    "fused.normalise_rectify": _RECTIFIED,
    "fused.normalise_rectify_columns": _RECTIFIED,
    "fused.normalise_rectify_backward": _RECTIFIED_BACK,
    "fused.normalise_rectify_backward_columns": _RECTIFIED_BACK,
    "fused.normalise_rectify_drop": _DROPPED,
    "fused.normalise_rectify_drop_columns": _DROPPED_COLUMNS,
    "fused.normalise_rectify_drop_backward": _DROPPED_BACK,
    "fused.normalise_rectify_drop_backward_columns": _DROPPED_BACK,
    "fused.normalise_rectify_inference": Equation(
        "batch norm with running statistics, and rectifier",
        {"y": rf"\max({_INFERENCE.results['y']}, 0)"},
        f"{_INFERENCE.source}; fused",
        each(4, "x"),
    ),
    "fused.descend_by_rows": Equation(
        "gradient descent of the weights",
        {"weight": r"$weight - $learning_rate\,$x^\top\,$dy"},
        RUMELHART.replace("eq.", "eqs.") + "6 and 8; fused",
        lambda arrays: 2 * arrays["x"].size * arrays["dy"].shape[-1],
    ),
    "fused.momentum_by_rows": Equation(
        "momentum of the weights",
        {
            "velocity": r"$momentum\,$velocity + $x^\top\,$dy",
            "weight": r"$weight - $learning_rate\,$velocity",
        },
        f"{_POLYAK}; fused",
        lambda arrays: 2 * arrays["x"].size * arrays["dy"].shape[-1],
    ),
    "fused.list_inputs": _bookkeeping(
        "list the inputs that are not zero", places=r"\text{how many, and which, }$x \ne 0"
    ),
    "fused.dense_forward_listed": Equation(
        "weighted sums of the inputs that are not zero",
        {"y": r"$x\,$weight + $bias"},
        RUMELHART + "1",
        each(2, "weight"),
        letter="z",
    ),
    "fused.descend_listed": Equation(
        "gradient descent of the weights of inputs that are not zero",
        {"weight": r"$weight - $learning_rate\,$x^\top\,$dy"},
        RUMELHART.replace("eq.", "eqs.") + "6 and 8; fused",
        each(2, "weight"),
    ),
}

_DEVIANCE = "McCullagh and Nelder, “Generalized linear models”, 1989, section 2.3"
_PROGRESS = (
    r"\begin{cases} $waited + 1 & \text{where } J > $best - $tolerance \\"
    r" 0 & \text{elsewhere} \end{cases}"
)

ESTIMATORS = {
    "estimators.objectives.poisson": Equation(
        "half of the Poisson deviance",
        {
            "losses": r"\sum_k ($targets\,\ln \frac{$targets}{\mu} - $targets + \mu)",
            "gradient": r"\mu - $targets",
        },
        _DEVIANCE,
        each(8, "log_rates"),
        r"\mu = e^{$log_rates}",
        symbols={"log_rates": "z", **_OF_LOGITS},
    ),
    "estimators.objectives.add_penalty": Equation(
        "the L2 penalty of a batch",
        {
            "l2": r"\frac{$alpha\,$terms}{N}",
            "total": r"$total + (\frac{1}{2}\,$scale\,$alpha\,\Vert $weights \Vert^2, 0)",
        },
        "Hoerl and Kennard, “Ridge regression”, 1970; Krogh and Hertz, NIPS 1991",
        each(2, "weights"),
        r"N = {$total}_2",
        symbols={"weights": "W", "scale": "c"},
    ),
    "estimators.watching.wait_for_progress": Equation(
        "count the epochs without progress",
        {"waited": _PROGRESS, "best": r"\min($best, J)", "seen": "$seen + 1"},
        BOOKKEEPING,
        where=r"J = \frac{{$sums}_1}{$scale\,{$sums}_2}",
    ),
}

EQUATIONS: dict[str, Equation] = LOSSES | OPTIMIZERS | BOOKKEEPERS | SPARSE | FUSED | ESTIMATORS
