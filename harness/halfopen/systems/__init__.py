"""Systems under test: one module for each program that a scenario can run on a host."""

from __future__ import annotations

import sys

from halfopen.ports import SystemSpec
from halfopen.registry import discover


def all_systems() -> dict[str, SystemSpec]:
    """Every system by name."""
    return discover(sys.modules[__name__], "SYSTEM", SystemSpec)
