"""The fast path of frames: plain segments of known flows are changed where they lie.

No object is made for them; the flow's :class:`~halfopen.middlebox.fast_path.FastPath` takes note
once of all that came at one moment.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from halfopen.labs.forwarder.frames import octets
from halfopen.labs.forwarder.loops import Way, forward
from halfopen.labs.forwarder.loops.pure import Vectors
from halfopen.labs.forwarder.port import Port
from halfopen.labs.forwarder.ring import Ring
from halfopen.middlebox.checksum import words
from halfopen.middlebox.fast_path import FastPath, allowed
from halfopen.middlebox.flow import TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Addresses, Side

_PORTS: Final = 4
_ONES: Final = 0xFFFF


class FastPaths:
    """The fast paths between two links.

    Args:
        table: knows the flows.
        ports: the links.
    """

    def __init__(self, table: FlowTable, ports: Mapping[Side, Port]) -> None:
        self._table = table
        self._ways: dict[Side, dict[bytes, Way]] = {side: {} for side in Side}
        self._paths: dict[Way, FastPath] = {}
        self._of_flow: dict[int, list[tuple[Side, bytes, Way]]] = {}
        self._links = {
            side: (ports[side].own, ports[side.other].header, ports[side.other].mtu)
            for side in Side
        }
        self._turn = 1

    def learn(self, flow: TrackedFlow) -> None:
        """Make the fast paths of a flow, or let them know that it took the slow path."""
        known = self._of_flow.get(id(flow))
        if known is None:
            if not flow.assured:
                return
            known = self._of_flow[id(flow)] = [self._way(flow, side) for side in Side]
        for _, _, way in known:
            position = self._paths[way].position()
            way.open = position is not None
            if position is not None:
                way.sent, way.acked = position

    def _way(self, flow: TrackedFlow, side: Side) -> tuple[Side, bytes, Way]:
        old, new = _key(flow.leaving(side.other).reverse), _key(flow.leaving(side))
        if old == new:
            way = Way(None, 0, 0)
        else:
            addresses = words(new[:-_PORTS]) - words(old[:-_PORTS])
            way = Way(new, addresses % _ONES, (words(new) - words(old)) % _ONES)
        self._ways[side][old] = way
        self._paths[way] = FastPath(self._table, flow, side)
        return side, old, way

    def forget(self, flow: TrackedFlow) -> None:
        """The flow is known no more, or has other addresses."""
        for side, key, way in self._of_flow.pop(id(flow), ()):
            del self._ways[side][key], self._paths[way]

    def take(self, ring: Ring, side: Side, now: float, most: int, to: Vectors, at: int) -> int:
        """Take the frames that are next in a ring the fast path, as far as they are for it.

        Then they lie there as they are to be sent on the other side.  Flows that are over at `now`
        must be gone, see :meth:`FlowTable.expire`.

        Args:
            ring: of the link on `side`.
            side: where they come from.
            now: seconds.
            most: of them.
            to: takes where they lie (struct iovec).
            at: the first of `to` to use.

        Returns:
            How many did.
        """
        if not allowed(self._table.policy):
            return 0
        slots = (ring.next, most, ring.count, ring.size)
        ways, link, turn = self._ways[side], self._links[side], self._turn
        passed, touched = forward(ring.memory, ring.address, slots, ways, link, turn, to, at)
        if len(touched) > 1:
            touched.sort(key=_turn)  # the table keeps the order of the last packets
        for way in touched:
            self._paths[way].advance(way.sent, way.acked, now)
        ring.next += passed
        self._turn += passed
        return passed


def _turn(way: Way) -> int:
    return way.turn


def _key(addresses: Addresses) -> bytes:
    source, destination = addresses
    ends = octets(source.address) + octets(destination.address)
    return ends + struct.pack("!HH", source.port, destination.port)
