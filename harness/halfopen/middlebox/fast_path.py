"""The fast path of plain segments: one direction of an established flow.

Nearly all packets are data or acknowledgements of flows that are established, and change nothing
but two sequence numbers and a deadline.  For them a :class:`FastPath` does exactly what
:meth:`FlowTable.handle` does, without making objects for the packet and the verdict; for all
others it says no, and the slow path is taken.
"""

from __future__ import annotations

from halfopen.middlebox.flow import State, TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Flags, Side

_ENDS = Flags.SYN | Flags.FIN | Flags.RST | Flags.ACK
_CIRCLE = (1 << 32) - 1
_HALF = 1 << 31


class FastPath:
    """The packets of `flow` that come from `side`."""

    __slots__ = ("_me", "_table", "flow")

    def __init__(self, table: FlowTable, flow: TrackedFlow, side: Side) -> None:
        self._table = table
        self.flow = flow
        self._me = flow.speakers[side]

    def advance(self, flags: int, seq: int, ack: int, length: int, now: float) -> bool:
        """Take note of a segment that passes; False, and nothing noted, if it is no plain one."""
        flow, policy, me = self.flow, self._table.policy, self._me
        if (
            flags & _ENDS != Flags.ACK
            or flow.state is not State.ESTABLISHED
            or not flow.assured
            or not policy.keepalive_refreshes
            or policy.refreshed_by != "both sides"
            or policy.lifetime is not None
            or policy.unacknowledged is not None
            or me.sent is None
            or me.acked is None
        ):
            return False
        if flow.deadline is not None and now >= flow.deadline:
            return False
        end = (seq + length) & _CIRCLE
        if 0 < (end - me.sent) & _CIRCLE < _HALF:
            me.sent = end
        if 0 < (ack - me.acked) & _CIRCLE < _HALF:
            me.acked = ack
        flow.last = now
        flow.deadline = None if policy.idle_timeout is None else now + policy.idle_timeout
        self._table.counted(flow)
        return True
