"""The fast path of a frame: a plain segment of a known flow is changed where it lies.

No object is made for it; the flow's :class:`~halfopen.middlebox.fast_path.FastPath` takes note.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from halfopen.labs.forwarder.frames import IPV4, IPV6, TCP, octets
from halfopen.labs.forwarder.port import Port
from halfopen.middlebox.checksum import words
from halfopen.middlebox.fast_path import FastPath
from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Addresses, Side

# Ethernet, IPv4 without options and TCP in one go; addresses and ports together are the key.
_HEAD: Final = struct.Struct("!12xHBxHxxHBBH12sIIBB")
# The same of IPv6 without extension headers.
_HEAD6: Final = struct.Struct("!12xHB3xHBB36sIIBB")
_IN_PIECES: Final = 0x3FFF  # more fragments, or an offset; IPv4 only
_PORTS: Final = 4
_ONES: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of a flow.

    Attributes:
        path: takes note of what passes.
        key: addresses and ports as they are on the other side, None if they are the same.
        address_change: what the translation adds to the sum of the addresses.
        change: what it adds to the sum of addresses and ports.
    """

    path: FastPath
    key: bytes | None = None
    address_change: int = 0
    change: int = 0


class FastPaths:
    """The fast paths between two links.

    Args:
        table: knows the flows.
        ports: the links.
    """

    def __init__(self, table: FlowTable, ports: Mapping[Side, Port]) -> None:
        self._table = table
        self._ways: dict[Side, dict[bytes, _Way]] = {side: {} for side in Side}
        self._keys: dict[int, list[tuple[Side, bytes]]] = {}
        self._macs = {side: ports[side.other].header for side in Side}
        self._mtu = {side: ports[side.other].mtu for side in Side}

    def learn(self, flow: TrackedFlow) -> None:
        """Make the fast paths of a flow."""
        if id(flow) in self._keys:
            return
        keys = self._keys[id(flow)] = []
        for side in Side:
            path = FastPath(self._table, flow, side)
            old, new = _key(flow.leaving(side.other).reverse), _key(flow.leaving(side))
            way = _Way(path)
            if old != new:
                change = words(new[:-_PORTS]) - words(old[:-_PORTS])
                way = _Way(path, new, change, words(new) - words(old))
            self._ways[side][old] = way
            keys.append((side, old))

    def forget(self, flow: TrackedFlow) -> None:
        """The flow is known no more, or has other addresses."""
        for side, key in self._keys.pop(id(flow), ()):
            del self._ways[side][key]

    def take(self, data: bytearray | mmap.mmap, start: int, side: Side, now: float) -> bool:
        """Take the frame at `start`, that came from `side`, the fast path, if it is one for it.

        Then it lies there as it is to be sent on the other side; else nothing has happened.
        """
        kind, version, total, pieces, hops, protocol, old, key, seq, ack, offset, flags = (
            _HEAD.unpack_from(data, start)
        )
        if kind == IPV6:
            return self._take6(data, start, side, now)
        if kind != IPV4 or version != 0x45 or protocol != TCP:
            return False
        way = self._ways[side].get(key)
        length = total - 20 - (offset >> 4 << 2)
        if (
            way is None
            or hops < 2
            or pieces & _IN_PIECES
            or not 0 <= length <= self._mtu[side]
            or total > self._mtu[side]
            or not way.path.advance(flags, seq, ack, length, now)
        ):
            return False
        data[start : start + 12] = self._macs[side]
        data[start + 22] = hops - 1
        # One hop less, as in RFC 1624; then the addresses.
        total = (_ONES - old - 0x100 + way.address_change) % _ONES
        data[start + 24 : start + 26] = (_ONES - (total or _ONES)).to_bytes(2, "big")
        if way.key is not None:
            data[start + 26 : start + 38] = way.key
            _correct(data, start + 50, way.change)
        return True

    def _take6(self, data: bytearray | mmap.mmap, start: int, side: Side, now: float) -> bool:
        _, version, size, protocol, hops, key, seq, ack, offset, flags = _HEAD6.unpack_from(
            data, start
        )
        if version >> 4 != 6 or protocol != TCP:
            return False
        way = self._ways[side].get(key)
        length = size - (offset >> 4 << 2)
        if (
            way is None
            or hops < 2
            or length < 0
            or size + 40 > self._mtu[side]
            or not way.path.advance(flags, seq, ack, length, now)
        ):
            return False
        data[start : start + 12] = self._macs[side]
        data[start + 21] = hops - 1
        if way.key is not None:
            data[start + 22 : start + 58] = way.key
            _correct(data, start + 70, way.change)
        return True


def _key(addresses: Addresses) -> bytes:
    source, destination = addresses
    ends = octets(source.address) + octets(destination.address)
    return ends + struct.pack("!HH", source.port, destination.port)


def _correct(data: bytearray | mmap.mmap, at: int, change: int) -> None:
    """Correct the checksum at `at` after words whose sum changed by `change` (RFC 1624)."""
    total = (_ONES - int.from_bytes(data[at : at + 2], "big") + change) % _ONES
    data[at : at + 2] = (_ONES - (total or _ONES)).to_bytes(2, "big")
