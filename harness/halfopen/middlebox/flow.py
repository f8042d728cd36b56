"""One flow: what a middlebox has seen of it, and how long that keeps it alive.

What is not modelled: windows (a segment beyond the window is taken as any other), simultaneous
open, SYN cookies, and that Linux also shortens a life after the same segment was repeated three
times (nf_ct_tcp_max_retrans).  A RST is believed only if its sequence number is what the
other side waits for, since a blind one is how a stranger would end a flow (RFC 5961, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from halfopen.middlebox.packet import Addresses, Flags, Packet, Side, after, before_by_one
from halfopen.middlebox.policy import Policy


class State(Enum):
    """Where in its life a flow is."""

    OPENING = "opening"
    ESTABLISHED = "established"
    HALF_CLOSED = "half-closed"
    TIME_WAIT = "time-wait"
    RESET = "reset"


@dataclass(slots=True)
class Speaker:
    """What was seen of one side: what it sent, and how far it acknowledged the other."""

    sent: int | None = None
    acked: int | None = None
    closed: bool = False


@dataclass(slots=True)
class TrackedFlow:
    """An entry of the table.

    Attributes:
        inside: addresses of a packet from inside, on the inside.
        outside: addresses of the same packet as it leaves to the outside.
        opener: who sent the first packet.
        state: where it is in its life.
        assured: whether both sides were heard.
        picked_up: whether it was taken over in mid-stream.
        deadline: when it is forgotten, unless a packet comes; None for never.
        since: when it began.
        last: when a packet last counted.
        number: of those that its table has known, in the order of their beginning.
        speakers: what was seen of each side.
    """

    inside: Addresses
    outside: Addresses
    opener: Side
    state: State = State.OPENING
    assured: bool = False
    picked_up: bool = False
    deadline: float | None = None
    since: float = 0.0
    last: float = 0.0
    number: int = 0
    speakers: dict[Side, Speaker] = field(
        default_factory=lambda: {Side.INSIDE: Speaker(), Side.OUTSIDE: Speaker()}
    )

    @property
    def opened(self) -> Addresses:
        """The addresses of its first packet, as it came in: from the client to the server."""
        return self.inside if self.opener is Side.INSIDE else self.outside.reverse

    @property
    def closing(self) -> bool:
        """Whether one of its ends has ended it, or both have."""
        return self.state in (State.HALF_CLOSED, State.TIME_WAIT, State.RESET)

    def leaving(self, side: Side) -> Addresses:
        """The addresses that a packet from `side` carries on the other side."""
        return self.outside if side is Side.INSIDE else self.inside.reverse

    def alive(self, now: float) -> bool:
        """Whether it is known at `now`; not any more at the very end of its time."""
        return self.deadline is None or now < self.deadline

    @property
    def unacknowledged(self) -> bool:
        """Whether one side has sent what the other has not acknowledged."""
        for side, speaker in self.speakers.items():
            acked = self.speakers[side.other].acked
            if speaker.sent is not None and acked is not None and after(speaker.sent, acked):
                return True
        return False

    def is_keepalive(self, packet: Packet, side: Side) -> bool:
        """Whether it is a keepalive probe, or a bare acknowledgement that says nothing new.

        A probe has the sequence number before the next, and at most one octet (RFC 9293, section
        3.8.4); its answer acknowledges what was acknowledged before.
        """
        if packet.flags != Flags.ACK or packet.length > 1:
            return False
        speaker = self.speakers[side]
        if speaker.sent is not None and before_by_one(packet.seq, speaker.sent):
            return True
        return packet.length == 0 and packet.ack == speaker.acked

    def see(self, packet: Packet, side: Side, now: float, policy: Policy) -> None:
        """Take note of a packet that belongs to it."""
        quiet = not policy.keepalive_refreshes and self.is_keepalive(packet, side)
        if side is not self.opener:
            self.assured = True
        before = self.state
        believed = self._follow(packet, side)
        counts = (
            policy.refreshed_by in ("both sides", side.value)
            or self.state is not before
            or now == self.since
        )
        if quiet or not believed or not counts:
            return
        self.last = now
        lasts = self.lasts(policy)
        self.deadline = None if lasts is None else now + lasts
        if (end := self.oldest(policy)) is not None:
            self.deadline = end if self.deadline is None else min(self.deadline, end)

    def oldest(self, policy: Policy) -> float | None:
        """When it is forgotten at the latest, however busy; None for never."""
        return None if policy.lifetime is None else self.since + policy.lifetime

    def _follow(self, packet: Packet, side: Side) -> bool:
        """Learn from a packet; False if it may be a stranger's, and so says nothing."""
        me, you = self.speakers[side], self.speakers[side.other]
        if packet.flags & Flags.RST:
            expected = (you.acked, me.sent) if you.acked is not None else (packet.seq,)
            if packet.seq not in expected and self.state is not State.OPENING:
                return False
            self.state = State.RESET
            return True
        if packet.opens:
            # A SYN in an established flow passes and does not count: the end that it is meant for
            # answers, and that counts (Linux, nf_conntrack_proto_tcp.c, the state sIG).
            if self.state is not State.OPENING:
                return False
            if side is self.opener:
                me.sent = packet.end
            return True
        if me.sent is None or after(packet.end, me.sent):
            me.sent = packet.end
        if packet.flags & Flags.ACK and (me.acked is None or after(packet.ack, me.acked)):
            me.acked = packet.ack
        me.closed = me.closed or bool(packet.flags & Flags.FIN)
        self._advance(side)
        return True

    def _advance(self, side: Side) -> None:
        me, you = self.speakers[side], self.speakers[side.other]
        if self.state in (State.RESET, State.TIME_WAIT):
            return
        answered = you.sent is not None and me.acked is not None
        if self.state is State.OPENING and side is self.opener and answered:
            self.state = State.ESTABLISHED  # by the third packet of the handshake
        if me.closed and you.closed:
            self.state = State.TIME_WAIT
        elif me.closed or you.closed:
            self.state = State.HALF_CLOSED

    def lasts(self, policy: Policy) -> float | None:
        """Seconds that it lives on after a packet, None forever."""
        match self.state:
            case State.ESTABLISHED:
                limit = policy.idle_timeout
            case State.OPENING:
                limit = policy.half_open
            case State.HALF_CLOSED:
                limit = policy.half_closed
            case State.TIME_WAIT:
                limit = policy.time_wait
            case State.RESET:
                limit = policy.after_rst
        if policy.unacknowledged is None:
            return limit
        waiting = self.unacknowledged or (self.picked_up and not self.assured)
        if not waiting:
            return limit
        return policy.unacknowledged if limit is None else min(limit, policy.unacknowledged)
