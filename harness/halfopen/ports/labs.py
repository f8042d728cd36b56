"""What a lab is, and what can be asked of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from halfopen.kernel.scaled import known_here
from halfopen.model.effects import Touched
from halfopen.model.messages import DEFAULT, MessageShape
from halfopen.model.program import ProgramSpec
from halfopen.model.records import Recorder
from halfopen.model.topology import HostNetwork
from halfopen.verbs import Verb

Middlebox = Mapping[str, Any]
"""A profile's values by field name, durations in seconds of lab time."""


Demands = Mapping[str, Collection[type[Verb]]]
"""The kinds of verbs that a run will ask of each host; hosts of which nothing is asked may lack."""


class Lab(Protocol):
    """A world in which one run is played: an asynchronous context manager.

    Leaving it takes away everything that was made in it; so does the death of the process.
    Records come stamped with lab time; `origin` is CLOCK_MONOTONIC when that was zero.
    `libkeepalive` is the path at which its programs find that library, None for where it is
    installed on this machine.
    """

    origin: float
    libkeepalive: str | None

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    def now(self) -> float:
        """Seconds of lab time since the run began."""

    def host_directory(self, host: str) -> Path:
        """Where the lab keeps what the programs of a host say."""

    def disk(self, host: str) -> Path:
        """Where the programs of a host have their files."""

    def sockets(self, host: str) -> Path:
        """Where programs of a host make the Unix sockets that they are fed through."""

    async def build(
        self,
        paths: Sequence[Sequence[str]],
        networks: Mapping[str, HostNetwork],
        middleboxes: Mapping[str, Middlebox],
        sysctls: Mapping[str, Mapping[str, str]],
        demands: Demands,
    ) -> None:
        """Make hosts, links, routes, settings and the middleboxes.

        `demands`: the verbs that will be asked of each host, by which the lab chooses the engine
        that plays a middlebox, and prepares an endpoint for what is to come.  A verb that needs a
        preparation and was not among them is refused.
        """

    async def start(
        self, host: str, program: ProgramSpec, timeout: float = 30.0, *, keep: bool = False
    ) -> int:
        """Start a program; returns its pid when it is ready to work.

        `keep`: one that runs already is left running.
        """

    async def feed(
        self,
        host: str,
        first: int,
        count: int,
        every: float = 0.0,
        background: bool = False,
        form: MessageShape = DEFAULT,
    ) -> None:
        """Write numbered messages to where a host's program takes them from.

        Returns early if it does not read them; what is left is written when it does.
        """

    async def fed(self, patience: float) -> list[str]:
        """Wait until what is fed is written; returns a sentence for each step that is not."""

    async def stop(self, host: str, timeout: float = 5.0) -> None:
        """End a host's programs, by force after `timeout` seconds each."""

    async def apply(self, verb: Verb) -> Touched:
        """Do a verb now; returns what it touched at once."""

    async def touched(self, verb: Verb) -> Touched:
        """What a verb that was applied and goes on has touched so far; nothing once it is over."""

    async def capture(self, directory: Path) -> None:
        """Write from now on what each link carries into a file in `directory`, which is there.

        Only asked of a kind of lab that says that it `captures`.
        """

    async def sample(self) -> None:
        """Record the state of all hosts now; all of it is recorded when this returns."""

    async def finish(self) -> None:
        """Take the last samples."""


def nothing_lacks(_: type[Verb]) -> Sequence[str]:
    """For a lab that can do all its verbs on every machine that it works on."""
    return ()


@dataclass(frozen=True)
class LabKernel:
    """The kernel under a lab's hosts.

    Attributes:
        release: as uname(2) has it, `7.2.13-halfopen`.
        hz: its ticks a second, CONFIG_HZ.
    """

    release: str
    hz: int


@dataclass(frozen=True)
class LabSpec:
    """A kind of lab.

    Attributes:
        name: as `--lab` takes it.
        summary: one line.
        scaled: True if time in it is real, so that production values must be divided.
        verbs: what it can do to a running scenario.
        missing: what keeps it from working on this machine, each with its remedy.
        open: a lab for one run: directory for files, token of the messages, recorder.
        lacks: what this machine lacks for one of the verbs, each with its remedy.
        images: its endpoints are containers: programs come from images, and can be limited; what
            is installed on this machine does not matter.
        engines: the ways in which it can play a middlebox, in the order of preference, each with
            the verbs that can be done to a middlebox that is played so.
        loop: makes the event loop for one run, if time in it is not the machine's: what is played
            in such a lab computes and does not wait.
        blind: what is not seen in it: name of a check -> why it cannot be judged.
        knows_sysctl: whether the kernel under its hosts has a setting of that name.
        kernel: the kernel under its hosts, if it brings its own; histories and reports name it.
        captures: it can write what its links carry into files (:meth:`Lab.capture`).
    """

    name: str
    summary: str
    scaled: bool
    verbs: frozenset[type[Verb]]
    missing: Callable[[], Sequence[str]]
    open: Callable[[Path, str, Recorder], Lab]
    lacks: Callable[[type[Verb]], Sequence[str]] = nothing_lacks
    engines: Mapping[str, frozenset[type[Verb]]] = field(default_factory=dict, hash=False)
    images: bool = False
    captures: bool = False
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None
    blind: Mapping[str, str] = field(default_factory=dict, hash=False)
    knows_sysctl: Callable[[str], bool] = known_here
    kernel: Callable[[], LabKernel] | None = None
