"""ICMP errors: those that the middlebox sends, and those about flows that it translates.

Types: RFC 792 and RFC 1191 (IPv4), RFC 4443 (IPv6).
"""

from __future__ import annotations

import struct
from typing import Literal

from halfopen.labs.forwarder.frames import (
    ICMP,
    ICMPV6,
    TCP,
    Datagram,
    addresses_of,
    icmpv6_sum,
    make_ip,
    read_ip,
    readdress,
)
from halfopen.middlebox.checksum import checksum
from halfopen.middlebox.packet import Addresses

Reason = Literal["too long", "host unreachable", "time exceeded"]

_IPV4: dict[Reason, tuple[int, int]] = {
    "too long": (3, 4),
    "host unreachable": (3, 1),
    "time exceeded": (11, 0),
}
_IPV6: dict[Reason, tuple[int, int]] = {
    "too long": (2, 0),
    "host unreachable": (1, 3),
    "time exceeded": (3, 0),
}
_ERRORS = {4: (3, 11, 12), 6: (1, 2, 3, 4)}
# RFC 1812, section 4.3.2.3 and RFC 4443, section 2.4 (c): as much as the smallest MTU allows.
_QUOTED = {4: 548, 6: 1232}


def is_error(frame: bytes | bytearray, ip: Datagram) -> bool:
    """True for an ICMP message that must not be answered with another (RFC 1122, 3.2.2)."""
    if ip.protocol not in (ICMP, ICMPV6) or ip.inner >= len(frame):
        return False
    return frame[ip.inner] in _ERRORS[ip.version]


def error(frame: bytes | bytearray, ip: Datagram, own: bytes, reason: Reason, mtu: int) -> bytes:
    """The IP packet that tells the sender of `frame` what was wrong with it.

    Args:
        frame: as it came.
        ip: the packet in it.
        own: address of the middlebox towards the sender.
        reason: what was wrong.
        mtu: of the next link in bytes, for a packet that is too long.
    """
    quoted = bytes(frame[ip.start : min(ip.end, ip.start + _QUOTED[ip.version])])
    kind, code = (_IPV4 if ip.version == 4 else _IPV6)[reason]
    more = mtu if reason == "too long" else 0
    message = bytearray(struct.pack("!BBHI", kind, code, 0, more) + quoted)
    if ip.version == 4:
        struct.pack_into("!H", message, 2, checksum(message))
        return make_ip(own, ip.source, ICMP, message)
    struct.pack_into("!H", message, 2, icmpv6_sum(own, ip.source, message))
    return make_ip(own, ip.source, ICMPV6, message)


def subject(frame: bytes | bytearray, ip: Datagram) -> Addresses | None:
    """Whose segment an ICMP error is about, as the segment said; None if it is about no segment."""
    if not is_error(frame, ip):
        return None
    quoted = read_ip(frame, ip.inner + 8, len(frame))
    if quoted is None or quoted.protocol != TCP or quoted.piece or len(frame) < quoted.inner + 8:
        return None
    return addresses_of(frame, quoted)


def translated(
    frame: bytes | bytearray, ip: Datagram, addresses: Addresses, source: bytes, to: bytes
) -> bytes:
    """An ICMP error about a translated flow, as it reads on the other side (RFC 5508, section 4).

    Args:
        frame: as it came.
        ip: the packet in it.
        addresses: of the segment that it quotes, on the other side.
        source: from whom it comes there.
        to: whom it is for there.
    """
    message = bytearray(frame[ip.inner : ip.end])
    quoted = read_ip(message, 8, len(message))
    if quoted is not None:
        readdress(message, quoted, addresses)
    struct.pack_into("!H", message, 2, 0)
    if ip.version == 4:
        struct.pack_into("!H", message, 2, checksum(message))
    else:
        struct.pack_into("!H", message, 2, icmpv6_sum(source, to, message))
    return make_ip(source, to, ip.protocol, message)
