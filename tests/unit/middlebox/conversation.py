"""A conversation of two hosts over a flow table, for tests."""

from __future__ import annotations

from dataclasses import replace

from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet, Side
from halfopen.middlebox.verdict import PacketVerdict

SYN, ACK, FIN, RST = Flags.SYN, Flags.ACK, Flags.FIN, Flags.RST
IN, OUT = Side.INSIDE, Side.OUTSIDE
CLIENT = Endpoint("10.0.0.1", 40000)
SERVER = Endpoint("192.0.2.1", 514)


class Conversation:
    """Both ends of one connection: who sends keeps count, what passes is taken note of."""

    def __init__(
        self, table: FlowTable, client: Endpoint = CLIENT, server: Endpoint = SERVER
    ) -> None:
        self.table = table
        self.now = 0.0
        self.addresses = {IN: Addresses(client, server), OUT: Addresses(server, client)}
        self.sent = {IN: 1000, OUT: 9000}
        self.heard = {IN: 0, OUT: 0}

    def send(self, side: Side, flags: int = ACK, length: int = 0, back: int = 0) -> PacketVerdict:
        """A segment from `side`, `back` bytes behind what it would send next."""
        packet = Packet(
            self.addresses[side],
            flags,
            seq=(self.sent[side] - back) % 2**32,
            ack=self.heard[side] if flags & ACK else 0,
            length=length,
        )
        verdict = self.table.handle(packet, side, self.now)
        if not back:
            self.sent[side] = packet.end
        if verdict.packet is not None:
            self.heard[side.other] = self.sent[side]
            if packet.opens:
                # The other end answers whoever it was that spoke to it.
                self.addresses[side.other] = verdict.packet.addresses.reverse
        return verdict

    def probe(self, side: Side) -> PacketVerdict:
        """A keepalive probe."""
        return self.send(side, ACK, back=1)

    def open(self, side: Side = IN) -> Conversation:
        """Shake hands."""
        for who, flags in ((side, SYN), (side.other, SYN | ACK), (side, ACK)):
            verdict = self.send(who, flags)
            assert verdict.packet is not None, verdict
        return self

    def after(self, seconds: float) -> Conversation:
        """Let time pass."""
        self.now += seconds
        return self


def forged(conversation: Conversation, side: Side, seq: int) -> Packet:
    """A RST by somebody who guesses."""
    return replace(Packet(conversation.addresses[side], RST), seq=seq)
