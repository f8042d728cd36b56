"""Defaults of descriptions: whatever has no hosts, durations or options to speak of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halfopen.fields import Timer


def no_timers(_: Any) -> Sequence[Timer]:
    """For whatever has no duration that could decide a verdict."""
    return ()


def no_hosts(_: Any) -> Sequence[str]:
    """For whatever names no host."""
    return ()
