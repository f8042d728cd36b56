"""Loops over plain segments of known flows: compiled when that was built, otherwise in Python.

`pure` is the reference. `_compiled` (the C file, against Python's stable ABI, 64 bits) does the
same byte for byte, which property tests hold. It is optional: without a compiler at build time it
is absent. The environment variable `HALFOPEN_PURE=1` leaves it unused.

Attributes:
    COMPILED: whether the compiled part is in use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from halfopen.labs.forwarder.loops import pure

__all__ = ["COMPILED", "PURE_VARIABLE", "Way", "forward", "give_back"]

PURE_VARIABLE = "HALFOPEN_PURE"
"""Set to anything but an empty text or 0, it selects the loop in Python."""

COMPILED = False

if TYPE_CHECKING:  # both have the same attributes
    from halfopen.labs.forwarder.loops.pure import Way, forward, give_back
else:
    Way, forward, give_back = pure.Way, pure.forward, pure.give_back
    if os.environ.get(PURE_VARIABLE, "0") in ("", "0"):
        try:
            from halfopen.labs.forwarder.loops import _compiled
        except ImportError:  # not built, or for another platform
            pass
        else:
            if _compiled.VERSION == pure.VERSION:
                COMPILED = True
                Way, forward = _compiled.Way, _compiled.forward
                give_back = _compiled.give_back
