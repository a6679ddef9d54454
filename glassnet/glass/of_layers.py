r"""The equations of the layers' kernels (see `glassnet.glass.equations`)."""

from __future__ import annotations

from collections.abc import Mapping

from glassnet.accelerate import Array
from glassnet.glass.equations import Cost, Equation, each

RUMELHART = "Rumelhart, Hinton and Williams, Nature 323, 1986, eq. "
CHAIN_RULE = "the chain rule; as a Hadamard product, Nielsen, “Neural Networks and Deep Learning”, "
CHAIN_RULE += "2015, ch. 2, eq. BP2"
IOFFE = "Ioffe and Szegedy, “Batch Normalization”, ICML 2015, "
BA = "Ba, Kiros and Hinton, “Layer normalization”, 2016, section 3"
BISHOP = "Bishop, “Pattern Recognition and Machine Learning”, 2006, "
BOOKKEEPING = "bookkeeping of this library"


def _product(left: str, right: str, kept: int, plus: str | None = None) -> Cost:
    """2 m k n operations of a product of `left` with a matrix; `kept` is the axis that it shares.

    Arguments:
        left, right: arguments, both of two axes.
        kept: the axis of `right` that is summed over.
        plus: an argument that is added, an element at a time.
    """

    def cost(arrays: Mapping[str, Array]) -> int:
        a, b = arrays[left], arrays[right]
        added = arrays[plus].size if plus else 0
        return 2 * a.size * int(b.shape[1 - kept]) + added

    return cost


def _pair(
    name: str,
    title: str,
    forward: str,
    backward: str,
    source: str,
    *,
    flops: tuple[int, int],
    where: str = "",
    where_back: str = "",
    backward_source: str = CHAIN_RULE,
    letter: str = "a",
) -> dict[str, Equation]:
    """An activation: its forward and its backward kernel."""
    return {
        f"layers.{name}_forward": Equation(
            title, {"y": forward}, source, each(flops[0], "y"), where, letter=letter
        ),
        f"layers.{name}_backward": Equation(
            f"back through {title}",
            {"dx": backward},
            backward_source,
            each(flops[1], "dx"),
            where_back,
        ),
    }


DENSE = {
    "layers.dense.dense_forward": Equation(
        "weighted sums",
        {"y": r"$x\,$weight + $bias"},
        RUMELHART + "1",
        _product("x", "weight", 0, plus="y"),
        letter="z",
    ),
    "layers.dense.dense_forward_without_bias": Equation(
        "weighted sums",
        {"y": r"$x\,$weight"},
        RUMELHART + "1",
        _product("x", "weight", 0),
        letter="z",
    ),
    "layers.dense.dense_weight_gradient": Equation(
        "gradient of the weights",
        {"d_weight": r"$x^\top\,$dy"},
        RUMELHART + "6",
        _product("x", "dy", 0),
    ),
    "layers.dense.dense_bias_gradient": Equation(
        "gradient of the biases: sums over the rows",
        {"d_bias": r"\sum_i {$dy}_{i}"},
        RUMELHART + "6, for a weight from a unit that is always 1",
        each(1, "dy"),
    ),
    "layers.dense.dense_input_gradient": Equation(
        "gradient of the inputs",
        {"dx": r"$dy\,$weight^\top"},
        RUMELHART + "7",
        _product("dy", "weight", 1),
    ),
}

_SIGMOID = r"\sigma(u) = \frac{1}{1 + e^{-u}}"

ACTIVATIONS = {
    **_pair(
        "activations.sigmoid",
        "the logistic function",
        r"\sigma($x)",
        r"$dy \odot $y \odot (1 - $y)",
        RUMELHART + "2",
        flops=(4, 3),
        where=_SIGMOID,
        backward_source=RUMELHART + "5",
    ),
    **_pair(
        "activations.tanh",
        "the hyperbolic tangent",
        r"\tanh($x)",
        r"$dy \odot (1 - {$y}^2)",
        BISHOP + "eq. 5.58; LeCun et al., “Efficient BackProp”, 1998, section 4.4",
        flops=(1, 3),
        backward_source=BISHOP + "eq. 5.60",
    ),
    **_pair(
        "activations.softplus",
        "softplus",
        r"\ln(1 + e^{$x})",
        r"$dy \odot \sigma($x)",
        "Dugas et al., “Incorporating second-order functional knowledge”, NIPS 2000",
        flops=(3, 5),
        where_back=_SIGMOID,
    ),
}

