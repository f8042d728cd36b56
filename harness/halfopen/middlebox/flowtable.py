"""The flow table of a middlebox: no clock, no sockets, no randomness.

Facts of a packet and the time go in; a verdict comes out, and whatever the middlebox sends by
itself.  The same packets at the same times give the same verdicts.  :meth:`FlowTable.next_expiry`
says when to come back; whoever comes late loses nothing but the time of what should have been
sent then, because a flow that is over is over for every packet.

Times are seconds on any one clock, and must not go backwards.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator

from halfopen.middlebox.flow import State, TrackedFlow
from halfopen.middlebox.nat import NoTranslation, Translator
from halfopen.middlebox.packet import Addresses, Flags, Packet, Side, reset_for
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import Cause, FlowListener, PacketAction, PacketVerdict, Sent

_Index = dict[Addresses, TrackedFlow]


class FlowTable:
    """The flows that a middlebox knows.

    Args:
        policy: how it treats them; may be exchanged at any time, and then holds for a flow from
            its next packet on.
        translator: chooses addresses, by default it leaves them alone.
        listener: is told what becomes of flows.
    """

    def __init__(
        self,
        policy: Policy,
        translator: Translator | None = None,
        listener: FlowListener | None = None,
    ) -> None:
        self.policy = policy
        self._listener = listener
        self._translator: Translator = translator or NoTranslation()
        self._by_side: dict[Side, _Index] = {Side.INSIDE: {}, Side.OUTSIDE: {}}
        # Both in the order of the last packet that counted, the oldest first.
        self._flows: OrderedDict[int, TrackedFlow] = OrderedDict()
        self._unassured: OrderedDict[int, TrackedFlow] = OrderedDict()
        self._of_source: Counter[str] = Counter()
        # Deadlines, some of them out of date: a flow's own is what counts.
        self._deadlines: list[tuple[float, int, TrackedFlow]] = []
        self._queued: dict[int, float] = {}
        self._serial = itertools.count()
        self._begun = itertools.count(1)

    def __len__(self) -> int:
        return len(self._flows)

    def __iter__(self) -> Iterator[TrackedFlow]:
        return iter(tuple(self._flows.values()))

    def handle(self, packet: Packet, side: Side, now: float) -> PacketVerdict:
        """What becomes of a packet that comes from `side` at `now`."""
        gone = self.expire(now)
        flow = self._by_side[side].get(packet.addresses)
        if flow is not None and packet.opens and flow.state in (State.TIME_WAIT, State.RESET):
            if self.policy.port_reuse == "drop":
                return PacketVerdict(PacketAction.DROP, None, gone, "port of a closed flow", flow)
            self._remove(flow, "closed")  # the same addresses are used again
            flow = None
        if flow is not None:
            return self._known(flow, packet, side, now, gone)
        if packet.opens:
            return self._new(packet, side, now, gone, State.OPENING)
        return self._late(packet, side, now, gone)

    def find(self, addresses: Addresses, side: Side, now: float) -> TrackedFlow | None:
        """The flow that a packet from `side` with these addresses belongs to, if it is known."""
        flow = self._by_side[side].get(addresses)
        return flow if flow is not None and flow.alive(now) else None

    def translate(self, addresses: Addresses) -> Addresses:
        """The addresses outside that a new flow from inside would get, were all of them free."""
        return self._translator.choose(addresses, lambda _: False) or addresses

    def owns(self, addresses: Addresses) -> bool:
        """Whether a packet from outside is addressed to the middlebox rather than to a host."""
        return self._translator.owns(addresses)

    def counted(self, flow: TrackedFlow) -> None:
        """A packet of a known flow has counted: it is the latest, and its deadline another."""
        self._flows.move_to_end(id(flow))
        if id(flow) in self._unassured:
            if flow.assured:
                del self._unassured[id(flow)]
            else:
                self._unassured.move_to_end(id(flow))
        self._queue(flow)

    def next_expiry(self) -> float | None:
        """When the next flow is over, unless a packet comes; None if none ever is."""
        while self._deadlines:
            deadline, _, flow = self._deadlines[0]
            if id(flow) in self._flows and flow.deadline == deadline:
                return deadline
            self._requeue()
        return None

    def expire(self, now: float) -> tuple[Sent, ...]:
        """Forget the flows that are over at `now`; returns what their ends are told."""
        sent: list[Sent] = []
        while (deadline := self.next_expiry()) is not None and deadline <= now:
            flow = self._deadlines[0][2]
            self._remove(flow, self._cause(flow))
            sent += self._farewell(flow)
        return tuple(sent)

    def _cause(self, flow: TrackedFlow) -> Cause:
        """Why a flow ends whose time is over."""
        if flow.closing:
            return "closed"
        return "expired" if flow.deadline != flow.oldest(self.policy) else "lifetime"

    def forget(self, which: Callable[[TrackedFlow], bool] = lambda _: True) -> list[TrackedFlow]:
        """Lose flows without telling anybody; returns them."""
        gone = [flow for flow in self if which(flow)]
        for flow in gone:
            self._remove(flow, "forgotten")
        return gone

    def rebind(self, which: Callable[[TrackedFlow], bool] = lambda _: True) -> list[TrackedFlow]:
        """Give translated flows other addresses outside, as a NAT does that forgot and met them.

        Returns those that have got others; a flow for which there are none keeps its own.
        """
        changed = []
        for flow in [flow for flow in self if which(flow)]:
            outside = self._by_side[Side.OUTSIDE]
            fresh = self._translator.choose(flow.inside, lambda a: a.reverse in outside)  # noqa: B023
            if fresh is None or fresh == flow.outside:
                continue
            del outside[flow.outside.reverse]
            flow.outside = fresh
            outside[fresh.reverse] = flow
            changed.append(flow)
        return changed

    def _known(
        self, flow: TrackedFlow, packet: Packet, side: Side, now: float, gone: tuple[Sent, ...]
    ) -> PacketVerdict:
        flow.see(packet, side, now, self.policy)
        if flow.last == now:
            self.counted(flow)
        elif flow.assured:
            self._unassured.pop(id(flow), None)
        onward = packet.readdressed(flow.leaving(side))
        return PacketVerdict(PacketAction.PASS, onward, gone, flow.state.value, flow)

    def _new(
        self, packet: Packet, side: Side, now: float, gone: tuple[Sent, ...], state: State
    ) -> PacketVerdict:
        pair = self._pair(packet.addresses, side)
        if pair is None:
            owned = side is Side.OUTSIDE and self._translator.owns(packet.addresses)
            reason = "nobody inside is meant" if owned else "no addresses left"
            if owned and self.policy.late_packet not in ("drop", "rst inside sender"):
                return self._refuse(packet, side, gone, reason)
            return PacketVerdict(PacketAction.DROP, None, gone, reason, None)
        limit = self.policy.flows_per_source
        if limit is not None and self._of_source[packet.addresses.source.address] >= limit:
            return PacketVerdict(PacketAction.DROP, None, gone, "too many flows of a source", None)
        if not self._room():
            return PacketVerdict(PacketAction.DROP, None, gone, "table full", None)
        flow = TrackedFlow(*pair, opener=side, state=state, picked_up=state is State.ESTABLISHED)
        flow.number, flow.since = next(self._begun), now
        self._of_source[flow.opened.source.address] += 1
        self._by_side[Side.INSIDE][flow.inside] = flow
        self._by_side[Side.OUTSIDE][flow.outside.reverse] = flow
        self._flows[id(flow)] = self._unassured[id(flow)] = flow
        if side is Side.INSIDE:
            self._translator.took(flow.outside)
        if self._listener is not None:
            self._listener.created(flow)
        return self._known(flow, packet, side, now, gone)

    def _pair(self, addresses: Addresses, side: Side) -> tuple[Addresses, Addresses] | None:
        """The addresses of a new flow inside and outside, as a packet from inside has them."""
        outside = self._by_side[Side.OUTSIDE]
        if side is Side.INSIDE:
            chosen = self._translator.choose(addresses, lambda a: a.reverse in outside)
            return None if chosen is None else (addresses, chosen)
        free = addresses not in outside and addresses.reverse not in self._by_side[Side.INSIDE]
        if self._translator.owns(addresses) or not free:
            return None
        return addresses.reverse, addresses.reverse

    def _room(self) -> bool:
        """Make room for a flow if there is none; False if that is not done here."""
        size = self.policy.table_size
        if size is None or len(self._flows) < size:
            return True
        victims = {"oldest": self._flows, "non-assured first": self._unassured}
        queue = victims.get(self.policy.eviction)
        while queue and len(self._flows) >= size:
            self._remove(next(iter(queue.values())), "evicted")
        return len(self._flows) < size

    def _late(
        self, packet: Packet, side: Side, now: float, gone: tuple[Sent, ...]
    ) -> PacketVerdict:
        late = self.policy.late_packet
        inside = side is Side.INSIDE
        if late == "drop" or (late == "rst inside sender" and not inside):
            return PacketVerdict(PacketAction.DROP, None, gone, "no such flow", None)
        if late in ("rst sender", "rst inside sender"):
            return self._refuse(packet, side, gone, "no such flow")
        if not inside and self._translator.owns(packet.addresses):
            # The entry is lost that said which host is meant, so the packet is for the middlebox
            # itself, whose own TCP knows nothing of it.
            return self._refuse(packet, side, gone, "nobody inside is meant")
        if late == "pass untranslated":
            return PacketVerdict(
                PacketAction.PASS, packet, gone, "no such flow, passed as it is", None
            )
        # An end is never taken for a beginning (Linux: RST, FIN and SYN-ACK are invalid).
        begins = not packet.flags & (Flags.SYN | Flags.FIN | Flags.RST)
        if begins and (inside or late == "readmit from anywhere"):
            return self._new(packet, side, now, gone, State.ESTABLISHED)
        return PacketVerdict(PacketAction.DROP, None, gone, "no such flow", None)

    def _refuse(
        self, packet: Packet, side: Side, gone: tuple[Sent, ...], reason: str
    ) -> PacketVerdict:
        answer = reset_for(packet)
        if answer is None:
            return PacketVerdict(PacketAction.DROP, None, gone, reason, None)
        return PacketVerdict(PacketAction.RESET, None, (*gone, Sent(side, answer)), reason, None)

    def _farewell(self, flow: TrackedFlow) -> list[Sent]:
        """What both ends are told of a flow that is over; nothing if it was not established."""
        if self.policy.on_expiry == "silent" or flow.state is not State.ESTABLISHED:
            return []
        told = []
        for side in Side:
            me, you = flow.speakers[side], flow.speakers[side.other]
            # As if it came from the other end: from where that one is, with what is waited for.
            seq = me.acked if me.acked is not None else you.sent
            if seq is None:
                continue  # nothing was ever heard that would make it believable
            flags = Flags.RST if self.policy.on_expiry == "rst both" else Flags.FIN | Flags.ACK
            ack = you.acked if you.acked is not None else me.sent
            addresses = flow.leaving(side.other)
            acknowledging = bool(flags & Flags.ACK)
            packet = Packet(addresses, flags, seq=seq, ack=(ack or 0) if acknowledging else 0)
            told.append(Sent(side, packet))
        return told

    def _remove(self, flow: TrackedFlow, cause: Cause) -> None:
        del self._by_side[Side.INSIDE][flow.inside]
        del self._by_side[Side.OUTSIDE][flow.outside.reverse]
        del self._flows[id(flow)]
        self._unassured.pop(id(flow), None)
        self._queued.pop(id(flow), None)
        self._of_source[flow.opened.source.address] -= 1
        if not self._of_source[flow.opened.source.address]:
            del self._of_source[flow.opened.source.address]
        if self._listener is not None:
            self._listener.ended(flow, cause)

    def _queue(self, flow: TrackedFlow) -> None:
        """See to it that the heap holds a time not later than the flow's deadline."""
        queued = self._queued.get(id(flow))
        if flow.deadline is None or (queued is not None and queued <= flow.deadline):
            return
        self._queued[id(flow)] = flow.deadline
        heapq.heappush(self._deadlines, (flow.deadline, next(self._serial), flow))

    def _requeue(self) -> None:
        """Take the first time off the heap, which is out of date, and put the right one there."""
        deadline, _, flow = heapq.heappop(self._deadlines)
        if id(flow) in self._flows and self._queued.get(id(flow)) == deadline:
            del self._queued[id(flow)]
            self._queue(flow)
