"""What identifies a packet on its way: read from the bytes of an Ethernet frame.

IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768) and the echoes of ICMP (RFC 792, RFC
4443); anything else is none of a firewall's flows and is not identified.
"""

from __future__ import annotations

import ipaddress
import struct
import zlib
from dataclasses import dataclass
from typing import Final

TCP: Final = 6
UDP: Final = 17
_ICMP, _ICMP6 = 1, 58
_ECHOES = {_ICMP: (0, 8), _ICMP6: (128, 129)}
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_FRAGMENT = 0x3FFF  # more fragments, or an offset
FIN, SYN, RST = 1, 2, 4


@dataclass(frozen=True)
class Segment:
    """A packet of TCP, UDP or an echo.

    Attributes:
        protocol: number of the protocol.
        source: `address:port`, as histories have it; an address alone for an echo.
        destination: likewise.
        identity: what a middlebox leaves as it is, NAT or not: IP identification, sequence and
            acknowledgement numbers, flags, or the payload.
        seq: TCP sequence number, 0 for others.
        ack: TCP acknowledgement number.
        flags: of TCP.
        size: bytes of payload.
    """

    protocol: int
    source: str
    destination: str
    identity: tuple[int, ...]
    seq: int
    ack: int
    flags: int
    size: int

    @property
    def opens(self) -> bool:
        """True for the first packet of a connection: a SYN without ACK."""
        return self.protocol == TCP and self.flags & (SYN | 0x10) == SYN


def read_segment(frame: bytes) -> Segment | None:
    """The packet in an Ethernet frame; None for what is not identified, fragments among it."""
    kind = frame[12:14]
    if kind == _IPV4 and len(frame) >= 34 and frame[14] >> 4 == 4:
        header = (frame[14] & 15) * 4
        (total, number, fragment) = struct.unpack_from("!HHH", frame, 16)
        if fragment & _FRAGMENT or header < 20:
            return None
        addresses = frame[26:30], frame[30:34]
        # A total of 0 is that of a packet which the card is to cut into pieces.
        end = 14 + total if total else len(frame)
        return _transport(frame[23], addresses, frame[14 + header : end], number)
    if kind == _IPV6 and len(frame) >= 54:
        (length,) = struct.unpack_from("!H", frame, 18)
        end = 54 + length if length else len(frame)
        addresses = frame[22:38], frame[38:54]
        return _transport(frame[20], addresses, frame[54:end], 0)
    return None


def _transport(
    protocol: int, addresses: tuple[bytes, bytes], data: bytes, number: int
) -> Segment | None:
    source, destination = (ipaddress.ip_address(address) for address in addresses)
    identity: tuple[int, ...]
    if protocol in (TCP, UDP) and len(data) >= (20 if protocol == TCP else 8):
        ports = struct.unpack_from("!HH", data)
        ends = [
            f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
            for address, port in zip((source, destination), ports, strict=True)
        ]
        if protocol == UDP:
            payload = data[8:]
            identity = (protocol, number, len(payload), zlib.crc32(payload))
            return Segment(protocol, ends[0], ends[1], identity, 0, 0, 0, len(payload))
        seq, ack, offset, flags = struct.unpack_from("!IIBB", data, 4)
        size = max(0, len(data) - (offset >> 4) * 4)
        identity = (protocol, number, seq, ack, flags, size)
        return Segment(protocol, ends[0], ends[1], identity, seq, ack, flags, size)
    if protocol in _ECHOES and len(data) >= 8 and data[0] in _ECHOES[protocol]:
        identity = (protocol, number, data[0], zlib.crc32(data[6:]))
        return Segment(protocol, str(source), str(destination), identity, 0, 0, 0, len(data))
    return None
