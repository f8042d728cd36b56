"""Which rsyslog is installed, with which modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from halfopen.ports import Product
from halfopen.products.found import find_program, first_line
from halfopen.products.images import our_image

# What the modules that are no part of Debian's package `rsyslog` come in.
_PACKAGES = {"imrelp": "rsyslog-relp", "omrelp": "rsyslog-relp"}
_REMEDY = "apt-get install rsyslog rsyslog-relp"
_FOLDERS = ("usr/lib/*/rsyslog", "usr/lib/rsyslog", "usr/lib64/rsyslog", "usr/local/lib/rsyslog")


def version(binary: str = "rsyslogd") -> str | None:
    """Such as `8.2302.0`; None if there is no such program."""
    path = find_program(binary)
    said = first_line(path, "-v") if path else None
    found = re.search(r"rsyslogd\s+(\d[\w.]*)", said or "")
    return found[1] if found else None


def missing(binary: str, modules: Iterable[str]) -> list[str]:
    """What there is not, each with its remedy.

    Args:
        binary: of rsyslogd; the modules of one that is named by a path lie where it looks for
            them, which nobody but itself knows.
        modules: that a configuration loads.
    """
    if version(binary) is None:
        if "/" in binary:
            return [f"{binary} is not an rsyslogd: use another path, or remove `binary`"]
        return [f"rsyslog is not installed: {_REMEDY}"]
    if "/" in binary:
        return []
    return [
        f"rsyslog's module {name} is not installed: apt-get install {_PACKAGES[name]}"
        for name in modules
        if name in _PACKAGES and not _has_module(name)
    ]


def _has_module(name: str) -> bool:
    return any(any(Path("/").glob(f"{folder}/{name}.so")) for folder in _FOLDERS)


PRODUCT = Product("rsyslog", _REMEDY, version)

IMAGE = our_image("rsyslog")
"""Ours, for labs of containers (compose/images)."""
