"""What a middlebox does with a frame: bytes and times in, bytes out; no sockets, no clock.

The flow table decides; here frames are read for it, and what it says is done to them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from halfopen.labs.forwarder import frames, icmp
from halfopen.labs.forwarder.fast_path import FastPaths
from halfopen.labs.forwarder.fault_pipeline import FaultPipeline
from halfopen.labs.forwarder.frames import ETHERNET, IPV4, IPV6, TCP, Datagram
from halfopen.labs.forwarder.loops.pure import Vectors
from halfopen.labs.forwarder.port import Port
from halfopen.labs.forwarder.ring import Ring
from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.nat import Translator
from halfopen.middlebox.packet import Packet, Side, reset_for
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import NO_ROOM, Cause, PacketVerdict, Sent
from halfopen.packet_faults._packet_fault import Manner, OutgoingPacket, PacketFacts


@dataclass
class Tally:
    """Packets, and bytes of IP, that did not get through.

    Attributes:
        late: fitted no flow.
        late_octets: of those.
        blocked: refused by a fault.
        blocked_octets: of those.
        full: would have begun a flow for which there was no room.
    """

    late: int = 0
    late_octets: int = 0
    blocked: int = 0
    blocked_octets: int = 0
    full: int = 0


class Forwarder:
    """The middlebox between its two links.

    Args:
        policy: how it treats flows.
        translator: chooses addresses; None if it leaves them alone.
        ports: its links.
        rng: where chance comes from.
        created: is told of a flow that is known from now on.
        ended: is told of a flow that is known no more, and why.
    """

    def __init__(
        self,
        policy: Policy,
        translator: Translator | None,
        ports: Mapping[Side, Port],
        rng: random.Random,
        created: Callable[[TrackedFlow], None] = lambda _: None,
        ended: Callable[[TrackedFlow, Cause], None] = lambda _flow, _cause: None,
    ) -> None:
        self.translator = translator
        self._translates = translator is not None
        self._ports = ports
        self._tell_created, self._tell_ended = created, ended
        self._own = {address for port in ports.values() for address in port.addresses.values()}
        self.out: dict[Side, list[bytes | bytearray]] = {side: [] for side in Side}
        self.tally = Tally()
        self.changes = 0  # whatever may have changed the state of a flow
        self.table = FlowTable(policy, translator, self)
        self.faults = FaultPipeline(rng, self._leave)
        self._fast_paths = FastPaths(self.table, ports)

    def created(self, flow: TrackedFlow) -> None:
        """From the table: a flow is known from now on."""
        self.changes += 1
        self._tell_created(flow)

    def ended(self, flow: TrackedFlow, cause: Cause) -> None:
        """From the table: a flow is known no more."""
        self.changes += 1
        self._fast_paths.forget(flow)
        self._tell_ended(flow, cause)

    def rebind(self, which: Callable[[TrackedFlow], bool]) -> list[TrackedFlow]:
        """Give translated flows other addresses outside; returns those that have got some."""
        changed = self.table.rebind(which)
        for flow in changed:
            self._fast_paths.forget(flow)
        return changed

    def tick(self, now: float) -> None:
        """Do what is due at `now`: flows that are over, packets that have waited."""
        self._send_own(self.table.expire(now))
        self.faults.tick(now)

    def next_tick(self) -> float | None:
        """When something is due; None if nothing is."""
        times = (self.table.next_expiry(), self.faults.next_release())
        return min((time for time in times if time is not None), default=None)

    def forward(self, ring: Ring, side: Side, now: float, most: int, to: Vectors, at: int) -> int:
        """Take the frames that are next in a ring the fast path, see :meth:`FastPaths.take`.

        Must come after :meth:`tick` with the same `now`.
        """
        return 0 if self.faults else self._fast_paths.take(ring, side, now, most, to, at)

    def receive(
        self, frame: bytearray, side: Side, now: float, *, unfinished: bool = False
    ) -> None:
        """Take a frame; what goes out, if anything, is in :attr:`out`.

        Args:
            frame: is kept, and changed.
            side: where it came from.
            now: seconds.
            unfinished: whether its TCP checksum is yet to be made.
        """
        if len(frame) < ETHERNET + 20 or frame[:6] != self._ports[side].own:
            return  # not for a router: multicast, or somebody else's
        if int.from_bytes(frame[12:14], "big") not in (IPV4, IPV6):
            return  # ARP is the kernel's
        ip = frames.read_ip(frame, ETHERNET, len(frame))
        if ip is None or ip.end > len(frame):
            return
        if ip.destination in self._own and not self._translates:
            return  # the middlebox's own kernel answers
        if ip.version == 6 and ip.destination[0] >= 0xFE:
            return  # link-local or multicast: no router passes it on (RFC 4291, section 2.5.6)
        del frame[ip.end :]  # what fills up a short frame
        if ip.protocol == TCP and unfinished and not ip.piece:
            frames.finish_tcp(frame, ip)
        packet = frames.read_tcp(frame, ip) if ip.protocol == TCP and not ip.piece else None
        if packet is None:
            self._other(frame, ip, side, now)
        else:
            self._segment(frame, ip, packet, side, now)

    def _segment(
        self, frame: bytearray, ip: Datagram, packet: Packet, side: Side, now: float
    ) -> None:
        flow = self.table.find(packet.addresses, side, now)
        if flow is None and ip.destination in self._own and not self._stands_in(packet, side):
            return
        facts = self._facts(packet, ip, side, flow)
        refused = self.faults.refused(facts)
        if refused is not None:
            if flow is not None:  # a fault does not keep it from being seen, as in netfilter
                self._send_own(self._handle(packet, side, now).sent)
            self._refuse(frame, ip, packet, side, refused)
            return
        verdict = self._handle(packet, side, now)
        self.changes += 1
        self._send_own(verdict.sent)
        if verdict.packet is None:
            if verdict.reason in NO_ROOM:
                self.tally.full += 1
            else:
                self.tally.late += 1
                self.tally.late_octets += ip.length
            return
        if not self._onward(frame, ip, side):
            return
        if verdict.packet.addresses != packet.addresses:
            frames.readdress(frame, ip, verdict.packet.addresses)
        self.faults.enter(OutgoingPacket(frame, side.other, ip.inner, True, facts), now)

    def _handle(self, packet: Packet, side: Side, now: float) -> PacketVerdict:
        verdict = self.table.handle(packet, side, now)
        if verdict.flow is not None:
            self._fast_paths.learn(verdict.flow)
        return verdict

    def _other(self, frame: bytearray, ip: Datagram, side: Side, now: float) -> None:
        """What is no TCP segment: errors about flows are translated, all else passes as it is."""
        about = icmp.subject(frame, ip)
        flow = None if about is None else self.table.find(about.reverse, side, now)
        if self._translates:
            if flow is None:
                return  # nobody knows whom it is for
            frame = frame[:ETHERNET] + self._translated(frame, ip, flow, side)
            read = frames.read_ip(frame, ETHERNET, len(frame))
            assert read is not None, "what was made here can be read"
            ip = read
        client = None if flow is None else flow.opened.source.address
        facts = PacketFacts(frames.text(ip.destination), client, begins=False, octets=ip.length)
        refused = self.faults.refused(facts)
        if refused is not None:
            self._refuse(frame, ip, None, side, refused)
        elif self._onward(frame, ip, side):
            self.faults.enter(OutgoingPacket(frame, side.other, ip.inner, False, facts), now)

    def _translated(self, frame: bytearray, ip: Datagram, flow: TrackedFlow, side: Side) -> bytes:
        """An ICMP error about a flow as the IP packet that it is on the other side."""
        here, there = flow.leaving(side.other).reverse, flow.leaving(side)
        hidden = side is Side.INSIDE and flow.inside.source != flow.outside.source
        itself = frames.text(ip.source) == here.source.address
        source = there.source.address if hidden or itself else frames.text(ip.source)
        to = there.destination.address
        return icmp.translated(frame, ip, there.reverse, frames.octets(source), frames.octets(to))

    def _stands_in(self, packet: Packet, side: Side) -> bool:
        """Whether a segment to the middlebox's own address is one for somebody behind it."""
        if side is Side.OUTSIDE:
            return self.table.owns(packet.addresses)
        return self.table.translate(packet.addresses).destination != packet.addresses.destination

    def _facts(
        self, packet: Packet, ip: Datagram, side: Side, flow: TrackedFlow | None
    ) -> PacketFacts:
        onward = packet.addresses
        begins = flow is None and packet.opens
        client = onward.source.address if begins else None
        if flow is not None:
            onward, client = flow.leaving(side), flow.opened.source.address
        elif side is Side.INSIDE:
            onward = self.table.translate(onward)
        return PacketFacts(
            onward.destination.address, client, begins, ip.length, packet.flags, packet.length
        )

    def _onward(self, frame: bytearray, ip: Datagram, side: Side) -> bool:
        """Make a frame one of the other link; False, and its sender told, if it cannot be."""
        there = self._ports[side.other]
        if ip.hops < 2:
            self._complain(frame, ip, side, "time exceeded")
        elif ip.length > there.mtu:
            self._complain(frame, ip, side, "too long")
        else:
            frames.decrement_ttl(frame, ip)
            frame[:12] = there.header
            return True
        return False

    def _refuse(
        self, frame: bytearray, ip: Datagram, packet: Packet | None, side: Side, manner: Manner
    ) -> None:
        self.tally.blocked += 1
        self.tally.blocked_octets += ip.length
        if manner == "unreachable":
            self._complain(frame, ip, side, "host unreachable")
        elif manner == "reset" and packet is not None:
            answer = reset_for(packet)
            if answer is not None:
                self._emit(frames.make_tcp(answer), side)

    def _complain(self, frame: bytearray, ip: Datagram, side: Side, reason: icmp.Reason) -> None:
        own = self._ports[side].addresses.get(ip.version)
        if own is not None and not icmp.is_error(frame, ip) and not ip.piece:
            self._emit(icmp.error(frame, ip, own, reason, self._ports[side.other].mtu), side)

    def _send_own(self, sent: Iterable[Sent]) -> None:
        for each in sent:
            self._emit(frames.make_tcp(each.packet), each.to)

    def _emit(self, packet: bytes, to: Side) -> None:
        kind = (IPV4 if packet[0] >> 4 == 4 else IPV6).to_bytes(2, "big")
        self.out[to].append(self._ports[to].header + kind + packet)

    def _leave(self, packet: OutgoingPacket) -> None:
        self.out[packet.to].append(packet.frame)
