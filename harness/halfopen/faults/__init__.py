"""Faults, one class in one module each; a fault is compiled to verbs and knows no lab.

To add one: write a module here with a class that derives from :class:`halfopen.ports.Fault`.
Modules whose name begins with an underscore hold what several faults share.
"""

from __future__ import annotations

import sys
from functools import cache

from halfopen.ports import Fault
from halfopen.registry import discover


@cache
def all_faults() -> dict[str, type[Fault]]:
    """Every fault by name."""
    return discover(sys.modules[__name__], Fault)  # type: ignore[type-abstract]
