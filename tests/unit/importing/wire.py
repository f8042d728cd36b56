"""Captures made by hand: packets of one connection at given times, as a pcap file."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("10.0.0.9", 40112), ("10.0.0.5", 514)
ETHERNET = 1


@dataclass(frozen=True)
class Sent:
    """A segment; the client's first sequence number is 1000, the server's 5000."""

    at: float
    by: str
    seq: int
    ack: int
    flags: int = ACK
    size: int = 0

    def packet(self, version: int = 4) -> bytes:
        source, target = (CLIENT, SERVER) if self.by == "client" else (SERVER, CLIENT)
        seq, ack = self.seq % 2**32, self.ack % 2**32
        tcp = struct.pack("!HHIIBBHHH", source[1], target[1], seq, ack, 80, self.flags, 99, 0, 0)
        tcp += bytes(self.size)
        if version == 6:
            ends = b"".join(bytes(15) + end[0].encode()[-1:] for end in (source, target))
            return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends + tcp
        ends = b"".join(bytes(map(int, end[0].split("."))) for end in (source, target))
        number, length = int(self.at * 10) % 65536, 20 + len(tcp)
        head = struct.pack("!BBHHHBBH", 0x45, 0, length, number, 0, 64, 6, 0)
        return head + ends + tcp


OPEN = [
    Sent(0.0, "client", 999, 0, SYN),
    Sent(0.01, "server", 4999, 1000, SYN | ACK),
    Sent(0.02, "client", 1000, 5000),
    Sent(0.03, "client", 1000, 5000, PSH | ACK, 100),
    Sent(0.04, "server", 5000, 1100),
]


def again(at: float, times: int, size: int = 50) -> list[Sent]:
    """Data of the client after what :data:`OPEN` has, sent at `at`, and again each time later."""
    waits = [0.0, 0.2, 0.6, 1.4, 3.0, 6.2]
    return [Sent(at + waits[n], "client", 1100, 5000, PSH | ACK, size) for n in range(times)]


def pcap(
    packets: Sequence[Sent],
    *,
    link: int = ETHERNET,
    before: bytes = bytes(12) + b"\x08\x00",
    order: str = "<",
    parts: int = 10**6,
    keep: int = 65535,
    version: int = 4,
) -> bytes:
    """A pcap file; `before` stands before the IP header of each packet."""
    magic = 0xA1B2C3D4 if parts == 10**6 else 0xA1B23C4D
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, keep, link)
    for each in packets:
        packet = before + each.packet(version)
        seconds, rest = divmod(round((1_700_000_000 + each.at) * parts), parts)
        kept = packet[:keep]
        data += struct.pack(order + "IIII", seconds, rest, len(kept), len(packet)) + kept
    return data
