"""Faults, one module each; a fault is compiled to verbs and knows no lab.

To add one: write a module here that holds `FAULT = FaultSpec(...)`.
"""

from __future__ import annotations

import sys
from functools import cache

from halfopen.ports import FaultSpec
from halfopen.registry import discover


@cache
def all_faults() -> dict[str, FaultSpec]:
    """Every fault by name."""
    return discover(sys.modules[__name__], "FAULT", FaultSpec)
