"""The plan: one variant of a scenario with every value settled, ready to be played in one lab.

All durations are seconds of *lab* time (already divided by the scale), except where a name says
`production`.  A plan is written whole into the history's header as JSON.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from halfopen.model.steps import PlannedStep, step_from_json
from halfopen.model.topology import Family


@dataclass(frozen=True)
class PlannedHost:
    """A host on the path.

    Attributes:
        name: as in the scenario.
        system: what runs on it (`relpio send`), or None for a middlebox.
        options: the system's options, or the profile's values, scaled; plain JSON.
        sysctls: `net.*` settings of its network namespace.
        profile: the middlebox profile's name, or None for an endpoint.
        preload_keepalive: `idle, interval` (seconds) and `probes` that libkeepalive puts on all
            connections of its programs, or None.
        line: where the scenario describes it.
        image: that its programs come in, None for what the lab has.
        limits: of each of its programs, see :class:`halfopen.model.program.ProgramSpec`.
    """

    name: str
    system: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    line: int = 0
    preload_keepalive: Mapping[str, float] | None = None
    image: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedCheck:
    """One expectation.

    Attributes:
        check: the checker's name.
        params: its parameters, durations scaled to lab time; plain JSON.
        label: tells it apart from others of its kind.
        line: in the scenario file.
        reproduces: empty for an expectation that must hold; else the figure of it that must fail
            (an empty name for its only one), and what must be observed: a bound in words, or
            `seen` for anything that fails.  All its other figures must hold.
    """

    check: str
    params: Mapping[str, Any]
    label: str
    line: int = 0
    reproduces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScaledValue:
    """What the time scale made of one value of the scenario.

    Attributes:
        name: for example `receiver keepalive detection`.
        production_s: as written.
        lab_s: as run.
        line: in the scenario file.
    """

    name: str
    production_s: float
    lab_s: float
    line: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything that a lab and the checkers need to know of one run.

    `about` is what the scenario says of itself, `variant_about` what its variant adds to that;
    `control` is why nothing need differ without the faults, empty if something must;
    `returns` is the way back, if that is not the path; `branches` are further paths.  `bears_s`
    are the lab seconds that steps and programs may be late before two of the variant's timers
    change their order; None if any lateness is borne.  `at_end` is by what factor the end of the
    run is waited for longer than in a lab with scaled time: for as long in production.
    `end_bears_s` are the lab seconds for which the end may last before a middlebox forgets a flow;
    None if it forgets none.
    `unsupported` says why the lab's
    kernel cannot play it at this scale; empty if it can.  `lab_why` is why it is played in this
    lab, if halfopen chose the lab.
    """

    scenario: str
    file: str
    variant: str
    lab: str
    scale: float
    seed: int
    hosts: tuple[PlannedHost, ...]
    path: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    checks: tuple[PlannedCheck, ...]
    scaling: tuple[ScaledValue, ...] = ()
    about: str = ""
    source: str = ""
    variant_about: str = ""
    control: str = ""
    family: Family = "ipv4"
    returns: tuple[str, ...] = ()
    branches: tuple[tuple[str, ...], ...] = ()
    bears_s: float | None = None
    at_end: float = 1.0
    end_bears_s: float | None = None
    unsupported: str = ""
    lab_why: str = ""

    def host(self, name: str) -> PlannedHost:
        """The host of that name.

        Raises:
            KeyError: if there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """All paths; `path` is the first."""
        return (self.path, *self.branches)

    @property
    def middleboxes(self) -> tuple[str, ...]:
        """Names of the hosts that are middleboxes, in the order of the paths and the way back."""
        names = dict.fromkeys(itertools.chain(*self.paths, self.returns))
        return tuple(name for name in names if self.host(name).profile is not None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, for the history's header."""
        return asdict(self)


def hosts_on_paths(plan: Mapping[str, Any]) -> list[str]:
    """Names of the hosts on the paths of a plan that is plain JSON, in the order of the paths."""
    return list(dict.fromkeys(itertools.chain(plan["path"], *plan.get("branches", ()))))


def plan_from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that :meth:`Plan.to_json` wrote."""
    values = dict(data)
    values["hosts"] = tuple(PlannedHost(**h) for h in data["hosts"])
    values["path"] = tuple(data["path"])
    values["returns"] = tuple(data.get("returns", ()))
    values["branches"] = tuple(map(tuple, data.get("branches", ())))
    values["steps"] = tuple(step_from_json(s) for s in data["steps"])
    values["checks"] = tuple(PlannedCheck(**c) for c in data["checks"])
    values["scaling"] = tuple(ScaledValue(**s) for s in data["scaling"])
    return Plan(**values)
