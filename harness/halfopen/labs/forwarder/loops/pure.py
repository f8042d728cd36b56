"""The loops over frames in Python: the reference for the compiled ones.

Layouts: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP); struct tpacket2_hdr of
include/uapi/linux/if_packet.h.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from typing import Final

VERSION: Final = 1
"""Of the calls and attributes here: a compiled part of another version is left unused."""

Memory = bytearray | mmap.mmap
Vectors = bytearray | memoryview

# struct tpacket2_hdr: status, length, captured length, offset of the frame.
SLOT: Final = struct.Struct("=IIIH")
FOR_US, CHECKSUM_NOT_READY = 1, 8
# Ethernet, IPv4 without options and TCP in one go; addresses and ports together are the key.
_HEAD: Final = struct.Struct("!6s6xHBxHxxHBBH12sIIBB")
# The same of IPv6 without extension headers.
_HEAD6: Final = struct.Struct("!6s6xHB3xHBB36sIIBB")
_VECTOR: Final = struct.Struct("PN")
_FREE: Final = bytes(4)
_ETHERNET, _TCP_HEADER = 14, 20
_IPV4, _IPV6, _TCP = 0x0800, 0x86DD, 6
_IN_PIECES: Final = 0x3FFF  # more fragments, or an offset; IPv4 only
_ENDS, _ACK = 0x17, 0x10  # FIN, SYN, RST, ACK
_CIRCLE, _HALF = (1 << 32) - 1, 1 << 31
_ONES: Final = 0xFFFF


class Way:
    """One direction of a flow, as the loop knows it.

    Args:
        key: addresses and ports as they are on the other side, None if they are the same.
        address_change: what the translation adds to the sum of the addresses, 0 to 65534.
        change: what it adds to the sum of addresses and ports, 0 to 65534.

    Attributes:
        open: whether plain segments may pass.
        sent: the sequence number behind the last byte that was sent.
        acked: the highest acknowledgement.
        turn: number of the last frame that passed.
    """

    __slots__ = ("acked", "address_change", "change", "key", "open", "sent", "turn")

    def __init__(self, key: bytes | None, address_change: int, change: int) -> None:
        self.key = key
        self.address_change = address_change
        self.change = change
        self.open = False
        self.sent = self.acked = self.turn = 0


def forward(
    memory: Memory,
    address: int,
    slots: tuple[int, int, int, int],
    ways: Mapping[bytes, Way],
    link: tuple[bytes, bytes, int],
    turn: int,
    vectors: Vectors,
    at: int,
) -> tuple[int, list[Way]]:
    """Change the plain segments at the front of a ring for the other link, where they lie.

    Stops before the first frame that is not a plain segment of an open way, or not there yet.

    Args:
        memory: the ring.
        address: of the ring in this process's memory.
        slots: the first to look at, how many at most, how many there are, bytes of each.
        ways: by addresses and ports, as in the frame.
        link: MAC address of the middlebox on this link, both MAC addresses for the other link,
            MTU of the other link.
        turn: number of the first frame.
        vectors: takes address and length of what is to be sent (struct iovec).
        at: the first of `vectors` to use.

    Returns:
        How many frames passed, and their ways, each once.
    """
    first, most, count, size = slots
    own, macs, mtu = link
    begun = turn
    touched: list[Way] = []
    for number in range(first, first + most):
        slot = number % count * size
        status, octets, captured, offset = SLOT.unpack_from(memory, slot)
        if status & (FOR_US | CHECKSUM_NOT_READY) != FOR_US or captured < octets:
            break
        start = slot + offset
        to, kind, version, total, pieces, hops, protocol, old, key, seq, ack, header, flags = (
            _HEAD.unpack_from(memory, start)
        )
        if kind == _IPV4:
            if version != 0x45 or pieces & _IN_PIECES:
                break
            length = total - 20 - (header >> 4 << 2)
        elif kind == _IPV6:
            _, _, version, total, protocol, hops, key, seq, ack, header, flags = _HEAD6.unpack_from(
                memory, start
            )
            if version >> 4 != 6:
                break
            length = total - (header >> 4 << 2)
            total += 40
        else:
            break
        if (
            protocol != _TCP
            or flags & _ENDS != _ACK
            or to != own
            or hops < 2
            or header < _TCP_HEADER << 2
            or length < 0
            or total > mtu
            or total + _ETHERNET > octets
        ):
            break
        way = ways.get(key)
        if way is None or not way.open:
            break
        end = (seq + length) & _CIRCLE
        if 0 < (end - way.sent) & _CIRCLE < _HALF:
            way.sent = end
        if 0 < (ack - way.acked) & _CIRCLE < _HALF:
            way.acked = ack
        if way.turn < begun:
            touched.append(way)
        way.turn = turn
        memory[start : start + 12] = macs
        if kind == _IPV4:
            # One hop less, as in RFC 1624; then the addresses.
            memory[start + 22] = hops - 1
            changed = (_ONES - old - 0x100 + way.address_change) % _ONES
            memory[start + 24 : start + 26] = (_ONES - (changed or _ONES)).to_bytes(2, "big")
            if way.key is not None:
                memory[start + 26 : start + 38] = way.key
                _correct(memory, start + 50, way.change)
        else:
            memory[start + 21] = hops - 1
            if way.key is not None:
                memory[start + 22 : start + 58] = way.key
                _correct(memory, start + 70, way.change)
        _VECTOR.pack_into(
            vectors, (at + turn - begun) * _VECTOR.size, address + start, total + _ETHERNET
        )
        turn += 1
    return turn - begun, touched


def give_back(memory: Memory, slots: tuple[int, int, int, int]) -> None:
    """Let the kernel use slots of a ring again.

    Args:
        memory: the ring.
        slots: the first to give back, how many, how many there are, bytes of each.
    """
    first, number, count, size = slots
    for each in range(first, first + number):
        slot = each % count * size
        memory[slot : slot + 4] = _FREE


def _correct(memory: Memory, at: int, change: int) -> None:
    """Correct the checksum at `at` after words whose sum changed by `change` (RFC 1624)."""
    total = (_ONES - int.from_bytes(memory[at : at + 2], "big") + change) % _ONES
    memory[at : at + 2] = (_ONES - (total or _ONES)).to_bytes(2, "big")
