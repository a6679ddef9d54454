"""Closed registries: the only way from a name in a file or an option to a class.

A saved model, a TOML file or a command line names its parts (`"Dense"`, `"adam"`). Those names are
looked up here and nowhere else, so that opening a file can never import or run anything that the
program did not already know.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the option closest to `word`, or an empty string.

    >>> did_you_mean("sigmod", ["relu", "sigmoid", "tanh"])
    " Did you mean 'sigmoid'?"
    >>> did_you_mean("xyz", ["relu"])
    ''
    """
    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""


class Configurable:
    """Something whose constructor arguments are its attributes of the same names."""

    name: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """The constructor's arguments, JSON-able: `type(self)(**self.options())` rebuilds it."""
        names = [p for p in inspect.signature(type(self)).parameters if p != "self"]
        return {name: _plain(getattr(self, name)) for name in names}

    def config(self) -> dict[str, Any]:
        """Name and options together, the form that is written to files."""
        return {"name": self.name, **self.options()}

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters
        shown = [
            f"{key}={value!r}"
            for key, value in self.options().items()
            if value != _plain(parameters[key].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _plain(value: Any) -> Any:
    """Turn a nested option into JSON-able data."""
    if isinstance(value, Configurable):
        config = value.config()
        return config if len(config) > 1 else value.name
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return value.tolist()
    return value


def _same_class(a: type, b: type) -> bool:
    """Whether both are the same class, perhaps defined anew: a notebook's cell that ran twice."""
    return (a.__module__, a.__qualname__) == (b.__module__, b.__qualname__)


C = TypeVar("C", bound=Configurable)


class Registry(Generic[C]):
    """Names of one kind of part (layers, losses, …), and how one is made from its name.

    Arguments:
        kind: what the parts are called in messages, in the singular: `"layer"`.
        elsewhere: classes of packages that not every program imports, as `"module:class"` by name.
            They are found, but not listed among `names`.
    """

    def __init__(self, kind: str, elsewhere: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.elsewhere = dict(elsewhere or {})
        self._classes: dict[str, type[C]] = {}

    def register(self, cls: type[C]) -> type[C]:
        """Class decorator: make `cls` known under `cls.name`.

        Raises:
            ValueError: if another class already has that name.
        """
        known = self._find(cls.name)
        if known is not None and not _same_class(known, cls):
            raise ValueError(
                f"The {self.kind} name {cls.name!r} already belongs to "
                f"{known.__module__}.{known.__qualname__}; give {cls.__qualname__} another `name`."
            )
        self._classes[cls.name] = cls
        return cls

    def knows(self, part: C) -> bool:
        """Whether a part's name, read from a file, would lead back to its own class."""
        known = self._find(getattr(part, "name", ""))
        return known is not None and _same_class(known, type(part))

    def names(self) -> list[str]:
        """All registered names, in the order in which they were registered."""
        return list(self._classes)

    def _find(self, name: str) -> type[C] | None:
        """The class called `name`, if there is one."""
        if name not in self.elsewhere:
            return self._classes.get(name)
        module, _, cls = self.elsewhere[name].partition(":")
        found: type[C] = getattr(import_module(module), cls)
        return found

    def __getitem__(self, name: str) -> type[C]:
        """The class called `name`.

        Raises:
            ValueError: if there is none; the message lists what there is.
        """
        cls = self._find(name)
        if cls is None:
            raise ValueError(
                f"Unknown {self.kind} {name!r}.{did_you_mean(name, self._classes)} "
                f"Known: {', '.join(self._classes)}."
            )
        return cls

    def create(self, spec: str | Mapping[str, Any] | C, **extra: Any) -> C:
        """Make a part from its name or `{"name": …, option: value}`, or pass an instance through.

        Raises:
            ValueError: for an unknown name, an unknown option, or a value that is no part at all.
        """
        if isinstance(spec, str):
            spec = {"name": spec}
        if isinstance(spec, Mapping):
            options = {**{k: v for k, v in spec.items() if k != "name"}, **extra}
            if "name" not in spec:
                raise ValueError(f"The {self.kind} needs a 'name'. Received: {dict(spec)!r}.")
            return self._construct(self[spec["name"]], options)
        if isinstance(spec, self._families()):
            return spec
        article = "an" if self.kind[0] in "aeio" else "a"
        raise ValueError(
            f"Expected {article} {self.kind}, or the name of one ({', '.join(self._classes)}). "
            f"Received: {spec!r} of type {type(spec).__name__}."
        )

    def _families(self) -> tuple[type[C], ...]:
        """The base classes of this kind of part, so that one's own unregistered part passes."""
        chains = [cls.__mro__ for cls in self._classes.values()]
        return tuple({chain[chain.index(Configurable) - 1] for chain in chains})

    def _construct(self, cls: type[C], options: dict[str, Any]) -> C:
        parameters = inspect.signature(cls).parameters
        for option in options:
            if option not in parameters:
                raise ValueError(
                    f"The {self.kind} {cls.name!r} has no option {option!r}."
                    f"{did_you_mean(option, parameters)} "
                    f"Its options: {', '.join(parameters) or 'none'}."
                )
        missing = [
            name
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty and name not in options
        ]
        if missing:
            raise ValueError(f"The {self.kind} {cls.name!r} needs the option {missing[0]!r}.")
        try:
            return cls(**options)
        except TypeError as error:
            given = ", ".join(f"{name}={value!r}" for name, value in options.items())
            raise ValueError(
                f"The {self.kind} {cls.name!r} cannot be made with {given}: {error}. "
                "Check the types of these values."
            ) from error
