"""The system `command send`."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator

from halfopen.fields import Section
from halfopen.model.program import FeedKind
from halfopen.ports import Feed, ProgramSpec, SystemContext
from halfopen.systems._command import Command, path

_KINDS: dict[str, FeedKind] = {
    "file": "file",
    "tcp": "tcp",
    "udp": "udp",
    "unix_stream": "unix stream",
    "unix_datagram": "unix datagram",
}


class FeedOptions(Section):
    """Where the program takes its messages from: one of these.

    Attributes:
        file: to which lines are appended.
        tcp: port of 127.0.0.1 to which lines are written.
        udp: port of 127.0.0.1 to which datagrams are sent.
        unix_stream: path of a Unix socket to which lines are written.
        unix_datagram: path of a Unix socket to which datagrams are sent.
    """

    file: str | None = None
    tcp: int | None = Field(default=None, ge=1, le=65535)
    udp: int | None = Field(default=None, ge=1, le=65535)
    unix_stream: str | None = None
    unix_datagram: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            names = "file, tcp, udp, unix stream, unix datagram"
            raise ValueError(f"feed takes one of {names}; leave it out for standard input")
        return self


class CommandSend(Command):
    """Any program that takes messages and sends them.

    Attributes:
        feed: where it takes its messages from; its standard input by default.
    """

    name = "command send"
    summary = "any program that takes messages and sends them"
    role = "sender"

    feed: FeedOptions | None = None

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        return replace(super().program(context), feed=_feed(self.feed, context))


def _feed(given: FeedOptions | None, context: SystemContext) -> Feed:
    if given is None:
        return Feed()
    ((name, value),) = given.model_dump(exclude_none=True).items()
    kind = _KINDS[name]
    return Feed(kind, port=value) if kind in ("tcp", "udp") else Feed(kind, path(value, context))
