"""What a middlebox profile is, and all that a scenario may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfopen.fields import Section
from halfopen.ports.checks import Check
from halfopen.ports.faults import Fault
from halfopen.ports.systems import System


@dataclass(frozen=True)
class Profile:
    """A middlebox profile, see :mod:`halfopen.profiles`.

    Attributes:
        name: as a scenario's `profile` names it.
        title: the product.
        values: what can be overridden in a scenario; durations in production seconds.
        sources: for each figure, where it comes from and how sure that is.
        ranges: production seconds, least and most, that the product lets one set, by the name of
            the value as in a scenario.
        about: a few sentences on it.
    """

    name: str
    title: str
    values: Section
    sources: Mapping[str, Mapping[str, str]]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """All that a scenario file may name; the loader is given one, it knows no checker by itself."""

    systems: Mapping[str, type[System]]
    checks: Mapping[str, type[Check]]
    faults: Mapping[str, type[Fault]]
    profiles: Mapping[str, Profile]
