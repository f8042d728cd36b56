"""What configuration files say about connections: what the reader of a product takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath
from typing import ClassVar

from halfopen.errors import InputError, Problem
from halfopen.kernel import Keepalive


@dataclass(frozen=True)
class Source:
    """A configuration file, or what else describes connections.

    Attributes:
        path: as it was given.
        text: its content.
        lines: whether it has lines that a person can look up; a process has none.
    """

    path: str
    text: str
    lines: bool = True

    def line(self, offset: int) -> int:
        """The line of a character, from 1."""
        return self.text.count("\n", 0, offset) + 1

    def end_of_line(self, offset: int) -> int:
        """Where the line of a character ends, before its line break."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def error(self, offset: int, what: str, remedy: str = "") -> InputError:
        """The exception for what is wrong at a character."""
        return InputError([Problem(self.path, self.line(offset), what, remedy)])


@dataclass(frozen=True)
class Edit:
    """Characters from `start` to `end` of a file, and what to write instead."""

    source: Source
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class ConfiguredTimers:
    """Keepalive timers that a file sets, None for the system's.

    Attributes:
        idle: seconds before the first probe.
        interval: seconds between probes.
        probes: number of probes.
    """

    idle: int | None = None
    interval: int | None = None
    probes: int | None = None


@dataclass(frozen=True)
class Sysctls:
    """Sysctls net.ipv4.tcp_*, by default those of Linux (tcp(7)).

    Attributes:
        keepalive: tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes.
        retries2: tcp_retries2; None if no file sets it.
    """

    keepalive: ConfiguredTimers = ConfiguredTimers(7200, 75, 9)
    retries2: int | None = None


@dataclass(frozen=True)
class OwnTraffic:
    """What a program sends by itself on an idle connection.

    Attributes:
        every: seconds of silence after which it is sent at the latest.
        by: the option, and what it does, for a person.
        dead_after: seconds after which a peer that does not answer is given up; None if it is not.
    """

    every: float
    by: str
    dead_after: float | None = None


@dataclass(frozen=True)
class SelfClosing:
    """A program that closes its idle connections itself.

    Attributes:
        after: seconds of silence.
        by: the option, for a person.
    """

    after: float
    by: str


@dataclass(frozen=True)
class Recommended:
    """What to write instead.

    Attributes:
        keepalive: None if no keepalive helps.
        user_timeout_ms: TCP_USER_TIMEOUT that fits it.
        silence: whole seconds, half of the shortest idle timeout: a program that sends something
            this often keeps its connection.
    """

    keepalive: Keepalive | None
    user_timeout_ms: int
    silence: int


@dataclass(frozen=True)
class ConfiguredConnection:
    """A listener or client that a file describes.

    Attributes:
        source: the file.
        offset: of the character where it is described.
        what: it is, for a person: `listener 514 (imtcp)`.
        asks: for keepalive (SO_KEEPALIVE).
        timers: of keepalive.
        user_timeout_ms: TCP_USER_TIMEOUT, 0 for none.
        traffic: that the program sends by itself.
        closes: an idle connection by itself.
        unknown: why it cannot be judged; empty if it can.
        remedy: edits that make a connection as recommended; empty if the product cannot.
        hint: what else is to be done if it is unsafe, or instead if no edit helps.
    """

    source: Source
    offset: int
    what: str
    asks: bool
    timers: ConfiguredTimers = ConfiguredTimers()
    user_timeout_ms: int = 0
    traffic: OwnTraffic | None = None
    closes: SelfClosing | None = None
    unknown: str = ""
    remedy: Callable[[Recommended], Sequence[Edit]] = lambda _: ()
    hint: str = ""

    @property
    def line(self) -> int:
        """Where it is described."""
        return self.source.line(self.offset)

    @property
    def place(self) -> str:
        """`file:line`; only the name of what has no lines."""
        return f"{self.source.path}:{self.line}" if self.source.lines else self.source.path


class ConfigReader(ABC):
    """Reader of the configuration files of a product.

    Attributes:
        name: of the product, for `--config NAME=FILE`.
        files: patterns of paths (fnmatch) that are surely its own.
        guest: what it reads is found in files of other products, which come first.
    """

    name: ClassVar[str]
    files: ClassVar[Sequence[str]]
    guest: ClassVar[bool] = False

    def owns(self, path: str) -> bool:
        """Whether a file of this name is the product's."""
        return any(fnmatch(PurePath("/", path).as_posix(), f"*/{each}") for each in self.files)

    @abstractmethod
    def recognises(self, text: str) -> bool:
        """Whether a file with this content is the product's, whatever its name."""

    @abstractmethod
    def read(self, sources: Sequence[Source]) -> Iterable[ConfiguredConnection]:
        """The connections that these files describe together.

        Raises:
            InputError: a file does not parse.
        """

    def system(self, sources: Sequence[Source]) -> Sysctls | None:  # noqa: ARG002
        """The sysctls that these files set; None if the product sets none.

        Raises:
            InputError: a file does not parse.
        """
        return None