RECTIFIERS = {
    **_pair(
        "rectifiers.relu",
        "the rectifier",
        r"\max($x, 0)",
        r"\begin{cases} $dy & \text{where } $y > 0 \\ 0 & \text{elsewhere} \end{cases}",
        "Nair and Hinton, “Rectified linear units improve restricted Boltzmann machines”, 2010",
        flops=(1, 1),
    ),
    **_pair(
        "rectifiers.leaky_relu",
        "the leaky rectifier",
        r"\begin{cases} $x & \text{where } $x > 0 \\ $slope\,$x & \text{elsewhere} \end{cases}",
        r"\begin{cases} $dy & \text{where } $x > 0 \\ $slope\,$dy & \text{elsewhere} \end{cases}",
        "Maas, Hannun and Ng, “Rectifier nonlinearities improve neural network acoustic models”, "
        "ICML 2013, section 2",
        flops=(2, 2),
        letter="y",  # a is the slope
    ),
    "layers.rectifiers.prelu_forward": Equation(
        "the rectifier with a learned slope",
        {
            "y": r"\begin{cases} $x & \text{where } $x > 0 \\ "
            r"$slope \odot $x & \text{elsewhere} \end{cases}"
        },
        "He et al., “Delving deep into rectifiers”, ICCV 2015, eq. 1",
        each(2, "y"),
        letter="y",
    ),
    "layers.rectifiers.prelu_backward": Equation(
        "back through the rectifier with a learned slope",
        {
            "dx": r"\begin{cases} $dy & \text{where } $x > 0 \\ "
            r"$slope \odot $dy & \text{elsewhere} \end{cases}",
            "d_slope": r"\sum $dy \odot \min($x, 0)",
        },
        "He et al., “Delving deep into rectifiers”, ICCV 2015, eqs. 2 and 3",
        each(5, "dx"),
    ),
    **_pair(
        "rectifiers.elu",
        "the exponential linear unit",
        r"\begin{cases} $scale\,$x & \text{where } $x > 0 \\ "
        r"$scale\,$alpha\,(e^{$x} - 1) & \text{elsewhere} \end{cases}",
        r"\begin{cases} $scale\,$dy & \text{where } $x > 0 \\ "
        r"$scale\,$alpha\,e^{$x} \odot $dy & \text{elsewhere} \end{cases}",
        "Clevert, Unterthiner and Hochreiter, “Fast and accurate deep network learning by "
        "exponential linear units (ELUs)”, ICLR 2016, section 3; with the scale, Klambauer et al., "
        "“Self-normalizing neural networks”, NIPS 2017, eq. 2",
        flops=(4, 4),
    ),
}

_NORMAL = r"\Phi(u) = \text{share of a standard normal distribution below } u"
_TANH_FORM = r"u = \sqrt{\frac{2}{\pi}}\,({$x} + 0.044715\,{$x}^3)"
_HENDRYCKS = "Hendrycks and Gimpel, “Gaussian error linear units (GELUs)”, 2016, section 2"

GATED = {
    **_pair(
        "gated.gelu",
        "GELU",
        r"$x \odot \Phi($x)",
        r"$dy \odot (\Phi($x) + $x \odot \phi($x))",
        _HENDRYCKS,
        flops=(10, 15),
        where=_NORMAL,
        where_back=rf"{_NORMAL} \quad \phi(u) = \frac{{1}}{{\sqrt{{2\,\pi}}}}\,e^{{-u^2/2}}",
    ),
    **_pair(
        "gated.gelu_tanh",
        "GELU, the form with tanh",
        r"$x \odot \sigma(2\,u)",
        r"$dy \odot (h + 2\,$x \odot \frac{d u}{d $x} \odot h \odot (1 - h))",
        _HENDRYCKS,
        flops=(11, 18),
        where=rf"{_TANH_FORM} \quad {_SIGMOID}",
        where_back=rf"h = \sigma(2\,u) \quad {_SIGMOID} \quad {_TANH_FORM} \quad "
        r"\frac{d u}{d $x} = \sqrt{\frac{2}{\pi}}\,(1 + 0.134145\,{$x}^2)",
    ),
    **_pair(
        "gated.silu",
        "SiLU",
        r"$x \odot \sigma($x)",
        r"$dy \odot (h + $x \odot h \odot (1 - h))",
        "Elfwing, Uchibe and Doya, “Sigmoid-weighted linear units”, Neural Networks 107, 2018",
        flops=(5, 9),
        where=_SIGMOID,
        where_back=rf"h = \sigma($x) \quad {_SIGMOID}",
    ),
}

