"""A scenario as plain data: production values, every variant merged, every part with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfopen.fields import KeepaliveTimers, Section
from halfopen.model.messages import USUAL, Form
from halfopen.model.topology import Family
from halfopen.ports import Check, Fault
from halfopen.scenario.conditions import Condition
from halfopen.scenario.containers import ContainerKeys


@dataclass(frozen=True)
class Host:
    """A host on the path.

    Attributes:
        name: as in the scenario.
        settings: the system's options, or the values of the middlebox's profile.
        system: what runs on it, None for a middlebox.
        profile: the middlebox's profile, None for an endpoint.
        sysctls: `net.*` settings; a float is seconds, which the time scale divides.
        preload_keepalive: keepalive that libkeepalive puts on all its connections.
        container: its image and limits.
        line: where it is described.
        lines: of each key that is written.
    """

    name: str
    settings: Section
    system: str | None = None
    profile: str | None = None
    sysctls: Mapping[str, str | float] = field(default_factory=dict)
    preload_keepalive: KeepaliveTimers | None = None
    container: ContainerKeys = field(default_factory=ContainerKeys)
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        do: send, wait, wait until, fault, heal, stop or start.
        host: on which; empty for `wait`, `wait until`, `fault` and `heal`.
        count: messages to send.
        every: seconds between two messages, 0 for as fast as they go.
        form: of the messages.
        background: the next step does not wait for the messages to be written, or for `when`.
        seconds: to wait.
        fault: its name.
        params: the fault's parameters.
        settings: all options that `host` has after a fault that changes some of them.
        lasts: seconds after which the fault is healed, 0 if a step or the end does so.
        stays: the fault is not healed at the end.
        when: what is waited for: by `wait until`, or by a fault before it begins.
        until: as soon as this is so the fault is healed.
        at_most: seconds that a condition may take to come true.
        line: in the scenario file.
    """

    do: str
    host: str = ""
    count: int = 0
    every: float = 0.0
    form: Form = USUAL
    background: bool = False
    seconds: float = 0.0
    fault: str = ""
    params: Fault | None = None
    settings: Section | None = None
    lasts: float = 0.0
    stays: bool = False
    when: Condition | None = None
    until: Condition | None = None
    at_most: float = 0.0
    line: int = 0


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected.

    Attributes:
        check: the checker's name.
        params: the check with its parameters.
        label: `half-open at receiver`; unique in its variant.
        line: in the scenario file.
        lines: of each parameter that is written.
        reproduces: None if it must hold; else it must fail, and if this is a number, with just
            that observed.
    """

    check: str
    params: Check
    label: str
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)
    reproduces: float | bool | None = None


@dataclass(frozen=True)
class Variant:
    """One variant with the scenario's common part merged in."""

    name: str
    about: str
    scale: float
    hosts: tuple[Host, ...]
    path: tuple[str, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    line: int = 0
    family: Family = "ipv4"
    returns: tuple[str, ...] = ()

    def host(self, name: str) -> Host:
        """The host of that name.

        Raises:
            KeyError: if there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)


@dataclass(frozen=True)
class Scenario:
    """A scenario file.

    Attributes:
        name: what it is called.
        file: where it was read from, as given.
        about: what happens in it.
        source: where it is taken from.
        variants: at least one; a file that names none has one called `default`.
    """

    name: str
    file: str
    about: str
    source: str
    variants: tuple[Variant, ...]
