"""A layer, a loss and an optimizer of one's own: a dozen lines of NumPy each, used like ours."""

import numpy as np
import pytest
from gradients import assert_same_gradient, numerical_gradient

import glassnet as gn


@gn.register
class Swish(gn.Layer):
    """y = x σ(βx) with a learned β for each feature."""

    name = "TestSwish"

    def __init__(self, beta=1.0):
        self.beta = beta

    def build(self, input_shape, store, rng):
        constant = gn.initializers.Constant(self.beta)
        self.learned = store.parameter("beta", input_shape, constant, decays=False)
        return input_shape

    def forward(self, x, training=False):
        self.x, self.gate = x, 1 / (1 + np.exp(-self.learned.value * x))
        return x * self.gate

    def backward(self, dy):
        slope = self.gate * (1 - self.gate)
        self.learned.gradient[...] = (dy * self.x**2 * slope).sum(axis=0)
        return dy * (self.gate + self.x * self.learned.value * slope)


@gn.register
class LogCosh(gn.Loss):
    """Σ ln cosh(s (a − y)) / s: smooth near 0, absolute further out."""

    name = "test_log_cosh"

    def __init__(self, sharpness=1.0, reduction="mean", class_weight=None):
        super().__init__(reduction, class_weight)
        self.sharpness = sharpness

    def rows(self, outputs, targets, losses, gradient):
        d = self.sharpness * (outputs - targets)
        losses[:] = np.log(np.cosh(d)).sum(axis=1) / self.sharpness
        gradient[:] = np.tanh(d)


@gn.register
class SignMomentum(gn.Optimizer):
    """Steps of one length, along the sign of the mean slope."""

    name = "test_sign_momentum"

    def allocate(self, size, dtype):
        return {"mean": np.zeros(size, dtype)}

    def update(self):
        mean = self.state["mean"]
        mean += 0.1 * (self.gradient - mean)
        self.theta -= self.learning_rate * np.sign(mean)


def new_network(dtype="float32"):
    layers = [gn.Standardize(), gn.Dense(8), Swish(beta=0.5), gn.Dense(1)]
    return gn.Network(layers, (3,), seed=0, dtype=dtype)


def data():
    x = np.random.default_rng(0).normal(size=(64, 3))
    return x, x[:, 0] * x[:, 1] + x[:, 2]


def test_gradients():
    network = new_network("float64")
    x, y = data()
    x, y, loss = x[:4], y[:4], LogCosh(sharpness=2.0)
    network.loss_and_gradient(x, y, loss)
    gradient = network.gradient.copy()
    expected = numerical_gradient(lambda: network.loss_and_gradient(x, y, loss), network.theta)
    assert_same_gradient(gradient, expected)


@pytest.mark.parametrize("by_name", [False, True])
def test_fit_save_and_load(tmp_path, by_name):
    network, (x, y) = new_network(), data()
    loss, optimizer = LogCosh(sharpness=2.0), SignMomentum(0.01)
    if by_name:
        loss = {"name": "test_log_cosh", "sharpness": 2.0}
        optimizer = {"name": "test_sign_momentum", "learning_rate": 0.01}
    history = network.fit(x, y, loss=loss, optimizer=optimizer, epochs=30)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]

    again = gn.load(network.save(tmp_path / "network.safetensors"))
    assert repr(again) == repr(network)
    assert repr(again.loss) == "LogCosh(sharpness=2.0)"
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    assert again.evaluate(x, y) == network.evaluate(x, y)


def test_resume_is_exact(tmp_path):
    x, y = data()

    def fit(network, **options):
        return network.fit(x, y, loss="test_log_cosh", optimizer="test_sign_momentum", **options)

    straight, resumed, path = new_network(), new_network(), tmp_path / "checkpoint.safetensors"
    fit(straight, epochs=4)
    fit(new_network(), epochs=2, callbacks=[gn.Checkpoint(path)])
    fit(resumed, epochs=4, resume=path)
    np.testing.assert_array_equal(resumed.theta, straight.theta)


def test_options_of_losses_and_layers_survive_a_checkpoint(tmp_path):
    """Mappings with whole numbers as keys, which JSON writes as text."""
    rng = np.random.default_rng(0)
    x, y = np.column_stack([rng.integers(3, size=12), rng.normal(size=12)]), np.arange(12) % 2
    path = tmp_path / "checkpoint.safetensors"

    def fit(network, **options):
        return network.fit(x, y, loss=gn.CrossEntropy(class_weight={1: 2.0}), **options)

    def new():
        return gn.Network([gn.OneHot({0: 3}), gn.Dense(2)], (2,), seed=0)

    straight, resumed = new(), new()
    fit(straight, epochs=4)
    fit(new(), epochs=2, callbacks=[gn.Checkpoint(path)])
    fit(resumed, epochs=4, resume=path)
    np.testing.assert_array_equal(resumed.theta, straight.theta)


def test_a_layer_without_a_name_is_told_so():
    class Nameless(gn.Layer):
        def build(self, input_shape, store, rng):
            return input_shape

    with pytest.raises(ValueError, match=r'layers\[1\] is a Nameless.*name = "Nameless"'):
        gn.Network([gn.Dense(2), Nameless()], (3,))


@pytest.mark.parametrize("method", ["build", "forward", "backward"])
def test_a_layer_that_lacks_a_method_says_so(method):
    complete = {
        "name": "Unfinished",
        "build": lambda self, shape, store, rng: shape,
        "forward": lambda self, x, training=False: x,
        "backward": lambda self, dy: dy,
    }
    layer = type("Unfinished", (gn.Layer,), {k: v for k, v in complete.items() if k != method})()

    def use():
        network = gn.Network([layer], (2,))
        network.forward(np.ones((1, 2)))
        network.backward(np.ones((1, 2)))

    with pytest.raises(NotImplementedError, match=f"Unfinished has no {method}"):
        use()


@pytest.mark.parametrize(
    "slip", [lambda x: x * np.ones(x.shape[1]), lambda x: x[:, ::-1], np.asfortranarray]
)
@pytest.mark.parametrize("compile", [False, "auto"])
def test_what_a_layer_of_ones_own_returns_is_brought_into_form(slip, compile):
    """Promotion to float64, strides and column order are slips of plain NumPy, not errors."""

    class Careless(gn.Layer):
        name = "test_careless"

        def build(self, input_shape, store, rng):
            return input_shape

        def forward(self, x, training=False):
            return slip(x)

        def backward(self, dy):
            return slip(dy)

    net = gn.Network([gn.Dense(4), Careless(), gn.Dense(2)], (3,), seed=0)
    x = np.random.default_rng(0).normal(size=(20, 3))
    history = net.fit(
        x, np.arange(20) % 2, loss="cross_entropy", batch_size=8, epochs=2, compile=compile
    )
    assert np.isfinite(history[-1]["loss"])
    assert net.outputs(x).dtype == np.float32


def test_parts_of_papers_and_of_the_doctors_suite_are_run_as_ones_own():
    """They are plain NumPy, of which nothing would be written down: once all their updates but the
    first were left out of recorded steps."""
    from glassnet.papers.nasuti2023.parts import AdamByEpoch

    x = np.random.default_rng(0).normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    trained = []
    for compile in ("auto", False):
        net = gn.Network([gn.Dense(2)], (3,), seed=0)
        options = {"loss": "cross_entropy", "epochs": 4, "compile": compile}
        net.fit(x, y, optimizer=AdamByEpoch(0.05, steps_per_epoch=2), **options)
        trained.append(net.theta.tobytes())
    assert trained[0] == trained[1]
