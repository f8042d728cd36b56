"""The fast path of plain segments: one direction of an established flow.

Nearly all packets are data or acknowledgements of flows that are established, and change nothing
but two sequence numbers and a deadline.  For them a :class:`FastPath` does what
:meth:`FlowTable.handle` does, without objects for the packet and the verdict, and once for all
packets of one moment; all others take the slow path.
"""

from __future__ import annotations

from halfopen.middlebox.flow import State, TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Side
from halfopen.middlebox.policy import Policy


def allowed(policy: Policy) -> bool:
    """Whether every plain segment of an established flow does the same to it."""
    return (
        policy.keepalive_refreshes
        and policy.refreshed_by == "both sides"
        and policy.lifetime is None
        and policy.unacknowledged is None
        and (policy.idle_timeout is None or policy.idle_timeout > 0)
    )


class FastPath:
    """The packets of `flow` that come from `side`."""

    __slots__ = ("_flow", "_me", "_table")

    def __init__(self, table: FlowTable, flow: TrackedFlow, side: Side) -> None:
        self._table = table
        self._flow = flow
        self._me = flow.speakers[side]

    def position(self) -> tuple[int, int] | None:
        """Where the side is, what it sent and acknowledged; None if there is no fast path now."""
        me = self._me
        if self._flow.state is not State.ESTABLISHED or not self._flow.assured:
            return None
        return None if me.sent is None or me.acked is None else (me.sent, me.acked)

    def advance(self, sent: int, acked: int, now: float) -> None:
        """Segments have passed at `now`, which leave the side at this position.

        The flow must not be over at `now`, see :meth:`FlowTable.expire`.
        """
        flow, idle = self._flow, self._table.policy.idle_timeout
        self._me.sent, self._me.acked = sent, acked
        flow.last = now
        flow.deadline = None if idle is None else now + idle
        self._table.counted(flow)
