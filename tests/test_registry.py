"""Registries: from a name to a part, and what is said about names that are not known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from glassnet.registry import Configurable, Registry, did_you_mean


class Fruit(Configurable):
    name = "fruit"


class Apple(Fruit):
    name = "apple"

    def __init__(self, weight=0.2, colour="red"):
        self.weight = weight
        self.colour = colour


class Basket(Fruit):
    name = "basket"

    def __init__(self, inside, label=None):
        self.inside = inside
        self.label = label


class Stone(Configurable):
    name = "stone"


@pytest.fixture
def fruits():
    registry = Registry("fruit")
    registry.register(Apple)
    registry.register(Basket)
    return registry


def test_a_class_elsewhere_is_found_but_not_listed():
    registry = Registry("fruit", elsewhere={"apple": "fruits_elsewhere:Apple"})
    registry.register(Basket)
    assert registry.names() == ["basket"]
    with pytest.raises(ModuleNotFoundError, match="fruits_elsewhere"):
        registry["apple"]
    registry.elsewhere["apple"] = f"{__name__}:Apple"
    assert registry["apple"] is Apple
    assert registry.knows(Apple())
    assert registry.names() == ["basket"]

    class Other(Configurable):
        name = "apple"

    assert not registry.knows(Other())
    with pytest.raises(ValueError, match="'apple' already belongs to"):
        registry.register(Other)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("sigmod", " Did you mean 'sigmoid'?"),
        ("SIGMOID", " Did you mean 'sigmoid'?"),
        ("relu6", " Did you mean 'ReLU'?"),
        ("xyz", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_did_you_mean(word, expected):
    assert did_you_mean(word, ["ReLU", "sigmoid", "tanh"]) == expected
    assert did_you_mean(word, []) == ""


def test_create_from_a_name(fruits):
    apple = fruits.create("apple")
    assert isinstance(apple, Apple)
    assert (apple.weight, apple.colour) == (0.2, "red")


def test_create_with_options(fruits):
    assert fruits.create({"name": "apple", "weight": 0.3}).weight == 0.3
    assert fruits.create("apple", colour="green").colour == "green"
    assert fruits.create({"name": "apple", "weight": 0.3}, weight=0.4).weight == 0.4


def test_create_does_not_change_its_argument(fruits):
    spec = {"name": "apple", "weight": 0.3}
    fruits.create(spec)
    assert spec == {"name": "apple", "weight": 0.3}


def test_instances_pass_through(fruits):
    apple = Apple()
    assert fruits.create(apple) is apple


def test_ones_own_unregistered_part_passes_through(fruits):
    class Pear(Fruit):
        name = "pear"

    pear = Pear()
    assert fruits.create(pear) is pear
    with pytest.raises(ValueError, match="Unknown fruit 'pear'"):
        fruits.create("pear")


def test_parts_of_another_kind_are_refused(fruits):
    with pytest.raises(ValueError, match=r"Expected a fruit.*apple, basket.*of type Stone"):
        fruits.create(Stone())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("aple", "Unknown fruit 'aple'. Did you mean 'apple'.* Known: apple, basket"),
        ("brick", r"Unknown fruit 'brick'. Known: apple, basket"),
        ({"weight": 1}, r"The fruit needs a 'name'. Received: \{'weight': 1\}"),
        ({"name": "apple", "wieght": 1}, "no option 'wieght'. Did you mean 'weight'"),
        ({"name": "apple", "stem": 1}, r"no option 'stem'. Its options: weight, colour"),
        ("basket", "'basket' needs the option 'inside'"),
        (None, "Expected a fruit.*Received: None of type NoneType"),
        (Apple, "Expected a fruit.*of type type"),
    ],
)
def test_bad_specs_are_refused(fruits, spec, message):
    with pytest.raises(ValueError, match=message):
        fruits.create(spec)


def test_a_class_without_options_says_so():
    stones = Registry("stone")
    stones.register(Stone)
    with pytest.raises(ValueError, match=r"no option 'size'. Its options: none"):
        stones.create("stone", size=1)


def test_lookup(fruits):
    assert fruits["apple"] is Apple
    assert fruits.names() == ["apple", "basket"]


def test_a_name_belongs_to_one_class(fruits):
    class Impostor(Fruit):
        name = "apple"

    fruits.register(Apple)  # again, as a reloaded module would
    with pytest.raises(ValueError, match=r"'apple' already belongs to .*Apple"):
        fruits.register(Impostor)
    assert fruits["apple"] is Apple


def test_knows_what_a_name_would_lead_back_to(fruits):
    class Impostor(Fruit):
        name = "apple"

    assert fruits.knows(Apple())
    assert not fruits.knows(Impostor())
    assert not fruits.knows(Fruit())


def test_options_are_plain_data():
    basket = Basket(inside=[Apple(np.float64(0.5)), Apple()], label={"size": np.arange(2)})
    options = basket.options()
    assert options == {
        "inside": [
            {"name": "apple", "weight": 0.5, "colour": "red"},
            {"name": "apple", "weight": 0.2, "colour": "red"},
        ],
        "label": {"size": [0, 1]},
    }
    assert json.loads(json.dumps(basket.config())) == {"name": "basket", **options}


def test_options_rebuild_the_part(fruits):
    apple = Apple(weight=0.7)
    assert Apple(**apple.options()).options() == apple.options()
    assert fruits.create(apple.config()).options() == apple.options()


def test_repr_shows_what_is_not_default():
    assert repr(Apple()) == "Apple()"
    assert repr(Apple(0.3)) == "Apple(weight=0.3)"


def test_a_value_of_the_wrong_type_is_a_sentence():
    layers = Registry("layer")

    @layers.register
    class Positive(Configurable):
        name = "positive"

        def __init__(self, size):
            if size <= 0:
                raise ValueError("size must be > 0.")

    with pytest.raises(ValueError, match=r"'positive' cannot be made with size='x': .*types"):
        layers.create("positive", size="x")