SOFTMAX = _pair(
    "softmax.softmax",
    "softmax",
    r"\frac{e^{$x}}{\sum_k e^{$x}}",
    r"$y \odot ($dy - \sum_k $dy \odot $y)",
    "Bridle, “Training stochastic model recognition algorithms as networks can lead to maximum "
    "mutual information estimation of parameters”, NIPS 1989",
    flops=(5, 4),
    backward_source=BISHOP + "eq. 4.106, and the chain rule",
)

_STANDARDISED = {
    "inv_std": r"\frac{1}{\sqrt{v + $epsilon}}",
    "x_hat": r"($x - \mu) \odot $inv_std",
    "y": r"$gamma \odot $x_hat + $beta",
}
_RUNNING = {
    "running_mean": r"(1 - $momentum)\,$running_mean + $momentum\,\mu",
    "running_var": r"(1 - $momentum)\,$running_var + $momentum\,\frac{n}{n - 1}\,v",
}
_MOMENTS = r"\mu = \frac{1}{n}\,\sum_i $x \quad v = \frac{1}{n}\,\sum_i ($x - \mu)^2"
_OVER_FEATURES = r"\mu = \frac{1}{d}\,\sum_k $x \quad v = \frac{1}{d}\,\sum_k ($x - \mu)^2"
_NORM_GRADIENTS = {"d_gamma": r"\sum_i $dy \odot $x_hat", "d_beta": r"\sum_i $dy"}
_BATCH_NORM_DX = (
    r"$gamma \odot $inv_std \odot "
    r"($dy - \frac{1}{n}\,$d_beta - \frac{1}{n}\,$x_hat \odot $d_gamma)"
)
_BY_RUNNING = r"\frac{1}{\sqrt{$running_var + $epsilon}}"

NORMS = {
    "layers.batch_norm.batch_norm_forward": Equation(
        "batch normalisation",
        {**_STANDARDISED, **_RUNNING},
        IOFFE + "algorithm 1; the moving averages, section 3.1",
        each(8, "x"),
        _MOMENTS,
        symbols={"momentum": r"\rho"},
        letter="y",
    ),
    "layers.batch_norm.batch_norm_backward": Equation(
        "back through batch normalisation",
        {**_NORM_GRADIENTS, "dx": _BATCH_NORM_DX},
        IOFFE + "section 3, the chain rule",
        each(8, "dx"),
    ),
    "layers.batch_norm.batch_norm_inference": Equation(
        "batch normalisation with running statistics",
        {"y": rf"$gamma \odot {_BY_RUNNING} \odot ($x - $running_mean) + $beta"},
        IOFFE + "algorithm 2",
        each(3, "x"),
        letter="y",
    ),
    "layers.batch_norm.batch_norm_inference_backward": Equation(
        "back through batch normalisation with running statistics",
        {
            "dx": rf"$gamma \odot {_BY_RUNNING} \odot $dy",
            "d_gamma": rf"\sum_i $dy \odot ($x - $running_mean) \odot {_BY_RUNNING}",
            "d_beta": r"\sum_i $dy",
        },
        IOFFE + "algorithm 2, and the chain rule",
        each(6, "dx"),
    ),
    "layers.batch_norm.channels_to_rows": Equation(
        "every pixel a row", {"rows": r"\text{rows of }$images"}, BOOKKEEPING
    ),
    "layers.batch_norm.rows_to_channels": Equation(
        "every row a pixel", {"images": r"\text{images of }$rows"}, BOOKKEEPING
    ),
    "layers.layer_norm.layer_norm_forward": Equation(
        "layer normalisation",
        _STANDARDISED,
        BA,
        each(8, "x"),
        _OVER_FEATURES,
        letter="y",
    ),
    "layers.layer_norm.layer_norm_backward": Equation(
        "back through layer normalisation",
        {
            "dx": r"$inv_std \odot (h - \frac{1}{d}\,\sum_k h"
            r" - \frac{1}{d}\,$x_hat \odot (\sum_k h \odot $x_hat))",
            **_NORM_GRADIENTS,
        },
        BA + ", and the chain rule",
        each(10, "dx"),
        r"h = $gamma \odot $dy",
    ),
}

