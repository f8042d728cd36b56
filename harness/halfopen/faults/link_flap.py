"""The fault `link flap`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.fields import Link, PositiveDuration
from halfopen.ports import Fault
from halfopen.verbs import SetLink, Verb


class LinkFlap(Fault):
    """A link goes down and up repeatedly, as with a bad plug or a port that renegotiates.

    Attributes:
        between: two neighbours.
        down: how long the link is down each time.
        up: how long it is up between two times.
        times: how often it goes down; it is up in the end.
    """

    name = "link flap"
    summary = "the link between two neighbours goes down and up again, several times"
    uses = (SetLink,)
    touches = ("links",)

    between: Link
    down: PositiveDuration
    up: PositiveDuration
    times: int = Field(default=3, ge=1, le=1000)

    def verbs(self) -> Sequence[Verb]:
        """Down for the first time."""
        return (SetLink(self.between, up=False),)

    def schedule(self) -> Sequence[tuple[float, Verb]]:
        """Up, down, up, ..."""
        period = self.down + self.up
        changes: list[tuple[float, Verb]] = []
        for time in range(self.times):
            if time:
                changes.append((time * period, SetLink(self.between, up=False)))
            changes.append((time * period + self.down, SetLink(self.between, up=True)))
        return changes

    def heal(self) -> Sequence[Verb]:
        """Up for good."""
        return (SetLink(self.between, up=True),)
