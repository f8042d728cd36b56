"""Where a case of the conformance suite is played: two ends with a middlebox between them.

The ends are puppets: they send the segments that the case wants, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Protocol

from halfopen.errors import UnsupportedError
from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.nat import HostTranslation, SourceTranslation, Translator
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet, Side
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import Sent
from halfopen.model.effects import NOTHING, Touched, of_flows
from halfopen.packet_faults.block import Block
from halfopen.verbs import EndPacketFault, ForgetFlows, Rebind, SetIdleTimeout, Verb

SYN, ACK, FIN, RST = Flags.SYN, Flags.ACK, Flags.FIN, Flags.RST
IN, OUT = Side.INSIDE, Side.OUTSIDE
BOX, CLIENT_HOST, SERVER_HOST = "middlebox", "client", "server"
_NET = "198.18"


class MissedError(Exception):
    """The machine was too busy for a moment that the case wanted to meet."""


class Street(Protocol):
    """A middlebox and what is known of its place.

    Attributes:
        engine: what plays the middlebox.
        client: address of the end inside.
        server: address of the end outside.
        inward: the middlebox's own address inside.
        outward: outside.
    """

    engine: str
    client: str
    server: str
    inward: str
    outward: str

    @property
    def now(self) -> float:
        """Seconds."""

    def wait_until(self, moment: float) -> None:
        """Let time pass."""

    def exchange(self, packet: Packet, side: Side, expected: str) -> Packet | None:
        """Send a segment from one end.

        Args:
            packet: to be sent.
            side: where it comes from.
            expected: `pass`, `drop` or `reset`: what to wait for.

        Returns:
            the segment as it arrives at the other end (`pass`), or the RST that comes back
            (`reset`); None if that does not happen, or (`drop`) if nothing happens.
        """

    def told(self, side: Side) -> Packet:
        """What the middlebox sends an end by itself; waits for it."""

    def do(self, verb: Verb) -> Touched:
        """Do a verb."""


class PureStreet:
    """The flow table alone, in a time of its own."""

    engine = "flow table"
    client, inward = f"{_NET}.1.1", f"{_NET}.1.2"
    outward, server = f"{_NET}.2.1", f"{_NET}.2.2"

    def __init__(self, values: dict[str, Any]) -> None:
        self._policy = Policy.of(values)
        translator: Translator | None = None
        if self._policy.nat == "source":
            translator = SourceTranslation(self.outward)
        elif self._policy.nat == "destination":
            translator = HostTranslation({self.inward: self.server})
        self._table = FlowTable(self._policy, translator)
        self._blocked = False
        self._told: list[Sent] = []
        self.now = 0.0

    def wait_until(self, moment: float) -> None:
        """Time is a number here."""
        self.now = max(self.now, moment)
        self._told += self._table.expire(self.now)

    def exchange(self, packet: Packet, side: Side, expected: str) -> Packet | None:
        """See :class:`Street`."""
        if self._blocked:
            return None
        verdict = self._table.handle(packet, side, self.now)
        if expected == "reset" or (verdict.packet is None and verdict.sent):
            return verdict.sent[-1].packet if verdict.sent else None
        return verdict.packet

    def told(self, side: Side) -> Packet:
        """See :class:`Street`."""
        (sent,) = [sent for sent in self._told if sent.to is side]
        return sent.packet

    def do(self, verb: Verb) -> Touched:
        """See :class:`Street`."""
        match verb:
            case Block():
                self._blocked = True
            case EndPacketFault():
                self._blocked = False
            case SetIdleTimeout(seconds=seconds):
                idle = self._policy.idle_timeout if seconds is None else seconds
                idle = None if idle is None or math.isinf(idle) else idle
                self._table.policy = replace(self._policy, idle_timeout=idle)
            case Rebind():
                return of_flows([_name(flow) for flow in self._table.rebind()])
            case ForgetFlows():
                flows = sorted(self._table, key=lambda flow: flow.number)
                gone = {flow.number for flow in flows[:: verb.every][: verb.most]}
                forgotten = self._table.forget(lambda f: f.number in gone)
                return of_flows([_name(f) for f in forgotten])
            case _:
                raise UnsupportedError(type(verb).__name__)
        return NOTHING


def _name(flow: TrackedFlow) -> str:
    return " > ".join(map(str, flow.opened))


class Talk:
    """Both ends of one connection over a street.

    Args:
        street: where.
        port: of the client.
        to: the address that the client connects to; by default the server's.
    """

    def __init__(self, street: Street, port: int, to: str | None = None) -> None:
        self._street = street
        there = Addresses(Endpoint(street.client, port), Endpoint(to or street.server, 514))
        self.addresses = {IN: there, OUT: Addresses(Endpoint(street.server, 514), there.source)}
        self._sent = {IN: 1000, OUT: 9000}
        self._heard = {IN: 0, OUT: 0}
        self.last = street.now

    def open(self) -> Talk:
        """Shake hands."""
        self.passes(IN, SYN)
        self.passes(OUT, SYN | ACK)
        self.passes(IN, ACK)
        return self

    def passes(
        self,
        side: Side,
        flags: int = ACK,
        length: int = 0,
        back: int = 0,
        before: float | None = None,
    ) -> Packet:
        """A segment gets through.

        Args:
            side: where it comes from.
            flags: of it.
            length: bytes of data.
            back: bytes behind what that end would send next; 1: a keepalive probe.
            before: seconds after the last segment that it must be sent in.

        Raises:
            MissedError: if it was sent too late.
        """
        packet = self._packet(side, flags, length, back)
        sent = self._street.now
        arrived = self._street.exchange(packet, side, "pass")
        if arrived is None and before is not None and sent - self.last > 0.95 * before:
            raise MissedError
        assert arrived is not None, f"{packet} from {side.value} did not get through"
        assert (arrived.flags, arrived.seq, arrived.ack, arrived.length) == (
            packet.flags,
            packet.seq,
            packet.ack,
            packet.length,
        )
        if not back:
            self._sent[side] = packet.end
        self._heard[side.other] = self._sent[side]
        if side is IN:
            self.addresses[OUT] = arrived.addresses.reverse
        self.last = self._street.now
        return arrived

    def dropped(self, side: Side, flags: int = ACK, length: int = 0, back: int = 0) -> None:
        """A segment vanishes."""
        packet = self._packet(side, flags, length, back)
        found = self._street.exchange(packet, side, "drop")
        assert found is None, f"{packet} from {side.value}: {found}"

    def refused(self, side: Side, flags: int = ACK, length: int = 0) -> None:
        """A segment is answered with a RST that its sender believes."""
        packet = self._packet(side, flags, length, 0)
        answer = self._street.exchange(packet, side, "reset")
        assert answer is not None, f"{packet} from {side.value} is not answered"
        assert answer.flags & RST
        assert answer.addresses == packet.addresses.reverse
        assert not flags & ACK or answer.seq == packet.ack

    def told(self, side: Side) -> Packet:
        """What the middlebox tells an end by itself; it must be believable."""
        packet = self._street.told(side)
        assert packet.addresses == self.addresses[side].reverse
        assert packet.seq == self._heard[side]
        return packet

    def stray(self, side: Side, seq: int, flags: int = RST) -> Packet:
        """A segment that somebody has guessed."""
        return Packet(self.addresses[side], flags, seq=seq)

    def next(self, side: Side) -> int:
        """The sequence number that the other end waits for."""
        return self._sent[side]

    def silent_for(self, seconds: float) -> Talk:
        """Until so many seconds after the last segment that got through."""
        self._street.wait_until(self.last + seconds)
        return self

    def _packet(self, side: Side, flags: int, length: int, back: int) -> Packet:
        ack = self._heard[side] if flags & ACK else 0
        seq = (self._sent[side] - back) % 2**32
        return Packet(self.addresses[side], flags, seq, ack, length)
