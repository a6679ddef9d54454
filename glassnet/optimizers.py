"""Optimizers, in order of growing complexity: how a gradient becomes a step.

Each remembers a little more of the past than the one before it:

    SGD         nothing                                  θ ← θ − η g
    Momentum    where it was going                       θ ← θ − η G,  G = βG + g
    Nesterov    …and looks one step ahead
    AdaGrad     how large each slope has ever been       θ ← θ − η g / √Σg²
    RMSProp     …and forgets                             θ ← θ − η g / √mean of g²
    Adam        both: momentum over RMSProp's scale
    AdamW       …with decay beside the gradient, not in it

Throughout, θ is the flat vector of all parameters, g = ∂J/∂θ, η the learning rate; products, roots
and quotients of vectors are element by element. A small ε keeps the quotient finite where a slope
has always been zero; here it stands outside the root everywhere, as in PyTorch and in Adam's
paper.

What happens to g and θ before the update is the same for all, in this order:

    clip_value     g ← each element cut to [−c, c]
    clip_norm      g ← g · min(1, c / (‖g‖ + 1e-6)), ‖g‖ over all parameters together
    l2             g ← g + λ θ, the gradient of the penalty ½λ‖θ‖²
    weight_decay   θ ← (1 − ηλ) θ, past the gradient and past all that is remembered of it

The last two apply to weights only, the first `store.decaying` elements of θ. For plain SGD they are
the same thing. They differ wherever g is remembered or rescaled: there `l2` is what PyTorch's SGD,
AdaGrad, RMSProp and Adam call `weight_decay`, and `weight_decay` is what its AdamW does.

Every number that a kernel needs is an array, changed in place and never replaced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from glassnet.accelerate import Array, accelerated
from glassnet.hyperparameters import Hyperparameter, share_kept, small_term
from glassnet.parameters import ParameterStore
from glassnet.registry import Configurable, Registry, did_you_mean

OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")


# What happens before every update.


@accelerated
def clip_by_value(gradient: Array, limit: Array) -> None:
    """Cut every element of g to [−limit, limit]."""
    c = limit.item()
    np.clip(gradient, -c, c, out=gradient)


@accelerated
def clip_by_norm(gradient: Array, limit: Array) -> None:
    """g ← g · min(1, limit / (‖g‖ + 1e-6)), with ‖g‖² summed in float64."""
    norm = math.sqrt(np.sum(np.square(gradient, dtype=np.float64)).item())
    gradient *= min(1.0, limit.item() / (norm + 1e-6))


@accelerated
def add_l2_gradient(theta: Array, gradient: Array, l2: Array) -> None:
    """g ← g + λ θ."""
    gradient += l2.item() * theta


@accelerated
def decay_weights(theta: Array, learning_rate: Array, weight_decay: Array) -> None:
    """θ ← (1 − η λ) θ."""
    theta *= 1.0 - learning_rate.item() * weight_decay.item()


class Optimizer(Configurable):
    """Base of all optimizers: θ ← θ − step, once for every batch.

    Arguments:
        learning_rate: η, > 0; how far a step goes for a gradient of one. 0.01 by default.
        weight_decay: λ of decoupled decay, ≥ 0: θ ← (1 − ηλ) θ before the update (weights only).
        l2: λ of the L2 penalty ½λ‖θ‖², ≥ 0: adds λθ to the gradient of the weights, and so passes
            through momentum and scaling. It is what PyTorch calls `weight_decay` outside of AdamW.
        clip_norm: longest gradient allowed (all parameters as one vector), > 0, or None.
        clip_value: largest element of the gradient allowed, > 0, or None.

    Attributes:
        learning_rate: η as it is now; schedules and phases set it. It starts at
            `base_learning_rate`.
        base_learning_rate: η as it was given, which is what `options` and saved configurations
            hold.
        momentum, base_momentum: the same of the share of the past, where an optimizer has one
            (`hasattr`); phases set it.
        theta, gradient: the network's flat vectors, (size,), after `prepare`.
        state: after `prepare`, the arrays that change from step to step, by name, for exact resume.
            They are the live arrays: copy what you want to keep.

    Raises:
        ValueError: if an option is out of range.

    Sources: `l2`, Hoerl and Kennard, "Ridge regression", 1970, in networks Krogh and Hertz, "A
    simple weight decay can improve generalization", NIPS 1991; `weight_decay`, Loshchilov and
    Hutter, "Decoupled weight decay regularization", ICLR 2019, eq. 1 (λ there is ηλ here);
    `clip_norm`, Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013, algorithm 1 (the 1e-6 is PyTorch's); `clip_value`, Mikolov, "Statistical
    language models based on neural networks", 2012.

    Example, an optimizer of one's own: equal steps for all, along the sign of the mean slope.
    `allocate` returns what is remembered between steps, `update` changes θ in place:

        >>> class SignMomentum(Optimizer):
        ...     name = "sign_momentum"
        ...     def allocate(self, size, dtype):
        ...         return {"m": np.zeros(size, dtype)}
        ...     def update(self):
        ...         m = self.state["m"]
        ...         m += 0.1 * (self.gradient - m)
        ...         self.theta -= self.learning_rate * np.sign(m)
        >>> from glassnet.initializers import Constant
        >>> store = ParameterStore()
        >>> weight = store.parameter("weight", (3,), Constant(1.0))
        >>> store.allocate(np.dtype("float32"), np.random.default_rng(0))
        >>> optimizer = SignMomentum(0.25)
        >>> optimizer.prepare(store)
        >>> weight.gradient[...] = [5.0, 0.0, -0.1]
        >>> optimizer.step()
        >>> weight.value
        array([0.75, 1.  , 1.25], dtype=float32)
    """

    name: ClassVar[str]

    learning_rate = Hyperparameter[float](
        "a finite number > 0", lambda eta: eta > 0, "0.01 is a usual start, for Adam 0.001."
    )
    weight_decay = Hyperparameter[float]("≥ 0", lambda decay: decay >= 0, "0 switches it off.")
    l2 = Hyperparameter[float]("≥ 0", lambda l2: l2 >= 0, "0 switches it off.")
    clip_norm = Hyperparameter[float | None](
        "> 0", lambda limit: limit > 0, "None switches clipping off.", optional=True
    )
    clip_value = Hyperparameter[float | None](
        "> 0", lambda limit: limit > 0, "None switches clipping off.", optional=True
    )

    momentum: Hyperparameter[float]  # of those that have one: the others lack the attribute
    scalars: dict[str, Array]  # every Hyperparameter's array, by name

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.base_learning_rate = self.learning_rate
        self.weight_decay = weight_decay
        self.l2 = l2
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.store: ParameterStore | None = None
        self.state: dict[str, Array] = {}

    def options(self) -> dict[str, Any]:
        """The constructor's arguments; where a schedule changes one, as it was given (`base_…`)."""
        return {
            name: getattr(self, f"base_{name}", value) for name, value in super().options().items()
        }

    # For subclasses.

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """Return what is remembered between steps, as new arrays by name; nothing by default."""
        return {}

    def update(self) -> None:
        """Change `theta` in place, from `gradient` and `state`."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    # For whoever trains.

    def prepare(self, store: ParameterStore) -> None:
        """Bind to a network's parameters and start afresh: nothing remembered, rates as given."""
        self.store = store
        self.state = self.allocate(store.theta.size, store.theta.dtype)
        for name in ("learning_rate", "momentum"):  # what schedules and phases change
            if name in self.scalars:
                setattr(self, name, getattr(self, f"base_{name}", getattr(self, name)))
                self.state[name] = self.scalars[name]
        self._bind(store)

    def _bind(self, store: ParameterStore) -> None:
        self.theta, self.gradient = store.theta, store.gradient
        self._weights = store.theta[: store.decaying]
        self._weight_gradient = store.gradient[: store.decaying]

    def step(self) -> None:
        """Clip, penalise, decay, update: one step along the gradient that the store holds now.

        The store's gradient is changed by clipping and by `l2`.

        Raises:
            ValueError: before `prepare`.
        """
        if self.store is None:
            raise ValueError(f"{self.name} knows no parameters yet: call prepare(store) first.")
        if self.clip_value is not None:
            clip_by_value(self.gradient, self.scalars["clip_value"])
        if self.clip_norm is not None:  # second, so that both limits hold
            clip_by_norm(self.gradient, self.scalars["clip_norm"])
        if self.l2:
            add_l2_gradient(self._weights, self._weight_gradient, self.scalars["l2"])
        if self.weight_decay:
            rate, decay = self.scalars["learning_rate"], self.scalars["weight_decay"]
            decay_weights(self._weights, rate, decay)
        self.update()

    def load_state(self, arrays: Mapping[str, Array]) -> None:
        """Copy saved arrays into `state`; the next step then is the one that would have come.

        Raises:
            ValueError: before `prepare`, or if names, shapes or dtypes differ from `state`; nothing
                is changed then.
        """
        if self.store is None:
            raise ValueError(f"{self.name} knows no parameters yet: call prepare(store) first.")
        self._check_state(arrays)
        for name, array in self.state.items():
            array[...] = arrays[name]

    def _check_state(self, arrays: Mapping[str, Array]) -> None:
        for name in arrays:
            if name not in self.state:
                raise ValueError(
                    f"{self.name} has no state {name!r}.{did_you_mean(name, self.state)} Expected: "
                    f"{', '.join(self.state)}. Was it saved by another optimizer?"
                )
        for name, array in self.state.items():
            if name not in arrays:
                raise ValueError(
                    f"The state of {name!r} is missing. {self.name} expected: "
                    f"{', '.join(self.state)}. Received: {', '.join(arrays) or 'nothing'}."
                )
            saved = np.asarray(arrays[name])
            if (saved.shape, saved.dtype) != (array.shape, array.dtype):
                raise ValueError(
                    f"{self.name} expected {name!r} as {array.dtype} of shape {array.shape}. "
                    f"Received: {saved.dtype} of shape {saved.shape}. "
                    "Load it into the network that it was saved with."
                )

    def __getstate__(self) -> dict[str, Any]:
        views = ("theta", "gradient", "_weights", "_weight_gradient")
        return {key: value for key, value in self.__dict__.items() if key not in views}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.store is not None:  # views would have been copied as independent arrays
            self._bind(self.store)


@accelerated
def sgd(theta: Array, gradient: Array, learning_rate: Array) -> None:
    """θ ← θ − η g.

    >>> theta = np.array([1.0])
    >>> sgd(theta, np.array([2.0]), np.array(0.25))
    >>> theta
    array([0.5])
    """
    theta -= learning_rate.item() * gradient


@OPTIMIZERS.register
class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − μ · ∂J/∂w.

    "Stochastic" since the gradient is that of a batch, a sample of what is to be learned.

    Arguments:
        learning_rate: μ, 0.01 by default (PyTorch: 0.001). The other options are `Optimizer`'s.

    Differs from PyTorch: momentum has classes of its own; `l2` is PyTorch's `weight_decay`.

    Source: Robbins and Monro, "A stochastic approximation method", 1951; in these letters
    Sundström and Raittila, "Building a Deep Neural Network From Scratch", 2023, Algorithm 1.

    >>> SGD(0.5, clip_norm=1.0)
    SGD(learning_rate=0.5, clip_norm=1.0)
    """

    name = "sgd"

    def update(self) -> None:
        """θ ← θ − η g."""
        sgd(self.theta, self.gradient, self.scalars["learning_rate"])


@accelerated
def momentum_of_gradients(
    theta: Array, gradient: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """G ← βG + g; θ ← θ − ηG.

    >>> theta, velocity = np.array([1.0]), np.array([4.0])
    >>> momentum_of_gradients(theta, np.array([2.0]), velocity, np.array(0.25), np.array(0.5))
    >>> theta, velocity                                    # G = 0.5·4 + 2, and 1 − 0.25·4
    (array([0.]), array([4.]))
    """
    velocity *= momentum.item()
    velocity += gradient
    theta -= learning_rate.item() * velocity


@accelerated
def momentum_of_steps(
    theta: Array, gradient: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """v ← γv + ηg; θ ← θ − v.

    >>> theta, velocity = np.array([1.0]), np.array([4.0])
    >>> momentum_of_steps(theta, np.array([2.0]), velocity, np.array(0.25), np.array(0.5))
    >>> theta, velocity                                    # v = 0.5·4 + 0.25·2, and 1 − 2.5
    (array([-1.5]), array([2.5]))
    """
    velocity *= momentum.item()
    velocity += learning_rate.item() * gradient
    theta -= velocity


def _checked_form(name: str, form: str) -> str:
    """One of the two forms of momentum."""
    if form not in ("gradient", "step"):
        raise ValueError(
            f"{name} has the forms 'gradient' and 'step'. Received: {form!r}."
            f"{did_you_mean(form, ['gradient', 'step'])}"
        )
    return form


@OPTIMIZERS.register
class Momentum(Optimizer):
    """SGD with a memory of where it was going, in either of its two published forms.

        form="gradient"     G ← βG + ∇J          θ ← θ − ηG
        form="step"         v ← γv + η∇J         θ ← θ − v

    At a constant rate v = ηG, and both take the same steps. When the rate changes, `gradient`
    applies the new rate to the whole memory at once; in `step` each gradient keeps the rate of its
    own time, and a lowered rate is felt only as fast as the old velocity fades (half of it in 7
    steps at 0.9).

    Arguments:
        learning_rate: η, 0.01 by default (PyTorch: 0.001).
        momentum: β or γ, in [0, 1); phases may change it. Steps grow up to 1 / (1 − β) times.
        form: `"gradient"` or `"step"`. The other options are `Optimizer`'s.

    Differs from PyTorch: `torch.optim.SGD(momentum=…)` is the form `gradient`, and its momentum is
    0 unless given; there is no `dampening` here. Keras has the form `step`.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964. The
    form `gradient` in Sundström and Raittila 2023, eqs. 16–17 (there λ is η, W is θ); the form
    `step` in Rumelhart, Hinton and Williams, Nature 323, 1986, eq. 9, and in Chen and Wu,
    "Implement a multi-layer neural network from scratch", 2022, eqs. 7–8.

    >>> Momentum(0.1, 0.8, form="step")
    Momentum(learning_rate=0.1, momentum=0.8, form='step')
    """

    name = "momentum"
    momentum = share_kept(0.9)

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        form: str = "gradient",
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
        self.momentum = momentum
        self.base_momentum = self.momentum
        self.form = _checked_form(self.name, form)

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """`velocity`: G, or v."""
        return {"velocity": np.zeros(size, dtype)}

    def update(self) -> None:
        """One step of the chosen form."""
        kernel = momentum_of_gradients if self.form == "gradient" else momentum_of_steps
        velocity, scalars = self.state["velocity"], self.scalars
        kernel(self.theta, self.gradient, velocity, scalars["learning_rate"], scalars["momentum"])


@accelerated
def nesterov(
    theta: Array, gradient: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """G ← βG + g; θ ← θ − η(g + βG).

    >>> theta, velocity = np.array([1.0]), np.array([4.0])
    >>> nesterov(theta, np.array([2.0]), velocity, np.array(0.25), np.array(0.5))
    >>> theta, velocity                                    # G = 4, and 1 − 0.25·(2 + 0.5·4)
    (array([0.]), array([4.]))
    """
    beta = momentum.item()
    velocity *= beta
    velocity += gradient
    theta -= learning_rate.item() * (gradient + beta * velocity)


@accelerated
def nesterov_of_steps(
    theta: Array, gradient: Array, velocity: Array, learning_rate: Array, momentum: Array
) -> None:
    """v ← γv + ηg; θ ← θ − (ηg + γv).

    >>> theta, velocity = np.array([1.0]), np.array([4.0])
    >>> nesterov_of_steps(theta, np.array([2.0]), velocity, np.array(0.25), np.array(0.5))
    >>> theta, velocity                                    # v = 2.5, and 1 − (0.5 + 0.5·2.5)
    (array([-0.75]), array([2.5]))
    """
    gamma, step = momentum.item(), learning_rate.item() * gradient
    velocity *= gamma
    velocity += step
    theta -= step + gamma * velocity


@OPTIMIZERS.register
class Nesterov(Optimizer):
    """Momentum that looks ahead: it uses the slope at the place where its momentum is taking it.

        form="gradient"     G ← βG + ∇J(θ)          θ ← θ − η(∇J(θ) + βG)
        form="step"         v ← γv + η∇J(θ)         θ ← θ − (η∇J(θ) + γv)

    Nesterov's method asks for ∇J(W − ηβG), the slope ahead. Here θ *is* that place ahead,
    θ = W − ηβG: putting it into W ← W − ηG gives the first line, with slopes only at θ. The two
    forms differ as those of `Momentum` do, when the rate changes.

    Arguments:
        learning_rate: η, 0.01 by default (PyTorch: 0.001).
        momentum: β or γ, in [0, 1); phases may change it.
        form: `"gradient"` or `"step"`. The other options are `Optimizer`'s.

    The form `gradient` is PyTorch's `SGD(momentum=β, nesterov=True)`; Keras and scikit-learn have
    the form `step`.

    Source: Nesterov, "A method for solving the convex programming problem with convergence rate
    O(1/k²)", 1983; as a momentum, with the slope ahead, Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013, eqs. 3 and 4; at the place ahead, as
    here, Bengio, Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks",
    ICASSP 2013, section 3.5.

    >>> Nesterov(0.1)
    Nesterov(learning_rate=0.1)
    """

    name = "nesterov"
    momentum = share_kept(0.9)

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        form: str = "gradient",
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
        self.momentum = momentum
        self.base_momentum = self.momentum
        self.form = _checked_form(self.name, form)

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """`velocity`: G, or v."""
        return {"velocity": np.zeros(size, dtype)}

    def update(self) -> None:
        """One step of the chosen form."""
        kernel = nesterov if self.form == "gradient" else nesterov_of_steps
        velocity, scalars = self.state["velocity"], self.scalars
        kernel(self.theta, self.gradient, velocity, scalars["learning_rate"], scalars["momentum"])


@accelerated
def adagrad(
    theta: Array, gradient: Array, history: Array, learning_rate: Array, epsilon: Array
) -> None:
    """G ← G + g²; θ ← θ − η g / (√G + ε).

    >>> theta, history = np.array([1.0]), np.array([9.0])
    >>> adagrad(theta, np.array([4.0]), history, np.array(0.5), np.array(3.0))
    >>> theta, history                                     # 1 − 0.5·4 / (√25 + 3)
    (array([0.75]), array([25.]))
    """
    history += np.square(gradient)
    theta -= learning_rate.item() * gradient / (np.sqrt(history) + epsilon.item())


@OPTIMIZERS.register
class AdaGrad(Optimizer):
    """A rate for every parameter, lower the steeper its slopes have been so far.

        G_t = G_{t−1} + g_t²          θ ← θ − η g_t / (√G_t + ε)

    G, the history, only grows: steps shrink like 1/√t. Rarely used inputs keep a high rate.

    Arguments:
        learning_rate: η, 0.01 by default.
        epsilon: ε, outside the root, > 0.
        initial_accumulator: G₀, ≥ 0; above zero it shortens the first steps, which otherwise have
            the full length η whatever the slope. The other options are `Optimizer`'s.

    Differs from PyTorch: no `lr_decay` (take a schedule); `l2` is PyTorch's `weight_decay`. Keras
    puts ε (1e-7) inside the root and starts at G₀ = 0.1.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12, 2011, Figure 1 (their δ is ε); the "history variable" of
    Nasuti 2023.

    >>> AdaGrad(0.1)
    AdaGrad(learning_rate=0.1)
    """

    name = "adagrad"
    epsilon = small_term(1e-10)
    initial_accumulator = Hyperparameter[float]("≥ 0", lambda start: start >= 0, "0 is usual.")

    def __init__(
        self,
        learning_rate: float = 0.01,
        epsilon: float = 1e-10,
        initial_accumulator: float = 0.0,
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
        self.epsilon = epsilon
        self.initial_accumulator = initial_accumulator

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """`history`: G."""
        return {"history": np.full(size, self.initial_accumulator, dtype)}

    def update(self) -> None:
        """G ← G + g²; θ ← θ − η g / (√G + ε)."""
        history, scalars = self.state["history"], self.scalars
        adagrad(self.theta, self.gradient, history, scalars["learning_rate"], scalars["epsilon"])


@accelerated
def rmsprop(
    theta: Array, gradient: Array, v: Array, learning_rate: Array, alpha: Array, epsilon: Array
) -> None:
    """v ← αv + (1 − α)g²; θ ← θ − η g / (√v + ε).

    >>> theta, v = np.array([1.0]), np.array([2.0])
    >>> rmsprop(theta, np.array([4.0]), v, np.array(0.5), np.array(0.5), np.array(1.0))
    >>> theta, v                                           # v = 1 + 8, and 1 − 0.5·4 / (√9 + 1)
    (array([0.5]), array([9.]))
    """
    a = alpha.item()
    v *= a
    v += (1.0 - a) * np.square(gradient)
    theta -= learning_rate.item() * gradient / (np.sqrt(v) + epsilon.item())


@OPTIMIZERS.register
class RMSProp(Optimizer):
    """AdaGrad that forgets: the scale is a running mean of g² instead of its sum.

        v_t = α v_{t−1} + (1 − α) g_t²          θ ← θ − η g_t / (√v_t + ε)

    So steps keep a length of about η for ever. v starts at zero and is not corrected for it: the
    first step is 1/√(1 − α) times as long, 10 η at α = 0.99.

    Arguments:
        learning_rate: η, 0.01 by default.
        alpha: α, the share of the past, in [0, 1); 1/(1 − α) is about how many steps it reaches
            back.
        epsilon: ε, outside the root, > 0. The other options are `Optimizer`'s.

    Differs from PyTorch: no `momentum` (that is Adam) and no `centered` form; `l2` is PyTorch's
    `weight_decay`. Keras has α = 0.9 and puts ε (1e-7) inside the root.

    Source: Hinton, Srivastava and Swersky, "Neural networks for machine learning", lecture 6e, 2012
    (with α = 0.9 and no ε); "tempering the history variable" in Nasuti 2023.

    >>> RMSProp(alpha=0.9)
    RMSProp(alpha=0.9)
    """

    name = "rmsprop"
    alpha = share_kept(0.99)
    epsilon = small_term(1e-8)

    def __init__(
        self,
        learning_rate: float = 0.01,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
        self.alpha = alpha
        self.epsilon = epsilon

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """`v`: the running mean of g²."""
        return {"v": np.zeros(size, dtype)}

    def update(self) -> None:
        """v ← αv + (1 − α)g²; θ ← θ − η g / (√v + ε)."""
        v, scalars = self.state["v"], self.scalars
        rate, alpha, epsilon = scalars["learning_rate"], scalars["alpha"], scalars["epsilon"]
        rmsprop(self.theta, self.gradient, v, rate, alpha, epsilon)


@accelerated
def count_step(t: Array) -> None:
    """t ← t + 1."""
    t += 1.0


@accelerated
def adam(
    theta: Array,
    gradient: Array,
    m: Array,
    v: Array,
    t: Array,
    learning_rate: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
) -> None:
    """m ← β1 m + (1 − β1) g; v ← β2 v + (1 − β2) g²; θ ← θ − η m̂ / (√v̂ + ε).

    The first step has length η, whatever the slope (but for ε):

    >>> theta, m, v, t = np.array([1.0, 1.0]), np.zeros(2), np.zeros(2), np.ones(())
    >>> rate, beta1, beta2, epsilon = map(np.array, (0.25, 0.9, 0.999, 1e-8))
    >>> adam(theta, np.array([100.0, -0.1]), m, v, t, rate, beta1, beta2, epsilon)
    >>> theta.round(6)
    array([0.75, 1.25])
    """
    b1, b2 = beta1.item(), beta2.item()
    m *= b1
    m += (1.0 - b1) * gradient
    v *= b2
    v += (1.0 - b2) * np.square(gradient)
    m_hat = m / (1.0 - b1 ** t.item())
    v_hat = v / (1.0 - b2 ** t.item())
    theta -= learning_rate.item() * m_hat / (np.sqrt(v_hat) + epsilon.item())


@accelerated
def adam_uncorrected(
    theta: Array,
    gradient: Array,
    m: Array,
    v: Array,
    learning_rate: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
) -> None:
    """m ← β1 m + (1 − β1) g; v ← β2 v + (1 − β2) g²; θ ← θ − η m / (√v + ε).

    >>> theta, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> rate, beta1, beta2, epsilon = map(np.array, (0.25, 0.5, 0.75, 1.0))
    >>> adam_uncorrected(theta, np.array([4.0]), m, v, rate, beta1, beta2, epsilon)
    >>> theta, m, v                                        # 1 − 0.25·2 / (√4 + 1)
    (array([0.83333333]), array([2.]), array([4.]))
    """
    b1, b2 = beta1.item(), beta2.item()
    m *= b1
    m += (1.0 - b1) * gradient
    v *= b2
    v += (1.0 - b2) * np.square(gradient)
    theta -= learning_rate.item() * m / (np.sqrt(v) + epsilon.item())


@OPTIMIZERS.register
class Adam(Optimizer):
    """Momentum over RMSProp's scale, both corrected for having started at zero.

        t   = t + 1                                 in steps, so 1 at the first update
        m_t = β1 m_{t−1} + (1 − β1) g_t             m̂_t = m_t / (1 − β1ᵗ)
        v_t = β2 v_{t−1} + (1 − β2) g_t²            v̂_t = v_t / (1 − β2ᵗ)
        θ_t = θ_{t−1} − η m̂_t / (√v̂_t + ε)

    With m₀ = 0 and equal gradients g, m_t = (1 − β1ᵗ) g: the correction undoes just that. At t = 0
    it would divide by zero.

    Arguments:
        learning_rate: η, 0.001 by default; about the length of a step in every parameter.
        beta1: β1, in [0, 1).
        beta2: β2, in [0, 1).
        epsilon: ε, outside the root of the *corrected* v̂, > 0. Slopes much below ε count as flat.
        bias_correction: False leaves m and v as they are: steps start (1 − β1)/√(1 − β2) ≈ 3 times
            as long. The other options are `Optimizer`'s; with `weight_decay` this is AdamW.

    Differs from PyTorch: `l2` is its Adam's `weight_decay`; no `amsgrad`. Keras puts ε (1e-7)
    beside the root of the uncorrected v, the paper's ε̂, which counts for more in the first steps.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1 (η
    is α there). Without correction, Chen and Wu 2022, eqs. 9–11 (η is γ there, and there is no ε);
    a start at t = 0 is told of by Nasuti 2023.

    >>> Adam(5e-4, bias_correction=False)
    Adam(learning_rate=0.0005, bias_correction=False)
    """

    name = "adam"
    beta1 = share_kept(0.9)
    beta2 = share_kept(0.999)
    epsilon = small_term(1e-8)

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        bias_correction: bool = True,
        *,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.bias_correction = bias_correction

    def allocate(self, size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """`m` and `v`, the running means of g and g², and `t`, how many steps were taken."""
        return {"m": np.zeros(size, dtype), "v": np.zeros(size, dtype), "t": np.zeros(())}

    def update(self) -> None:
        """The four lines above."""
        state, scalars = self.state, self.scalars
        vectors = self.theta, self.gradient, state["m"], state["v"]
        rate, beta1, beta2 = scalars["learning_rate"], scalars["beta1"], scalars["beta2"]
        count_step(state["t"])  # before its first use: 1 − β⁰ would be zero
        if self.bias_correction:
            adam(*vectors, state["t"], rate, beta1, beta2, scalars["epsilon"])
        else:
            adam_uncorrected(*vectors, rate, beta1, beta2, scalars["epsilon"])


@OPTIMIZERS.register
class AdamW(Adam):
    """Adam whose weights decay past the gradient: every weight by the same share.

        θ ← (1 − ηλ) θ                              weights only
        θ ← θ − η m̂_t / (√v̂_t + ε)                  m̂, v̂ as in `Adam`

    An L2 penalty in the gradient would be divided by √v̂, and so would hold back least the very
    weights whose slopes are steep.

    Arguments:
        weight_decay: λ, 0.01 by default. All others are `Adam`'s.

    The same as PyTorch's AdamW where that is given the weights only (it decays biases and
    normalisation too unless told otherwise). In the paper λ is not multiplied by the rate, but by
    the schedule's factor alone: its λ is ηλ here.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, Algorithm 2.

    >>> AdamW(weight_decay=0.1)
    AdamW(weight_decay=0.1)
    """

    name = "adamw"

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        bias_correction: bool = True,
        *,
        weight_decay: float = 0.01,
        l2: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            beta1,
            beta2,
            epsilon,
            bias_correction,
            weight_decay=weight_decay,
            l2=l2,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
