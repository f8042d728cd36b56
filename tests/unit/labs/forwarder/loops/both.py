"""Both kinds of loops, for tests that run with either."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from halfopen.labs.forwarder.loops import pure

KINDS = ("python", "compiled")


def loops(kind: str) -> ModuleType:
    """Return the module; the test is skipped where the compiled one was not built."""
    if kind == "python":
        return pure
    try:
        return importlib.import_module("halfopen.labs.forwarder.loops._compiled")
    except ImportError:
        pytest.skip("halfopen's compiled part is not built here: `make setup-dev` needs gcc for it")
