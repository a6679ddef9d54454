"""Registering classes of one's own: which names are taken, and what is refused."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.register import REGISTRIES


@pytest.fixture(autouse=True)
def _forget_again():
    """What a test registers is gone after it."""
    before = {registry: dict(registry._classes) for registry in REGISTRIES.values()}
    yield
    for registry, classes in before.items():
        registry._classes = classes


def own(base, name="mine"):
    return type("Mine", (base,), {"name": name})


@pytest.mark.parametrize("base", REGISTRIES, ids=lambda base: base.__name__)
def test_every_kind_can_be_registered(base):
    cls = own(base)
    assert gn.register(cls) is cls
    registry = REGISTRIES[base]
    assert registry["mine"] is cls
    assert "mine" in registry.names()
    assert all(
        "mine" not in other.names() for other in REGISTRIES.values() if other is not registry
    )


def test_every_registry_is_known():
    kinds = {base.__name__ for base in REGISTRIES}
    assert kinds == {"Layer", "Loss", "Optimizer", "Schedule", "Initializer"}


def test_a_subclass_of_a_kind_is_of_that_kind():
    cls = own(gn.Adam)
    gn.register(cls)
    assert isinstance(gn.optimizers.OPTIMIZERS.create({"name": "mine", "beta1": 0.5}), cls)


def test_the_same_class_again_replaces_itself():
    """A notebook's cell that runs twice."""
    first, second = own(gn.Layer), own(gn.Layer)
    gn.register(first)
    gn.register(second)
    assert REGISTRIES[gn.Layer]["mine"] is second


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (
            type("Dense", (gn.Layer,), {"name": "Dense"}),
            "already belongs to glassnet.layers.dense.Dense",
        ),
        (
            type("Mine", (gn.ReLU,), {}),
            "name 'ReLU' already belongs to .* give Mine another `name`",
        ),
        (own(gn.Loss, "mse"), "loss name 'mse' already belongs"),
        (type("Mine", (gn.Layer,), {}), "Mine needs a class attribute `name`"),
        (own(gn.Layer, ""), "needs a class attribute `name`"),
        (own(gn.Layer, 3), "needs a class attribute `name`"),
        (own(object), "none of the kinds .* Layer, Loss, Optimizer, Schedule, Initializer"),
        (gn.ReLU(), "takes a class, not an object of it. Received: ReLU"),
        ("ReLU", "takes a class"),
    ],
)
def test_refused(cls, message):
    with pytest.raises(ValueError, match=message):
        gn.register(cls)


def test_what_was_not_registered_is_not_saved(tmp_path):
    """Not even if its inherited name is known: the file would be read back as the other class."""
    path = tmp_path / "model.safetensors"
    for layer in (own(gn.Dense)(2), type("Mine", (gn.Dense,), {})(2)):
        network = gn.Network([layer], (3,))
        with pytest.raises(ValueError, match=r"Mine is not registered.*glassnet.register"):
            network.save(path)
    network = gn.Network([gn.Dense(2)], (3,))
    network.fit(np.ones((2, 3)), np.ones((2, 2)), loss=own(gn.MSE)(), epochs=1)
    with pytest.raises(ValueError, match="Mine is not registered"):
        network.save(path)
    assert not path.exists()


def test_a_file_that_names_an_unknown_class_says_so(tmp_path):
    gn.register(own(gn.Dense))
    path = gn.Network([REGISTRIES[gn.Layer]["mine"](2)], (3,)).save(tmp_path / "m.safetensors")
    assert gn.load(path).layers[0].units == 2
    del REGISTRIES[gn.Layer]._classes["mine"]
    with pytest.raises(ValueError, match=r"m.safetensors .* Unknown layer 'mine'"):
        gn.load(path)
