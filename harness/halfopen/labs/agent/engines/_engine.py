"""What an engine is, and a middlebox that it plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from halfopen.labs.agent.rhythm import STEADY, Rhythm, Stirs
from halfopen.middlebox.attachment import Attachment
from halfopen.model.effects import Touched
from halfopen.model.records import Recorder
from halfopen.model.topology import HostNetwork
from halfopen.verbs import Verb


class RunningMiddlebox(Protocol):
    """A middlebox in operation.

    It records what it does, in the same words whatever its engine: `conntrack` (its entries),
    `flow` (created, destroyed with a cause), `drops`; see :mod:`halfopen.model.history`.
    """

    async def do(self, verb: Verb, addresses: Mapping[str, str]) -> Touched:
        """Do a verb now.

        Args:
            verb: one of its engine's verbs.
            addresses: of all hosts by name.

        Returns:
            what it touched at once.
        """

    async def packets(self, name: str) -> int:
        """To how many packets the packet fault `name` has done something; 0 if it is over."""

    async def sample(self) -> None:
        """Record everything now, changed or not."""

    async def stop(self) -> None:
        """Take a last sample and end."""


@dataclass(frozen=True)
class MiddleboxSetup:
    """What an engine needs to play a middlebox.

    Attributes:
        name: of the host, and of its namespace; its links and routes are there already.
        network: its interfaces and routes.
        attachment: which of the interfaces lead to clients and servers.
        values: of its profile, seconds of lab time.
        addresses: of all hosts, by which it reaches them.
        emit: takes the records, from any thread.
        failed: takes the reason if it cannot go on, from any thread.
        rhythm: of the looks at it.
        stirs: tells all who look at the sandbox that something has happened.
    """

    name: str
    network: HostNetwork
    attachment: Attachment
    values: Mapping[str, Any]
    addresses: Mapping[str, str]
    emit: Recorder
    failed: Callable[[str], None]
    rhythm: Rhythm = STEADY
    stirs: Stirs = field(default_factory=Stirs)


@dataclass(frozen=True)
class Engine:
    """A way to play middleboxes.

    Attributes:
        name: as a scenario's `engine` names it.
        verbs: what can be done to its middleboxes.
        cannot: what of a profile's values it cannot play, in words; empty if it can play all.
        build: sets a middlebox up; it lets packets through when this returns.
    """

    name: str
    verbs: frozenset[type[Verb]]
    cannot: Callable[[Mapping[str, Any]], Sequence[str]]
    build: Callable[[MiddleboxSetup], RunningMiddlebox]
