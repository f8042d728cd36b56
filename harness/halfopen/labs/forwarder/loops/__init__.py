"""The loop over plain segments of known flows.

`pure` is the reference.
"""

from __future__ import annotations

from halfopen.labs.forwarder.loops.pure import Way, forward

__all__ = ["Way", "forward"]
