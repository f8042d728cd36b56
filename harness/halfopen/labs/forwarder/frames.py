"""Ethernet frames with IPv4 or IPv6 in them: read, made, readdressed.

Layouts: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

from halfopen.middlebox.checksum import checksum, corrected, words
from halfopen.middlebox.packet import Addresses, Endpoint, Packet

ETHERNET: Final = 14
IPV4, IPV6 = 0x0800, 0x86DD
TCP, ICMP, ICMPV6 = 6, 1, 58
TTL: Final = 255
"""Of every packet that a host of a lab sends: the most that there is, so that paths may be long."""

# RFC 8200, section 4: hop-by-hop, routing, destination options; all with a length of eights.
_EXTENSIONS = (0, 43, 60)
_FRAGMENT = 44

Buffer = bytes | bytearray | memoryview


@lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    """An address of 4 or 16 bytes as text."""
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)


@lru_cache(maxsize=4096)
def octets(address: str) -> bytes:
    """An address written as text as 4 or 16 bytes."""
    return inet_pton(AF_INET6 if ":" in address else AF_INET, address)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What an IP packet says of itself.

    Attributes:
        version: 4 or 6.
        start: of its header.
        inner: start of what is inside: TCP, ICMP, ...
        end: one behind its last byte, as its header says.
        protocol: of what is inside.
        source: address, as bytes.
        destination: address, as bytes.
        hops: time to live, or hop limit.
        piece: True for a fragment that is not the first.
        divisible: whether a router may take it apart (never in IPv6, in IPv4 if DF is not set).
    """

    version: int
    start: int
    inner: int
    end: int
    protocol: int
    source: bytes
    destination: bytes
    hops: int
    piece: bool
    divisible: bool

    @property
    def length(self) -> int:
        """Bytes, header included."""
        return self.end - self.start


def read_ip(data: Buffer, start: int, limit: int) -> Datagram | None:
    """The IP packet at `start`; None if it is none, or a malformed one.

    Args:
        data: holds it.
        start: of its header.
        limit: one behind the last byte that is there; an ICMP error quotes only a part.
    """
    version = data[start] >> 4 if limit - start >= 20 else 0
    if version == 4:
        inner = start + (data[start] & 15) * 4
        end = start + int.from_bytes(data[start + 2 : start + 4], "big")
        part = int.from_bytes(data[start + 6 : start + 8], "big")
        if inner < start + 20 or end < inner or inner > limit:
            return None
        source, destination = (
            bytes(data[start + 12 : start + 16]),
            bytes(data[start + 16 : start + 20]),
        )
        divisible, piece = not part & 0x4000, bool(part & 0x1FFF)
        hops, protocol = data[start + 8], data[start + 9]
        return Datagram(4, start, inner, end, protocol, source, destination, hops, piece, divisible)
    if version == 6 and limit - start >= 40:
        end = start + 40 + int.from_bytes(data[start + 4 : start + 6], "big")
        source, destination = (
            bytes(data[start + 8 : start + 24]),
            bytes(data[start + 24 : start + 40]),
        )
        inner, protocol, piece = start + 40, data[start + 6], False
        while protocol in _EXTENSIONS or protocol == _FRAGMENT:
            if inner + 8 > limit:
                return None
            if protocol == _FRAGMENT:
                piece = piece or bool(int.from_bytes(data[inner + 2 : inner + 4], "big") >> 3)
            size = 8 if protocol == _FRAGMENT else 8 * (data[inner + 1] + 1)
            protocol, inner = data[inner], inner + size
        hops = data[start + 7]
        return Datagram(6, start, inner, end, protocol, source, destination, hops, piece, False)
    return None


def addresses_of(data: Buffer, ip: Datagram) -> Addresses:
    """From whom to whom a TCP segment goes; its first four bytes must be there."""
    ports = data[ip.inner : ip.inner + 4]
    return Addresses(
        Endpoint(text(ip.source), int.from_bytes(ports[:2], "big")),
        Endpoint(text(ip.destination), int.from_bytes(ports[2:], "big")),
    )


