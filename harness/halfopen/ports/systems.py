"""What a system under test is, and what it may know when its program is to be started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.fields import Section, Timer
from halfopen.model.program import ProgramSpec
from halfopen.ports._nothing import no_hosts, no_timers


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


def nothing_missing(_: Any) -> Sequence[str]:
    """For a system that comes with us."""
    return ()


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
