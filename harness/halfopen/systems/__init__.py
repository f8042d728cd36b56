"""Systems under test: one class in one module for each program that a scenario can run on a host.

To add one: write a module here with a class that derives from :class:`halfopen.ports.System`.
Modules whose name begins with an underscore hold what several systems share.
"""

from __future__ import annotations

import sys
from functools import cache

from halfopen.ports import System
from halfopen.registry import discover


@cache
def all_systems() -> dict[str, type[System]]:
    """Every system by name."""
    return discover(sys.modules[__name__], System)  # type: ignore[type-abstract]
