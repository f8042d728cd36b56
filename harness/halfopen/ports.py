"""What the layers ask of each other, as small protocols and descriptions.

Whoever adds a checker, fault, system or lab writes one module that holds one of these; the
package that it lies in finds it (see :mod:`halfopen.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from halfopen.fields import Section, Timer
from halfopen.model.history import History, Record
from halfopen.model.messages import USUAL, Form
from halfopen.model.program import Feed as Feed
from halfopen.model.program import ProgramSpec as ProgramSpec
from halfopen.model.program import Ready as Ready
from halfopen.model.topology import HostNetwork
from halfopen.model.verdict import Evidence, Verdict
from halfopen.verbs import Verb


@dataclass(frozen=True)
class Finding:
    """What a checker's pure function returns; the caller adds name, label and line.

    Attributes:
        verdict: pass, fail or unknown.
        observed: the figure that was held against the bound, None where there is none.
        bound: what was asked for, in words.
        why: one or two sentences for a person.
        evidence: the facts behind it.
    """

    verdict: Verdict
    observed: float | None
    bound: str
    why: str
    evidence: tuple[Evidence, ...] = ()


def no_timers(_: Any) -> Sequence[Timer]:
    """For whatever has no duration that could decide a verdict."""
    return ()


def no_hosts(_: Any) -> Sequence[str]:
    """For whatever names no host."""
    return ()


def nothing_running(_: Any) -> Sequence[tuple[str, str]]:
    """For a fault that does not mind what its hosts run."""
    return ()


def no_neighbours(_: Any) -> Sequence[tuple[str, str]]:
    """For whatever names no link."""
    return ()


def nothing_missing(_: Any) -> Sequence[str]:
    """For a system that comes with us."""
    return ()


def no_options(_: Any) -> tuple[str, Mapping[str, Any]] | None:
    """For a fault that changes no options."""
    return None


def no_schedule(_: Any) -> Sequence[tuple[float, Verb]]:
    """For a fault that does not change while it lasts."""
    return ()


def no_verbs(_: Any) -> Sequence[Verb]:
    """For a fault that has nothing to heal."""
    return ()


@dataclass(frozen=True)
class CheckSpec:
    """A checker.

    Attributes:
        name: as a scenario's `expect` names it.
        summary: one line.
        params: what it can be asked; durations in it are scaled to lab time before `judge`.
        judge: the pure function of history and parameters (an instance of `params`).
        hosts: the host names in the parameters, so that the loader can check them.
        timers: the bounds that the time scale must keep in order.
        silent: it is about what becomes of a TCP connection when a middlebox drops it silently:
            the loader refuses it at a host of which no connection goes through a middlebox.
    """

    name: str
    summary: str
    params: type[Section]
    judge: Callable[[History, Any], Finding]
    hosts: Callable[[Any], Sequence[str]] = no_hosts
    timers: Callable[[Any], Sequence[Timer]] = no_timers
    silent: bool = False


@dataclass(frozen=True)
class SystemContext:
    """What a system may know when it says how its program is started.

    Attributes:
        host: the host's name.
        address: its own, IPv4 or IPv6.
        addresses: the addresses of all hosts by name, as this host must use them: behind a
            middlebox that translates destinations, that of the middlebox.
        directory: its own directory for files, existing, absolute: the disk of its host, which
            faults of disks are about.
        seed: for whatever is random in the program.
        base: the directory of the scenario file, relative to which it names files; empty if there
            is no such file.
        contained: its programs run in containers: what is installed here is not what they find.
        sockets: absolute, its path short; for Unix sockets through which the lab feeds programs.
        notes: absolute; for what is written for halfopen alone, as a ledger is: no fault of a disk
            reaches it.
    """

    host: str
    address: str
    addresses: Mapping[str, str]
    directory: str
    seed: int
    base: str = ""
    notes: str = ""
    contained: bool = False
    sockets: str = "/run"


def needs_no_image(_: Any) -> None:
    """For a system that is the same with an image and without."""


@dataclass(frozen=True)
class Product:
    """A program of others that systems run.

    Attributes:
        name: of the product, for people.
        packages: how to install it, in words: `apt-get install rsyslog rsyslog-relp`.
        version: what is found on this machine, None if nothing is.
    """

    name: str
    packages: str
    version: Callable[[], str | None]


@dataclass(frozen=True)
class SystemSpec:
    """A system under test: a program with options that a scenario may set.

    Attributes:
        name: as a scenario's `run` names it, for example `relpio send`.
        summary: one line.
        role: sender or receiver: whether messages go in or come out; or proxy: it stands between
            the two, ends every TCP connection and opens another one.
        options: what a scenario may set.
        program: how it is started (options, context); several if it needs others beside it, in
            the order of their start: faults, and `stop`, are about the last.
        hosts: names of other hosts that the options mention.
        timers: durations of this system that decide verdicts.
        missing: what this machine lacks to run it with such options, each with its remedy.
        product: what it runs, if that is somebody else's; for `halfopen doctor`.
        needs_image: why such options need an image that the scenario names, None if they do not.
        beyond_image: why `image` cannot run it with such options, None if it can.
        image: one of ours that holds it, for labs that run containers; None if it comes with
            halfopen itself, or there is none.
    """

    name: str
    summary: str
    role: str
    options: type[Section]
    program: Callable[[Any, SystemContext], ProgramSpec | Sequence[ProgramSpec]]
    hosts: Callable[[Any], Sequence[str]] = no_hosts
    timers: Callable[[Any], Sequence[Timer]] = no_timers
    missing: Callable[[Any], Sequence[str]] = nothing_missing
    product: Product | None = None
    needs_image: Callable[[Any], str | None] = needs_no_image
    beyond_image: Callable[[Any], str | None] = needs_no_image
    image: str | None = None

    def programs(self, options: Any, context: SystemContext) -> tuple[ProgramSpec, ...]:
        """All programs to start, in their order."""
        found = self.program(options, context)
        return (found,) if isinstance(found, ProgramSpec) else tuple(found)


@dataclass(frozen=True)
class FaultSpec:
    """A fault: compiled to verbs, so that it knows no lab.

    Attributes:
        name: as a scenario's `fault` step names it.
        summary: one line.
        params: its parameters.
        verbs: the verbs that it comes to (see :mod:`halfopen.verbs`).
        heal: the verbs that end it; none for what is over at once.
        schedule: more verbs for later, each with the seconds after its beginning, in their order;
            it is healed after the last of them, unless it is told how it ends.
        middleboxes: host names in the parameters that must be middleboxes.
        endpoints: host names in the parameters that must be endpoints.
        neighbours: pairs of host names in the parameters that must be joined by a link.
        anywhere: host names in the parameters that may be of either kind.
        running: host names in the parameters, each with the system that it must run.
        options: a host, and options of its system that it has from then on, as a scenario writes
            them: the program that a `RestartProgram` starts has them.
    """

    name: str
    summary: str
    params: type[Section]
    verbs: Callable[[Any], Sequence[Verb]]
    heal: Callable[[Any], Sequence[Verb]] = no_verbs
    schedule: Callable[[Any], Sequence[tuple[float, Verb]]] = no_schedule
    middleboxes: Callable[[Any], Sequence[str]] = no_hosts
    endpoints: Callable[[Any], Sequence[str]] = no_hosts
    neighbours: Callable[[Any], Sequence[tuple[str, str]]] = no_neighbours
    anywhere: Callable[[Any], Sequence[str]] = no_hosts
    running: Callable[[Any], Sequence[tuple[str, str]]] = nothing_running
    options: Callable[[Any], tuple[str, Mapping[str, Any]] | None] = no_options

    def every_verb(self, params: Any) -> tuple[Verb, ...]:
        """What it comes to, its healing included."""
        later = [verb for _, verb in self.schedule(params)]
        return (*self.verbs(params), *later, *self.heal(params))

    def hosts(self, params: Any) -> tuple[str, ...]:
        """All host names in the parameters."""
        pairs = [name for pair in self.neighbours(params) for name in pair]
        systems = [name for name, _ in self.running(params)]
        somewhere = (*self.middleboxes(params), *self.endpoints(params), *self.anywhere(params))
        return (*somewhere, *pairs, *systems)


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

    systems: Mapping[str, SystemSpec]
    checks: Mapping[str, CheckSpec]
    faults: Mapping[str, FaultSpec]
    profiles: Mapping[str, Profile]


Recorder = Callable[[Record], None]
"""Takes one record of the history."""

Middlebox = Mapping[str, Any]
"""A profile's values by field name, durations in seconds of lab time."""


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
        path: Sequence[str],
        networks: Mapping[str, HostNetwork],
        middleboxes: Mapping[str, Middlebox],
        sysctls: Mapping[str, Mapping[str, str]],
        demands: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Make hosts, links, routes, settings and the middleboxes.

        `demands`: names of the verbs that will be asked of each host, by which the lab chooses
        the engine that plays a middlebox, and prepares an endpoint for what is to come.
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
        form: Form = USUAL,
    ) -> None:
        """Write numbered messages to where a host's program takes them from."""

    async def fed(self, patience: float) -> None:
        """Wait until what is fed in the background is written."""

    async def stop(self, host: str, timeout: float = 5.0) -> None:
        """End a host's programs, by force after `timeout` seconds each."""

    async def apply(self, verb: Verb) -> list[str]:
        """Do a verb now; returns the flows that it touched."""

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
