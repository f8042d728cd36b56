"""What the calls of a lab return: a middlebox, a running program, an injected fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from halfopen.runner.injected import Injected

if TYPE_CHECKING:
    from halfopen.api.lab import OpenLab


@dataclass(frozen=True)
class Middlebox:
    """A middlebox on a path: name, profile, and its scaled values."""

    name: str
    profile: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A program that runs on a host of the lab."""

    host: str
    pid: int
    _lab: OpenLab = field(repr=False)

    def send(self, count: int, *, every: str | None = None) -> None:
        """Write `count` numbered messages to its standard input, one each `every`."""
        self._lab.send(self.host, count, every=every)

    def stop(self, timeout: float = 5.0) -> None:
        """End it: SIGTERM, after `timeout` seconds SIGKILL."""
        self._lab.stop(self.host, timeout)

    def start(self) -> Subject:
        """Start it again, with the options that it has by now; returns it with its new pid."""
        return self._lab.start(self.host)


@dataclass(frozen=True)
class InjectedFault:
    """A fault that was injected: also a context manager, which heals it.

    Attributes:
        name: of the fault.
        flows: that it touched, as `client > server`.
    """

    name: str
    flows: tuple[str, ...]
    _injected: Injected = field(repr=False)
    _lab: OpenLab = field(repr=False)

    def heal(self) -> None:
        """End it; one that was over at once, or has ended, stays as it is."""
        self._lab.do(self._injected.heal())

    def played(self) -> None:
        """Wait until it has done all that it does later, as `link flap` and `failover` do."""
        self._lab.do(self._injected.played())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
