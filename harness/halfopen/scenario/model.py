"""A scenario as plain data: production values, every variant merged, every part with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from halfopen.fields import KeepaliveTimers, Section
from halfopen.model.messages import DEFAULT, MessageShape
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
class Send:
    """Messages to send.

    Attributes:
        host: whose program sends them.
        count: how many.
        every: seconds between two messages, 0 for as fast as they go.
        form: of the messages.
        background: the next step does not wait for the messages to be written.
        line: in the scenario file.
    """

    host: str
    count: int
    every: float = 0.0
    form: MessageShape = DEFAULT
    background: bool = False
    line: int = 0
    kind: Literal["send"] = "send"


@dataclass(frozen=True)
class Wait:
    """A pause, in seconds."""

    seconds: float
    line: int = 0
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True)
class WaitUntil:
    """A wait for a condition, which may take `at_most` seconds to come true."""

    until: Condition
    at_most: float
    line: int = 0
    kind: Literal["wait until"] = "wait until"


@dataclass(frozen=True)
class Inject:
    """A fault to inject.

    Attributes:
        fault: with its parameters.
        upgraded: a host whose options the fault changes, with all that it has then.
        lasts: seconds after which the fault is healed, 0 if a step or the end does so.
        stays: the fault is not healed at the end.
        when: what is waited for before it begins.
        background: with `when`: the next step does not wait for it.
        until: as soon as this holds the fault is healed.
        at_most: seconds that `when`, and then `until`, may take to come true.
        may_miss: it is all right if it touches nothing.
        line: in the scenario file.
    """

    fault: Fault
    upgraded: Host | None = None
    lasts: float = 0.0
    stays: bool = False
    when: Condition | None = None
    background: bool = False
    until: Condition | None = None
    at_most: float = 0.0
    may_miss: bool = False
    line: int = 0
    kind: Literal["fault"] = "fault"


@dataclass(frozen=True)
class Heal:
    """The end of every open fault called `name`."""

    name: str
    line: int = 0
    kind: Literal["heal"] = "heal"


@dataclass(frozen=True)
class Stop:
    """An orderly end of the program on `host`."""

    host: str
    line: int = 0
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True)
class Start:
    """Another start of the program on `host`."""

    host: str
    line: int = 0
    kind: Literal["start"] = "start"


Step = Send | Wait | WaitUntil | Inject | Heal | Stop | Start
"""One thing to do; `kind` is the key that a scenario writes for it."""


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected.

    Attributes:
        check: the checker's name.
        params: the check with its parameters.
        label: `half-open at receiver`; unique in its variant.
        line: in the scenario file.
        lines: of each parameter that is written.
        reproduces: as in :class:`halfopen.model.plan.PlannedCheck`.
    """

    check: str
    params: Check
    label: str
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)
    reproduces: Mapping[str, str] = field(default_factory=dict)


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
    control: str = ""
    branches: tuple[tuple[str, ...], ...] = ()

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
