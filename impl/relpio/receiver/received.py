"""Messages that came together, with where and when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from relpio.syslog import SyslogHeader, parse_header

__all__ = ["Received"]


class Received:
    """Messages of one sender, at least one, in order.

    Attributes:
        peer: the sender's address, or `unix`.
        time: when they came: Unix time in seconds.
        messages: as they came.
    """

    def __init__(self, peer: str, time: float, messages: Sequence[bytes]) -> None:
        """Hold them; nothing is looked at before somebody asks."""
        self.peer = peer
        self.time = time
        self.messages = messages

    @cached_property
    def headers(self) -> list[SyslogHeader]:
        """What the header of each message says."""
        return [parse_header(message) for message in self.messages]

    def only(self, places: Sequence[int]) -> Received:
        """Return some of the messages, by their places in the list, which rise."""
        if len(places) == len(self.messages):
            return self
        part = Received(self.peer, self.time, [self.messages[place] for place in places])
        if "headers" in self.__dict__:
            part.headers = [self.headers[place] for place in places]
        return part
