"""Finds what was added by adding one file: the modules of a package, and what they hold."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """How scenarios name it."""
        ...


T = TypeVar("T", bound=Named)


def discover(package: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The classes in `package` that derive from `base`, by `name`, in the order of their names.

    Every module whose name does not begin with an underscore must define one at least; abstract
    classes are passed over.

    Raises:
        TypeError: if a module defines none, or two share a name: a programming error.
    """
    found: dict[str, type[T]] = {}
    for module in modules(package):
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
        for each in mine:
            name = str(each.name)
            if name in found:
                raise TypeError(f"{module.__name__}: {name!r} is defined twice")
            found[name] = each
    return dict(sorted(found.items()))


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package whose names do not begin with an underscore."""
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{module.name}")
