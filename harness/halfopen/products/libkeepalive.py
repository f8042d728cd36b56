"""libkeepalive: keepalive for programs that never ask for it, put before the C library.

It wraps socket(2), so that every socket has SO_KEEPALIVE with KEEPIDLE, KEEPINTVL and KEEPCNT from
the environment; what a socket accepts inherits them (net/ipv4/tcp.c).  A static binary has no
dynamic linker that would load it (ld.so(8), LD_PRELOAD): there it has no effect, and says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from halfopen.ports import Product

PACKAGE = "apt-get install libkeepalive0"
_PLACES = ("/usr/local/lib", "/usr/lib", "/usr/lib/*", "/usr/lib64", "/lib", "/lib64")


def library() -> Path | None:
    """The library, if it is installed."""
    names = ("libkeepalive.so.0", "libkeepalive.so")
    roots = [(Path("/"), place[1:]) for place in _PLACES]
    found = (
        path for root, place in roots for name in names for path in root.glob(f"{place}/{name}")
    )
    return next(found, None)


def missing() -> Sequence[str]:
    """What this machine lacks for it, with the remedy."""
    if library() is None:
        return (f"libkeepalive is not installed: {PACKAGE}",)
    return ()


def environment(keepalive: Mapping[str, float], path: str | None = None) -> dict[str, str]:
    """What a program needs in its environment.

    Args:
        keepalive: `idle` and `interval` in seconds, `probes`.
        path: of the library, None for where it is installed here.
    """
    return {
        "LD_PRELOAD": path or str(library()),
        "KEEPIDLE": f"{keepalive['idle']:.0f}",
        "KEEPINTVL": f"{keepalive['interval']:.0f}",
        "KEEPCNT": f"{keepalive['probes']:.0f}",
    }


def _version() -> str | None:
    """It says no version: where it lies, instead."""
    path = library()
    return None if path is None else str(path)


PRODUCT = Product("libkeepalive", PACKAGE, _version)
