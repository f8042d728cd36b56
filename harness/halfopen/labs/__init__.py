"""Labs: the worlds in which a scenario can be played.

A lab is a package whose `lab` module holds `LAB`: :mod:`.netns`, :mod:`.docker`.  What they share
is the kit: :mod:`.client` (the lab as its caller sees it), :mod:`.agent` (inside, one process for
each run: network, programs, observers, actions, engines) and :mod:`.forwarder` (the middlebox in
user space).  No lab imports another.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from halfopen import registry
from halfopen.errors import UsageError

if TYPE_CHECKING:  # an agent inside a lab imports this package too, and must start fast
    from halfopen.ports import LabSpec


def all_labs() -> dict[str, LabSpec]:
    """Every lab by the name that `--lab` takes."""
    from halfopen.ports import LabSpec

    return registry.instances_by_name(sys.modules[__name__], "LAB", LabSpec, within="lab")


def lab_named(name: str) -> LabSpec:
    """The lab of a name.

    Raises:
        UsageError: if there is none.
    """
    from halfopen.sections import suggest

    labs = all_labs()
    if name not in labs:
        raise UsageError(f"unknown lab {name!r}; {suggest(name, labs, 'available labs')}")
    return labs[name]
