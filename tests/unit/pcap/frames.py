"""Ethernet frames injected by hand."""

from __future__ import annotations

import ipaddress
import struct

from halfopen.pcap.packets import Segment, read_segment

CLIENT, SERVER, OUTSIDE = "10.0.1.1", "10.0.2.2", "10.0.2.1"
ACK, PSH = 0x10, 8


def ip(source: str, destination: str, protocol: int, data: bytes, number: int = 0) -> bytes:
    """A frame with an IPv4 or IPv6 packet."""
    ends = [ipaddress.ip_address(each) for each in (source, destination)]
    addresses = b"".join(each.packed for each in ends)
    if ends[0].version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), number, 0x4000, 64, protocol, 0)
        return bytes(12) + b"\x08\x00" + head + addresses + data
    head = struct.pack("!IHBB", 6 << 28, len(data), protocol, 64)
    return bytes(12) + b"\x86\xdd" + head + addresses + data


def tcp(
    source: str = CLIENT,
    destination: str = SERVER,
    ports: tuple[int, int] = (40001, 2514),
    *,
    seq: int = 0,
    ack: int = 0,
    flags: int = ACK,
    payload: bytes = b"",
    number: int = 0,
) -> bytes:
    """A frame with a TCP segment."""
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 1000, 0, 0)
    return ip(source, destination, 6, head + payload, number)


def segment(frame: bytes) -> Segment:
    """What is read of a frame that must be one of a flow."""
    found = read_segment(frame)
    assert found is not None
    return found
