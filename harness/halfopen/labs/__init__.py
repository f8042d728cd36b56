"""Labs: the worlds in which a scenario can be played.

A lab is a package whose `lab` module holds `LAB`: :mod:`.netns`, :mod:`.docker`.  What they share
is the kit: :mod:`.client` (the lab as its caller sees it), :mod:`.agent` (inside, one process for
each run: network, programs, observers, actions, engines) and :mod:`.forwarder` (the middlebox in
user space).  No lab imports another.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an agent inside a lab imports this package too, and must start fast
    from halfopen.ports import LabSpec


def all_labs() -> dict[str, LabSpec]:
    """Every lab by the name that `--lab` takes."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        if module.ispkg and importlib.util.find_spec(f"{name}.lab") is not None:
            lab: LabSpec = importlib.import_module(f"{name}.lab").LAB
            found[lab.name] = lab
    return found
