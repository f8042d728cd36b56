"""What an action is, and what it may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from halfopen.labs.agent.engines import RunningMiddlebox
from halfopen.labs.agent.environment import LaunchEnvironment
from halfopen.labs.agent.programs import Program
from halfopen.labs.agent.resolver import Resolver
from halfopen.model.effects import NOTHING, Touched
from halfopen.model.program import ProgramSpec
from halfopen.model.records import Record
from halfopen.model.topology import HostNetwork
from halfopen.verbs import Verb


class ActionContext(Protocol):
    """The running scenario, as an action sees it."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Of all hosts, by name."""

    @property
    def networks(self) -> Mapping[str, HostNetwork]:
        """Of all hosts, by name."""

    @property
    def middleboxes(self) -> Mapping[str, RunningMiddlebox]:
        """The middleboxes by name."""

    def program(self, host: str) -> Program:
        """The program that was started on a host last.

        Raises:
            LabError: if nothing was.
        """

    async def start(self, host: str, spec: ProgramSpec, timeout: float = 30.0) -> int:
        """Start a program and wait until it is ready; returns its pid.

        Raises:
            LabError: if it ends before, or takes longer than `timeout` seconds.
        """

    def directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say."""

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files."""

    @property
    def resolvers(self) -> Mapping[str, Resolver]:
        """Who answers the endpoints when they look up a name, by host."""

    @property
    def kept(self) -> dict[tuple[str, str], Any]:
        """What actions keep for their undoing, by what it is and the host."""

    def emit(self, record: Record) -> None:
        """Record something now; from any thread."""


def nothing_lacks() -> Sequence[str]:
    """For what every machine that can run the lab can do."""
    return ()


async def nothing_more(_: Any, __: ActionContext) -> Touched:
    """For what touches all at once, or nothing."""
    return NOTHING


async def nothing_to_prepare(_: str, __: Collection[str], ___: ActionContext) -> LaunchEnvironment:
    """For what can be done to any host at any time."""
    return LaunchEnvironment()


@dataclass(frozen=True)
class Action:
    """How a verb is done.

    Attributes:
        verb: its class.
        do: does it; returns what it touched at once, for the fault's record.
        lacks: what this machine lacks for it, each with its remedy; asked outside the sandbox.
        prepare: makes an endpoint ready for it before its programs are started, if the plan will
            ask for it (host, names of all verbs that will be asked of it, context).
        touched: what it has touched so far, for what goes on; nothing once it is over.
    """

    verb: type[Verb]
    do: Callable[[Any, ActionContext], Awaitable[Touched]]
    lacks: Callable[[], Sequence[str]] = nothing_lacks
    prepare: Callable[[str, Collection[str], ActionContext], Awaitable[LaunchEnvironment]] = (
        nothing_to_prepare
    )
    touched: Callable[[Any, ActionContext], Awaitable[Touched]] = nothing_more
