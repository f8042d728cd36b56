"""What an action is, and what it may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from halfopen.labs.netns.boxes import Box
from halfopen.labs.netns.programs import Program
from halfopen.model.topology import HostNetwork
from halfopen.verbs import Verb


class Sandbox(Protocol):
    """The running scenario, as an action sees it."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Of all hosts, by name."""

    @property
    def networks(self) -> Mapping[str, HostNetwork]:
        """Of all hosts, by name."""

    @property
    def boxes(self) -> Mapping[str, Box]:
        """The middleboxes by name."""

    def program(self, host: str) -> Program:
        """The program that was started on a host last.

        Raises:
            LabError: if nothing was.
        """

    def directory(self, host: str) -> Path:
        """Where the programs of a host have their files."""

    def emit(self, record: Mapping[str, Any]) -> None:
        """Record something now; from any thread."""


def nothing_lacks() -> Sequence[str]:
    """For what every machine that can run the lab can do."""
    return ()


@dataclass(frozen=True)
class Action:
    """How a verb is done.

    Attributes:
        verb: its class.
        do: does it; returns what it touched, for the fault's record.
        lacks: what this machine lacks for it, each with its remedy; asked outside the sandbox.
    """

    verb: type[Verb]
    do: Callable[[Any, Sandbox], Awaitable[Sequence[str]]]
    lacks: Callable[[], Sequence[str]] = nothing_lacks
