"""Network fault injection for programs that hold TCP connections for a long time.

The public Python API is :func:`open_lab` (and the pytest fixture `halfopen_lab` around it); all
else is for those who extend halfopen, see ARCHITECTURE.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "open_lab"]

if TYPE_CHECKING:
    from halfopen.api import open_lab


def __getattr__(name: str) -> Any:
    # Programs inside a lab import this package too: what they do not need is not loaded.
    if name == "open_lab":
        from halfopen.api import open_lab

        return open_lab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
