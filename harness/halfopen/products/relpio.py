"""Our own RELP sender and receiver: a distribution of its own, which only its systems need."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from importlib.util import find_spec

from halfopen.ports import Product

REMEDY = "`pip install relpio`, or `pip install ./impl` in halfopen's source tree"


def version() -> str | None:
    """Such as `0.1.0`; `unknown` where it is on the path without being installed."""
    if find_spec("relpio") is None:
        return None
    try:
        return version_of("relpio")
    except PackageNotFoundError:
        return "unknown"


def missing() -> tuple[str, ...]:
    """Why it cannot be started, with the remedy; empty if it can."""
    if find_spec("relpio") is None:
        return (f"relpio is not installed: {REMEDY}",)
    return ()


PRODUCT = Product("relpio", REMEDY, version)