def read_tcp(data: Buffer, ip: Datagram) -> Packet | None:
    """The facts of a TCP segment; None if it is malformed."""
    if ip.end - ip.inner < 20 or ip.end > len(data):
        return None
    seq, ack, offset, flags = struct.unpack_from("!IIBB", data, ip.inner + 4)
    header = (offset >> 4) * 4
    if header < 20 or ip.inner + header > ip.end:
        return None
    length = ip.end - ip.inner - header
    return Packet(addresses_of(data, ip), flags & 0x3F, seq, ack, length)


def make_tcp(packet: Packet, *, window: int = 0, payload: bytes = b"") -> bytes:
    """The IP packet of a segment, with `payload` instead of what the packet says of its length."""
    source, destination = (octets(end.address) for end in packet.addresses)
    ports = (packet.addresses.source.port, packet.addresses.destination.port)
    segment = bytearray(
        struct.pack(
            "!HHIIBBHHH", *ports, packet.seq, packet.ack, 5 << 4, packet.flags, window, 0, 0
        )
    )
    segment += payload
    struct.pack_into("!H", segment, 16, _transport_sum(source, destination, TCP, segment))
    return make_ip(source, destination, TCP, segment)


def make_ip(source: bytes, destination: bytes, protocol: int, inside: Buffer) -> bytes:
    """An IP packet of the addresses' family around `inside`."""
    if len(source) == 16:
        return (
            struct.pack("!IHBB", 6 << 28, len(inside), protocol, TTL)
            + source
            + destination
            + inside
        )
    size = 20 + len(inside)
    head = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, size, 0, 0x4000, TTL, protocol, 0))
    head += source + destination
    struct.pack_into("!H", head, 10, checksum(head))
    return bytes(head + inside)


def finish_tcp(frame: bytearray, ip: Datagram) -> None:
    """Make a segment's checksum, which the sender's kernel left to its network card."""
    struct.pack_into("!H", frame, ip.inner + 16, 0)
    segment = frame[ip.inner : ip.end]
    made = _transport_sum(ip.source, ip.destination, TCP, segment)
    struct.pack_into("!H", frame, ip.inner + 16, made)


def decrement_ttl(frame: bytearray, ip: Datagram) -> None:
    """One hop less to live (RFC 1812, section 5.3.1)."""
    if ip.version == 6:
        frame[ip.start + 7] -= 1
        return
    frame[ip.start + 8] -= 1
    (old,) = struct.unpack_from("!H", frame, ip.start + 10)
    struct.pack_into("!H", frame, ip.start + 10, corrected(old, 0x100, 0))


def readdress(frame: bytearray, ip: Datagram, addresses: Addresses) -> None:
    """Give a TCP segment other addresses; its checksum is corrected, not made again.

    `ip` says where everything is; the addresses in it are those before.
    """
    source, destination = (octets(end.address) for end in addresses)
    before = words(ip.source + ip.destination)
    after = words(source + destination)
    first = ip.start + (12 if ip.version == 4 else 8)
    frame[first : first + len(source) * 2] = source + destination
    if ip.version == 4:
        (old,) = struct.unpack_from("!H", frame, ip.start + 10)
        struct.pack_into("!H", frame, ip.start + 10, corrected(old, before, after))
    before += words(frame[ip.inner : ip.inner + 4])
    struct.pack_into("!HH", frame, ip.inner, *(end.port for end in addresses))
    after += words(frame[ip.inner : ip.inner + 4])
    if len(frame) >= ip.inner + 18:  # not if it is only quoted in an ICMP error
        (old,) = struct.unpack_from("!H", frame, ip.inner + 16)
        struct.pack_into("!H", frame, ip.inner + 16, corrected(old, before, after))


def _transport_sum(source: bytes, destination: bytes, protocol: int, segment: Buffer) -> int:
    """The checksum over the pseudo header and a segment whose own field is zero."""
    pseudo = source + destination + struct.pack("!IHBB", len(segment), 0, 0, protocol)
    return checksum(pseudo, segment)


def icmpv6_sum(source: bytes, destination: bytes, message: Buffer) -> int:
    """ICMPv6's checksum, which covers the addresses too (RFC 4443, section 2.3)."""
    return _transport_sum(source, destination, ICMPV6, message)
