"""Inside a sandbox: a street of real namespaces, with a middlebox of one engine."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from halfopen.labs.agent import network
from halfopen.labs.agent.engines import MiddleboxSetup, RunningMiddlebox, choose
from halfopen.labs.agent.rtnetlink import routing
from halfopen.labs.forwarder import frames, offload
from halfopen.labs.forwarder.frames import ETHERNET
from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.packet import Flags, Packet, Side
from halfopen.model.effects import Touched
from halfopen.model.topology import Family, HostNetwork, lay_out
from halfopen.probes import namespaces
from halfopen.verbs import Verb
from tests.conformance.street import BOX, CLIENT_HOST, IN, OUT, SERVER_HOST

_SOL_PACKET, _IGNORE_OUTGOING = 263, 23
_ALL = 3
# What is to arrive is waited for; that nothing comes can only be seen for a while.
_PATIENCE_S = 5.0
_QUIET_S = 0.25


class Place:
    """Three namespaces in a row, with names that no other place has."""

    def __init__(self, prefix: str, family: Family = "ipv4") -> None:
        self.names = {host: f"{prefix}-{host}" for host in (CLIENT_HOST, BOX, SERVER_HOST)}
        self.path = tuple(self.names.values())
        self.networks: dict[str, HostNetwork] = lay_out(self.path, family=family)
        for name in self.path:
            network.create_host(name)
        for left, right in zip(self.path, self.path[1:], strict=False):
            network.connect(left, right, self.networks)
            for here, there in ((left, right), (right, left)):
                with namespaces.visiting(here):
                    offload.switch_off(self.networks[here].towards(there).name)
        for name in self.path:
            network.add_routes(name, self.networks[name])
        for name in self.path:
            network.await_usable(name, self.networks[name].interfaces)

    def address(self, host: str, towards: str) -> str:
        """Of one host on its link to another."""
        return self.networks[self.names[host]].towards(self.names[towards]).address

    def build(
        self, engine: str, values: dict[str, Any], verbs: Sequence[type[Verb]] = ()
    ) -> RunningMiddlebox:
        """Put the middlebox up.

        Raises:
            UnsupportedError: if the engine cannot do it.
        """
        chosen = choose(values, [verb.__name__ for verb in verbs], engine)
        name = self.names[BOX]
        addresses = {each: self.networks[each].address for each in self.path}
        addresses |= {host: addresses[each] for host, each in self.names.items()}
        self.problems: list[str] = []
        return chosen.build(
            MiddleboxSetup(
                name=name,
                network=self.networks[name],
                attachment=Attachment.on(self.path, name, self.networks[name], addresses),
                values=values,
                addresses=addresses,
                emit=lambda _: None,
                failed=self.problems.append,
            )
        )


class _Puppet:
    """An end that sends what it is told to; its kernel has no address to answer from."""

    def __init__(self, place: Place, host: str) -> None:
        name, middlebox = place.names[host], place.names[BOX]
        here = place.networks[name].towards(middlebox)
        there = place.networks[middlebox].towards(name)
        with routing(name) as ours, routing(middlebox) as its:
            own, peer = ours.link(here.name).mac, its.link(there.name).mac
        _ip(name, "address", "flush", "dev", here.name)
        neighbour = (here.address, "lladdr", own, "dev", there.name, "nud", "permanent")
        _ip(middlebox, "neighbour", "replace", *neighbour)
        self._header = b"".join(bytes.fromhex(each.replace(":", "")) for each in (peer, own))
        with namespaces.visiting(name):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.socket.bind((here.name, _ALL))
        self.socket.setblocking(False)

    def send(self, packet: Packet) -> None:
        ip = frames.make_tcp(packet, window=65535, payload=bytes(packet.length))
        kind = frames.IPV4 if ip[0] >> 4 == 4 else frames.IPV6
        self.socket.send(self._header + struct.pack("!H", kind) + ip)

    def received(self) -> list[Packet]:
        """The segments that have come; they are checked."""
        found: list[Packet] = []
        while True:
            try:
                frame = self.socket.recv(1 << 16)
            except BlockingIOError:
                return found
            if int.from_bytes(frame[12:14], "big") not in (frames.IPV4, frames.IPV6):
                continue
            ip = frames.read_ip(frame, ETHERNET, len(frame))
            if ip is None or ip.protocol != frames.TCP:
                continue
            again = bytearray(frame)
            frames.finish_tcp(again, ip)
            assert again == frame, "a segment arrives with a wrong checksum"
            packet = frames.read_tcp(frame, ip)
            assert packet is not None
            found.append(packet)


class WireStreet:
    """See :class:`tests.conformance.street.Street`.

    Args:
        engine: that plays the middlebox.
        prefix: of the namespaces' names.
        values: of the profile.
        verbs: that will be asked.
    """

    def __init__(
        self,
        engine: str,
        prefix: str,
        values: dict[str, Any],
        verbs: Sequence[type[Verb]],
        family: Family = "ipv4",
    ) -> None:
        self.engine = engine
        self._place = place = Place(prefix, family)
        self.client, self.server = (place.address(h, BOX) for h in (CLIENT_HOST, SERVER_HOST))
        self.inward, self.outward = (place.address(BOX, h) for h in (CLIENT_HOST, SERVER_HOST))
        self._ends = {IN: _Puppet(place, CLIENT_HOST), OUT: _Puppet(place, SERVER_HOST)}
        self._box = place.build(engine, values, verbs)
        self._early: dict[Side, list[Packet]] = {IN: [], OUT: []}

    @property
    def now(self) -> float:
        """Seconds."""
        return time.monotonic()

    def wait_until(self, moment: float) -> None:
        """Silence is what is tested: nothing else is waited for."""
        time.sleep(max(0.0, moment - time.monotonic()))

    def exchange(self, packet: Packet, side: Side, expected: str) -> Packet | None:
        """See :class:`tests.conformance.street.Street`."""
        self._ends[side].send(packet)
        deadline = self.now + (_QUIET_S if expected == "drop" else _PATIENCE_S)
        while True:
            for where, found in self._arrivals(deadline):
                passed = where is side.other and _same(found, packet)
                refused = where is side and bool(found.flags & Flags.RST)
                if (passed and expected != "reset") or (refused and expected != "pass"):
                    return found
                self._early[where].append(found)
            if self.now >= deadline:
                return None

    def told(self, side: Side) -> Packet:
        """See :class:`tests.conformance.street.Street`."""
        deadline = self.now + _PATIENCE_S
        while not self._early[side]:
            assert self.now < deadline, f"nothing is told to the end {side.value}"
            for where, found in self._arrivals(deadline):
                self._early[where].append(found)
        return self._early[side].pop(0)

    def do(self, verb: Verb) -> Touched:
        """Do a verb."""

        async def ask() -> Touched:
            return await self._box.do(verb, {})

        return asyncio.run(ask())

    def close(self) -> None:
        """Stop the middlebox.

        Raises:
            AssertionError: if it had broken before.
        """
        asyncio.run(self._box.stop())
        assert not self._place.problems

    def _arrivals(self, deadline: float) -> list[tuple[Side, Packet]]:
        sockets = {end.socket: side for side, end in self._ends.items()}
        ready, _, _ = select.select(list(sockets), [], [], max(0.0, deadline - self.now))
        return [
            (sockets[each], packet)
            for each in ready
            for packet in self._ends[sockets[each]].received()
        ]


def _ip(host: str, *arguments: str) -> None:
    with namespaces.visiting(host):
        subprocess.run(["ip", *arguments], check=True, timeout=30)


def _same(found: Packet, sent: Packet) -> bool:
    return (found.flags, found.seq, found.length) == (sent.flags, sent.seq, sent.length)
