"""What a system under test is, and what it may know when its program is to be started."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from halfopen.fields import Section, Timer, host_references
from halfopen.model.program import ProgramSpec

Role = Literal["sender", "receiver", "proxy"]


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
        seed: for the random choices of the program.
        base: the directory of the scenario file, relative to which it names files; empty if there
            is no such file.
        ledger_directory: absolute; for what is written for halfopen alone (ledger, configuration,
            log): no fault of a disk reaches it.  Empty for `directory`.
        contained: its programs run in containers: what is installed here is not what they find.
        sockets: absolute, its path short; for Unix sockets through which the lab feeds programs.
    """

    host: str
    address: str
    addresses: Mapping[str, str]
    directory: str
    seed: int
    base: str = ""
    ledger_directory: str = ""
    contained: bool = False
    sockets: str = "/run"


@dataclass(frozen=True)
class Product:
    """A third-party program that systems run.

    Attributes:
        name: of the product, for people.
        packages: how to install it, in words: `apt-get install rsyslog rsyslog-relp`.
        version: what is found on this machine, None if nothing is.
    """

    name: str
    packages: str
    version: Callable[[], str | None]


class System(Section):
    """A system under test with its options: a program that a scenario can run on a host.

    A subclass has its options as fields, and its page's text and the meaning of each option (under
    `Attributes:`) in its docstring.  Durations in it are lab time when `program` is called.

    Attributes:
        name: as a scenario's `run` names it, for example `relpio send`.
        summary: one line.
        role: sender or receiver: whether messages go in or come out; or proxy: it stands between
            the two, terminates every TCP connection and opens another one.
        product: what it runs, if that is a third-party program; for `halfopen doctor`.
        image: one of ours that holds it, for labs that run containers; None if it comes with
            halfopen itself, or there is none.
        hourly_s: seconds for which a processor computes in an hour in which the program has
            nothing to do; 0 if it sleeps then.  On virtual time that is what such an hour costs.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    role: ClassVar[Role]
    product: ClassVar[Product | None] = None
    image: ClassVar[str | None] = None
    hourly_s: ClassVar[float] = 0.0

    @abstractmethod
    def program(self, context: SystemContext) -> ProgramSpec | Sequence[ProgramSpec]:
        """How it is started.

        Several programs if it needs others beside it, in the order of their start: faults, and
        `stop`, are about the last.
        """
        raise NotImplementedError

    def programs(self, context: SystemContext) -> tuple[ProgramSpec, ...]:
        """All programs to start, in their order."""
        found = self.program(context)
        return (found,) if isinstance(found, ProgramSpec) else tuple(found)

    def timers(self) -> Sequence[Timer]:
        """Durations of this system that decide verdicts; none by default."""
        return ()

    def missing(self) -> Sequence[str]:
        """What this machine lacks to run it with such options, each with its remedy."""
        return ()

    def image_required(self) -> str | None:
        """Why such options need an image that the scenario names, None if they do not."""
        return None

    def image_unsupported(self) -> str | None:
        """Why `image` cannot run it with such options, None if it can."""
        return None

    def hosts(self) -> tuple[str, ...]:
        """All host names in the options, in their order, each once."""
        return tuple(dict.fromkeys(name for found in host_references(self) for name in found.names))

    @classmethod
    def about(cls) -> str:
        """The text of its page: its docstring, without the attributes."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0]
