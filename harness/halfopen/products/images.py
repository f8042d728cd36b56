"""The names of our own container images (compose/images), which `make images` builds."""

from __future__ import annotations

from importlib.metadata import version

PREFIX = "halfopen-"


def our_image(name: str) -> str:
    """Of this version: `halfopen-helper:0.1.0`."""
    return f"{PREFIX}{name}:{version('halfopen')}"
