"""A variant as it is written: every part has its shape, no name has been looked up yet.

:mod:`.parse` makes these of the file, :mod:`.resolve` makes a :class:`~.model.Variant` of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfopen.errors import Problem
from halfopen.model.topology import Family
from halfopen.ports import Check, Fault
from halfopen.scenario.model import Host
from halfopen.scenario.step_keys import FaultStep, HealStep, PlainStep
from halfopen.yamlfile import Node


@dataclass(frozen=True)
class RawHost:
    """A host.

    Attributes:
        node: all that is written of it; a variant may add to that.
        role: as in :class:`~halfopen.scenario.names.Names`.
        host: None if something is wrong with it.
        absent: what is missing, unless a variant adds it.
        count: members, if it is a group; 0 for a single host.
    """

    node: Node
    role: str
    host: Host | None = None
    absent: tuple[Problem, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Named:
    """A host that is named in a list, and where."""

    name: str
    line: int


@dataclass(frozen=True)
class RawPath:
    """A list of hosts, and where it is."""

    hosts: tuple[Named, ...]
    line: int

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts alone."""
        return tuple(each.name for each in self.hosts)


@dataclass(frozen=True)
class RawStep:
    """A step that is no fault.

    Attributes:
        section: what it says.
        node: where it says so.
    """

    section: PlainStep | HealStep
    node: Node


@dataclass(frozen=True)
class RawFault:
    """A step that begins a fault.

    Attributes:
        fault: with its parameters.
        timing: when it begins and ends.
        node: where that is written.
    """

    fault: Fault
    timing: FaultStep
    node: Node


@dataclass(frozen=True)
class RawSteps:
    """Steps.

    Attributes:
        steps: those without mistakes.
        whole: those are all.
    """

    steps: tuple[RawStep | RawFault, ...]
    whole: bool


@dataclass(frozen=True)
class RawExpectation:
    """A check that is expected to pass.

    Attributes:
        params: the check with its parameters.
        line: where it is written.
        node: its parameters as written.
    """

    params: Check
    line: int
    node: Node


@dataclass(frozen=True)
class RawVariant:
    """The parts of a scenario that a variant can change; None if absent or wrong.

    Attributes:
        line: where the variant is.
        written: the keys that are there, whether right or wrong.
        about: what happens in it.
        control: why nothing need differ without its faults.
        scale: seconds of production in one of the lab.
        hosts: by name.
        family: of addresses.
        paths: each from end to end; one if it is written as `path`.
        return_path: the way back, if it differs.
        steps: what is done.
        expect: what is expected.
        reproduces: which failure is expected.
    """

    line: int = 1
    written: frozenset[str] = frozenset()
    about: str = ""
    control: str = ""
    scale: float | None = None
    hosts: Mapping[str, RawHost] | None = None
    family: Family | None = None
    paths: tuple[RawPath, ...] | None = None
    return_path: RawPath | None = None
    steps: RawSteps | None = None
    expect: tuple[RawExpectation, ...] | None = None
    reproduces: Mapping[str, Node] = field(default_factory=dict)
