"""All that a scenario file may name, put together from the packages that hold it."""

from __future__ import annotations

from functools import cache

from halfopen.checkers import all_checks
from halfopen.faults import all_faults
from halfopen.ports import Vocabulary
from halfopen.profiles import all_profiles
from halfopen.systems import all_systems


@cache
def default_vocabulary() -> Vocabulary:
    """What this installation knows."""
    return Vocabulary(
        systems=all_systems(), checks=all_checks(), faults=all_faults(), profiles=all_profiles()
    )