DROPOUT = {
    "layers.dropout.dropout_next_step": Equation(
        "count the training pass", {"step": "$step + 1"}, BOOKKEEPING
    ),
    "layers.philox.philox_words": Equation(
        "random words for the mask",
        {"words": r"\text{Philox}_{$key}($step)"},
        "Salmon et al., “Parallel random numbers: as easy as 1, 2, 3”, SC 2011",
        work=("work",),
    ),
    "layers.dropout.dropout_forward": Equation(
        "dropout",
        {
            "mask": r"\begin{cases} 0 & \text{where } $words < $rate \cdot 2^{32} \\ "
            r"\frac{1}{1 - $rate} & \text{elsewhere} \end{cases}",
            "y": r"$mask \odot $x",
        },
        "Srivastava et al., “Dropout”, JMLR 15, 2014, section 4 (there p is the share kept); "
        "scaled in training, section 10",
        each(3, "y"),
        letter="h",
    ),
    "layers.dropout.dropout_backward": Equation(
        "back through dropout",
        {"dx": r"$mask \odot $dy"},
        CHAIN_RULE,
        each(1, "dx"),
    ),
}

PREPROCESSING = {
    "layers.preprocessing.rescale_forward": Equation(
        "rescale",
        {"y": r"$scale\,$x + $offset"},
        "LeCun et al., “Efficient BackProp”, 1998, section 4.3",
        each(2, "y"),
        symbols={"scale": "s"},
        letter="u",
    ),
    "layers.preprocessing.rescale_backward": Equation(
        "back through the scale",
        {"dx": r"$scale\,$dy"},
        CHAIN_RULE,
        each(1, "dx"),
        symbols={"scale": "s"},
    ),
    "layers.preprocessing.standardize_forward": Equation(
        "standardise",
        {"y": r"\frac{$x - $mean}{$std}"},
        "LeCun et al., “Efficient BackProp”, 1998, section 4.3",
        each(2, "y"),
        work=("work",),
        letter="u",
    ),
    "layers.preprocessing.standardize_backward": Equation(
        "back through the scale", {"dx": r"\frac{$dy}{$std}"}, CHAIN_RULE, each(1, "dx")
    ),
    "layers.preprocessing.impute_forward": Equation(
        "fill what is missing",
        {
            "missing": r"\text{whether }$x\text{ is missing in }$chosen\text{ columns}",
            "y": r"\begin{cases} $fill & \text{where } $missing \\ "
            r"$x & \text{elsewhere} \end{cases}",
        },
        "Little and Rubin, “Statistical Analysis with Missing Data”, 2nd edition, 2002, ch. 4",
        letter="u",
    ),
    "layers.preprocessing.impute_backward": Equation(
        "back to what was not missing",
        {
            "dx": r"\begin{cases} 0 & \text{where } $missing \\ "
            r"$dy & \text{elsewhere} \end{cases}"
        },
        CHAIN_RULE,
    ),
    "layers.preprocessing.refuse_unknown_codes": Equation(
        "refuse codes that are no category", {}, BOOKKEEPING
    ),
    "layers.preprocessing.one_hot_forward": Equation(
        "a column for each category",
        {
            "y": r"\begin{cases} $x\text{ in column }$source & \text{where } $code < 0 \\ "
            r"1 & \text{where } $x\text{ in column }$source = $code \\ "
            r"0 & \text{elsewhere} \end{cases}"
        },
        "Suits, “Use of dummy variables in regression equations”, JASA 52, 1957",
        letter="u",
    ),
    "layers.preprocessing.one_hot_backward": Equation(
        "back to the columns that are no codes",
        {
            "dx": r"\begin{cases} $dy & \text{where } $code < 0\text{ of column }$source \\ "
            r"0 & \text{elsewhere} \end{cases}"
        },
        CHAIN_RULE,
    ),
}

EQUATIONS: dict[str, Equation] = (
    DENSE | ACTIVATIONS | RECTIFIERS | GATED | SOFTMAX | NORMS | DROPOUT | PREPROCESSING
)
