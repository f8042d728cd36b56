"""The packet faults that are active in a middlebox, in the order in which they began."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping

from halfopen.packet_faults._packet_fault import (
    Behaviour,
    Departure,
    Manner,
    OutgoingPacket,
    PacketFacts,
    PacketFault,
    PacketFilter,
)


class _Active:
    """A fault that is active, and the packets that it delays."""

    def __init__(self, wanted: PacketFilter, behaviour: Behaviour) -> None:
        self.filter = wanted
        self.behaviour = behaviour
        self.touched = 0
        self._waiting: list[tuple[float, int, OutgoingPacket]] = []
        self._serial = 0

    def hold(self, delivery: Departure) -> None:
        self._serial += 1
        heapq.heappush(self._waiting, (delivery.at, self._serial, delivery.packet))

    def next_release(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def due(self, now: float) -> list[OutgoingPacket]:
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            out.append(heapq.heappop(self._waiting)[2])
        return out


class FaultPipeline:
    """What packets must pass.

    Args:
        rng: where chance comes from.
        out: takes what has come through.
    """

    def __init__(self, rng: random.Random, out: Callable[[OutgoingPacket], None]) -> None:
        self._rng = rng
        self._out = out
        self._active: dict[str, _Active] = {}
        self.lost = 0  # packets that came to a fault on their way out, and did not leave it

    def __bool__(self) -> bool:
        """Whether a fault is active."""
        return bool(self._active)

    def add(self, fault: PacketFault, addresses: Mapping[str, str]) -> None:
        """A fault begins, behind those that are active; `addresses` of the hosts, by name."""
        active = _Active(fault.filter(addresses), fault.behaviour(self._rng))
        self._active[fault.name] = active

    def remove(self, name: str, now: float) -> None:
        """A fault ends; what it has delayed goes on at once, through those behind it.

        Raises:
            KeyError: if none of this name is active.
        """
        ending = self._active[name]
        behind = self._behind(name)
        del self._active[name]
        self._go_on(ending.due(float("inf")), behind, now)

    def touched(self, name: str) -> int:
        """To how many packets a fault has done something; 0 if none of this name is active."""
        return self._active[name].touched if name in self._active else 0

    def refused(self, facts: PacketFacts) -> Manner | None:
        """How a packet that arrives is refused; None if no fault does."""
        for active in self._active.values():
            if active.filter.meets(facts):
                manner = active.behaviour.on_arrival()
                if manner is not None:
                    active.touched += 1
                    return manner
        return None

    def enter(self, packet: OutgoingPacket, now: float) -> None:
        """A packet begins its way out."""
        self._go_on([packet], list(self._active), now)

    def tick(self, now: float) -> None:
        """Let go what has waited until `now`."""
        for name in list(self._active):
            if due := self._active[name].due(now):
                self._go_on(due, self._behind(name), now)

    def next_release(self) -> float | None:
        """When something will have waited; None if nothing waits."""
        times = (active.next_release() for active in self._active.values())
        return min((time for time in times if time is not None), default=None)

    def _behind(self, name: str) -> list[str]:
        names = list(self._active)
        return names[names.index(name) + 1 :]

    def _go_on(self, packets: list[OutgoingPacket], names: list[str], now: float) -> None:
        """Through the faults `names`, as far as the packets get now."""
        for packet in packets:
            for index, name in enumerate(names):
                active = self._active[name]
                if active.filter.meets(packet.facts):
                    deliveries = active.behaviour.on_packet(packet, now)
                    self.lost += not deliveries
                    active.touched += active.behaviour.touched(packet, deliveries, now)
                    for delivery in deliveries:
                        active.hold(delivery)
                    self._go_on(active.due(now), names[index + 1 :], now)
                    break
            else:
                self._out(packet)
