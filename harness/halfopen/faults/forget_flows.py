"""The fault `forget flows`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from halfopen.fields import Endpoint, MiddleboxHost
from halfopen.ports import Fault
from halfopen.verbs import ForgetFlows as ForgetFlowsVerb
from halfopen.verbs import Verb


class ForgetFlows(Fault):
    """The middlebox loses entries, as when an operator clears sessions or a standby takes over.

    No host is notified: a packet of an old flow that arrives afterwards is a late packet, and the
    profile says what happens to it.

    Attributes:
        at: the middlebox.
        of: the host whose flows (those that it opened) are lost; all by default.
        every: only every n-th of them, the oldest is the first.
        most: at most this many, the oldest first; 1 for one flow.
    """

    name = "forget flows"
    summary = "a middlebox silently loses its entries: one flow, some, or all"
    uses = (ForgetFlowsVerb,)
    touches = ("flows",)

    at: MiddleboxHost
    of: Endpoint | None = None
    every: int = Field(default=1, ge=1, le=1_000_000)
    most: int | None = Field(default=None, ge=1, le=1_000_000)

    def verbs(self) -> Sequence[Verb]:
        """Forget them."""
        return (ForgetFlowsVerb(self.at, self.of, self.every, self.most),)
