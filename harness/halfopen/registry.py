"""Finds what was added by adding one file: the modules of a package that hold a description."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """How scenarios name it."""
        ...


T = TypeVar("T", bound=Named)


def discover(package: ModuleType, attribute: str, kind: type[T]) -> dict[str, T]:
    """All descriptions in `package`, by name, in the order of their names.

    Every module whose name does not begin with an underscore must hold one `attribute` of type
    `kind`, or a tuple of them.

    Raises:
        TypeError: if a module holds none, or two share a name: a programming error.
    """
    found: dict[str, T] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        value = getattr(module, attribute, None)
        for item in value if isinstance(value, tuple) else (value,):
            if not isinstance(item, kind):
                raise TypeError(f"{module.__name__} has no {attribute} of type {kind.__name__}")
            if item.name in found:
                raise TypeError(f"{module.__name__}: {item.name!r} is defined twice")
            found[item.name] = item
    return dict(sorted(found.items()))
