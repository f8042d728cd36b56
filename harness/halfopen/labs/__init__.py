"""The worlds in which a scenario can be played: a package each, whose `lab` module holds `LAB`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an agent inside a lab imports this package too, and must start fast
    from halfopen.ports import LabSpec


def all_labs() -> dict[str, LabSpec]:
    """Every lab by the name that `--lab` takes."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        lab: LabSpec = importlib.import_module(f"{__name__}.{module.name}.lab").LAB
        found[lab.name] = lab
    return found
