"""Finds what was added by adding one file: the modules of a package, and what they define.

Python's entry points (importlib.metadata) would find plug-ins of other distributions; here nothing
is to be registered, not even in `pyproject.toml`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol, TypeVar


class HasName(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """How scenarios name it."""
        ...


T = TypeVar("T")
N = TypeVar("N", bound=HasName)


def discover(package: ModuleType, base: type[N]) -> dict[str, type[N]]:
    """The classes in `package` that derive from `base`, by `name`, in the order of their names.

    Raises:
        TypeError: as :func:`classes`, or if two share a name.
    """
    return _by_name((str(each.name), each) for each in classes(package, base))


def classes(package: ModuleType, base: type[T]) -> list[type[T]]:
    """The classes in `package` that derive from `base`, in the order of their modules.

    Every module whose name does not begin with an underscore must define at least one; abstract
    classes are passed over.

    Raises:
        TypeError: if a module defines none: a programming error.
    """
    found = []
    for module in _modules(package):
        mine = [
            each
            for each in vars(module).values()
            if inspect.isclass(each)
            and issubclass(each, base)
            and each.__module__ == module.__name__
            and not inspect.isabstract(each)
        ]
        if not mine:
            raise TypeError(f"{module.__name__} defines no class derived from {base.__name__}")
        found += mine
    return found


def instances(package: ModuleType, name: str, kind: type[T], *, within: str = "") -> list[T]:
    """What the modules of `package` assign to `name`: an instance of `kind`, or a tuple of them.

    Args:
        package: whose modules are looked at, except those that begin with an underscore.
        name: of the constant.
        kind: of its value.
        within: look at this module of each subpackage that has it, instead of at all modules.

    Raises:
        TypeError: if a module has no such constant: a programming error.
    """
    found: list[T] = []
    for module in _modules(package, within):
        value: Any = getattr(module, name, None)
        values = value if isinstance(value, tuple) else (value,)
        if not values or not all(isinstance(each, kind) for each in values):
            raise TypeError(f"{module.__name__}: {name} is not a {kind.__name__}")
        found += values
    return found


def instances_by_name(
    package: ModuleType, name: str, kind: type[N], *, within: str = ""
) -> dict[str, N]:
    """As :func:`instances`, by `name` of each.

    Raises:
        TypeError: as there, or if two share a name.
    """
    return _by_name((each.name, each) for each in instances(package, name, kind, within=within))


def _by_name(found: Iterator[tuple[str, T]]) -> dict[str, T]:
    named: dict[str, T] = {}
    for name, each in found:
        if name in named:
            raise TypeError(f"{each}: the name {name!r} is taken by {named[name]}")
        named[name] = each
    return dict(sorted(named.items()))


def _modules(package: ModuleType, within: str = "") -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        if module.name.startswith("_"):
            continue
        if not within:
            yield importlib.import_module(name)
        elif module.ispkg and importlib.util.find_spec(f"{name}.{within}") is not None:
            yield importlib.import_module(f"{name}.{within}")
