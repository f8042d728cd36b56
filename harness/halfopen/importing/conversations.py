"""TCP connections in a capture: silences, what came of data after them, keepalive, resets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from halfopen.importing.captures import CapturedPacket, read_packets
from halfopen.importing.facts import (
    End,
    Facts,
    Late,
    SeenConnection,
    SeenKeepalive,
    Side,
    SourcedNumber,
    likely_server,
)
from halfopen.pcap.packets import FIN, RST, SYN, Segment

_SILENCE_S = 3.0
"""The least time without a packet that is taken for a silence: retransmissions come sooner."""

_UNANSWERED = 3
"""Transmissions without an answer after which it is not merely late."""

_TWICE_S = 0.005  # `tcpdump -i any` shows what is forwarded twice
_ACK = 16


def read_capture(path: Path, facts: Facts) -> None:
    """Add the TCP connections of a pcap or pcapng file.

    Raises:
        InputError: see :func:`halfopen.importing.captures.read_packets`.
    """
    open_now: dict[frozenset[str], _Conversation] = {}
    closed: list[_Conversation] = []
    seen = Facts()  # for messages about what was understood before
    for packet in read_packets(path, seen):
        segment = packet.segment
        ends = frozenset((segment.source, segment.destination))
        known = open_now.get(ends)
        if known is None or (segment.opens and segment.seq != known.initial):
            if known is not None:
                closed.append(known)
            known = open_now[ends] = _Conversation(str(path), segment)
            seen.connections.append(_SEEN)
        known.add(packet)
    facts.connections += [each.connection() for each in (*closed, *open_now.values())]


_NOWHERE = End("", 0)
_SEEN = SeenConnection(_NOWHERE, _NOWHERE, "")


def _after(one: int, other: int) -> int:
    """By how much a sequence number is after another, which may be negative (RFC 9293, 3.4)."""
    return (one - other + 2**31) % 2**32 - 2**31


def _end(text: str) -> End:
    address, _, port = text.rpartition(":")
    return End(address.strip("[]"), int(port))


@dataclass
class _Wake:
    """What was sent after a silence, and waits for its answer.

    Attributes:
        silence: before it.
        sender: `address:port`.
        end: sequence number that acknowledges it.
        tries: transmissions.
        number: of its first packet.
        probe: whether it is a keepalive probe.
    """

    silence: float
    sender: str
    end: int
    number: int
    probe: bool
    tries: int = 1


@dataclass
class _Direction:
    next: int | None = None  # sequence number after what was sent
    probed: tuple[float, int] | None = None  # time and number of a probe with no answer yet
    idle: SourcedNumber | None = None
    interval: SourcedNumber | None = None
    resets: int = 0


@dataclass
class _Conversation:
    file: str
    first: Segment
    packets: int = 0
    last: CapturedPacket | None = None
    begin: int = 0
    client: str = ""
    initial: int = -1
    finished: bool = False
    wake: _Wake | None = None
    silence: SourcedNumber | None = None
    survived: SourcedNumber | None = None
    killed: SourcedNumber | None = None
    late: tuple[Late, str] | None = None
    retries: int = 0
    ways: dict[str, _Direction] = field(default_factory=dict)

    def add(self, packet: CapturedPacket) -> None:
        """Take the next packet of the connection."""
        last, segment = self.last, packet.segment
        if last is None:
            self.begin = packet.number
        elif last.segment == segment and packet.time - last.time < _TWICE_S:
            return
        self.last = packet
        self.packets += 1
        gap = max(0.0, packet.time - last.time) if last is not None else 0.0
        if self.silence is None or gap > self.silence.value:
            self.silence = self._at(gap, packet)
        if segment.flags & SYN:
            answers = segment.flags & _ACK
            self.client = segment.destination if answers else segment.source
            self.initial = self.initial if answers else segment.seq
        way = self.ways.setdefault(segment.source, _Direction())
        other = self.ways.setdefault(segment.destination, _Direction())
        probe = (
            way.next is not None
            and segment.size <= 1
            and not segment.flags & (SYN | FIN | RST)
            and _after(segment.seq, way.next) == -1
            and gap >= 1
        )
        if segment.flags & RST:
            self._reset(packet, gap)
            way.resets += 1
        elif probe:
            self._probe(packet, gap, way)
        else:
            self._plain(packet, gap, way)
        other.probed = None  # whatever comes back answers a probe
        self.finished |= bool(segment.flags & (FIN | RST))

    def _at(self, value: float, packet: CapturedPacket) -> SourcedNumber:
        return SourcedNumber(value, f"{self.file}:packet {packet.number}")

    def _probe(self, packet: CapturedPacket, gap: float, way: _Direction) -> None:
        if way.probed is None:
            if way.idle is None or gap < way.idle.value:
                way.idle = self._at(gap, packet)
        elif way.interval is None:
            way.interval = self._at(packet.time - way.probed[0], packet)
        way.probed = (packet.time, packet.number)
        self._sent(packet, gap, probe=True)

    def _plain(self, packet: CapturedPacket, gap: float, way: _Direction) -> None:
        segment, wake = packet.segment, self.wake
        length = segment.size + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        if (
            wake is not None
            and segment.source != wake.sender
            and segment.flags & _ACK
            and _after(segment.ack, wake.end) >= 0
        ):
            if self.survived is None or wake.silence > self.survived.value:
                self.survived = SourcedNumber(wake.silence, f"{self.file}:packet {wake.number}")
            self.wake = None
        if length and not segment.flags & SYN:
            self._sent(packet, gap, probe=False)
        end = (segment.seq + length) % 2**32
        if way.next is None or _after(end, way.next) > 0:
            way.next = end

    def _sent(self, packet: CapturedPacket, gap: float, *, probe: bool) -> None:
        segment, wake = packet.segment, self.wake
        if wake is None:
            if gap >= _SILENCE_S and not self.finished:
                end = segment.seq + segment.size + bool(segment.flags & FIN)
                end += 1 if probe and not segment.size else 0
                self.wake = _Wake(gap, segment.source, end % 2**32, packet.number, probe)
        elif segment.source == wake.sender and _after(segment.seq, wake.end) < 0:
            wake.tries += 1

    def _reset(self, packet: CapturedPacket, gap: float) -> None:
        wake = self.wake
        if self.finished:
            return
        if wake is None:
            if gap >= _SILENCE_S and self.packets > 1:
                self._killed(gap, packet.number, "rst at expiry", 0)
        elif packet.segment.source != wake.sender:
            self._killed(wake.silence, wake.number, "rst", wake.tries - 1)
        elif wake.tries > 1:
            self._killed(wake.silence, wake.number, "drop", wake.tries - 1)
        self.wake = None

    def _killed(self, silence: float, number: int, late: Late, retries: int) -> None:
        if self.killed is None or silence < self.killed.value:
            where = f"{self.file}:packet {number}"
            self.killed = SourcedNumber(silence, where)
            self.late = (late, where)
            self.retries = retries

    def connection(self) -> SeenConnection:
        """What was seen, at the end of the capture."""
        wake = self.wake
        if wake is not None and wake.tries >= _UNANSWERED:
            self._killed(wake.silence, wake.number, "drop", wake.tries - 1)
        one, other = _end(self.first.source), _end(self.first.destination)
        server = likely_server(one, other)
        if self.client:
            server = other if self.client == self.first.source else one
        client = one if server is other else other
        names: dict[str, Side] = {str(client): "client", str(server): "server"}
        sides = {names[str(_end(text))]: way for text, way in self.ways.items()}
        return SeenConnection(
            client,
            server,
            f"{self.file}:packet {self.begin}",
            sure=bool(self.client),
            keepalive={
                side: SeenKeepalive(way.idle.where, idle=way.idle, interval=way.interval)
                for side, way in sides.items()
                if way.idle is not None
            },
            silence=self.silence if self.packets > 1 else None,
            survived=self.survived,
            killed=self.killed,
            late=self.late,
            retries=self.retries,
            resets=Counter({side: way.resets for side, way in sides.items() if way.resets}),
        )
