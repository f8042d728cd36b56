"""Inside a sandbox: cases with the kernels' own TCP at both ends."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

from halfopen.errors import UnsupportedError
from halfopen.labs.agent.engines import RunningMiddlebox
from halfopen.middlebox.policy import Policy
from halfopen.model.topology import Family
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.impair import Impair
from halfopen.probes import namespaces
from halfopen.verbs import EndPacketFault, Verb
from tests.conformance.street import BOX, CLIENT_HOST, SERVER_HOST
from tests.conformance.wires import Place

_OCTETS = 1 << 20
_PATIENCE_S = 30.0

KERNEL_CASES: dict[str, Callable[[str, str], None]] = {}


class Pair:
    """A connection of two real sockets over a middlebox."""

    def __init__(
        self,
        engine: str,
        prefix: str,
        family: Family,
        nat: str = "none",
        verbs: tuple[type[Verb], ...] = (),
    ) -> None:
        self.place = place = Place(prefix, family)
        self.middlebox: RunningMiddlebox = place.build(
            engine, asdict(Policy(idle_timeout=60.0, nat=nat)), verbs
        )
        kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
        server = place.address(SERVER_HOST, BOX)
        target = place.address(BOX, CLIENT_HOST) if nat == "destination" else server
        with namespaces.visiting(place.names[SERVER_HOST]):
            self.listener = socket.socket(kind, socket.SOCK_STREAM)
        with namespaces.visiting(place.names[CLIENT_HOST]):
            self.client = socket.socket(kind, socket.SOCK_STREAM)
        for each in (self.listener, self.client):
            each.settimeout(_PATIENCE_S)
        self.listener.bind((server, 514))
        self.listener.listen()
        self.client.connect((target, 514))
        self.server, self.seen = self.listener.accept()
        self.server.settimeout(_PATIENCE_S)

    def do(self, *verbs: Verb) -> None:
        """Do verbs."""

        async def all_of_them() -> None:
            for verb in verbs:
                await self.middlebox.do(verb, {})

        asyncio.run(all_of_them())

    def carry(self, octets: int = _OCTETS) -> float:
        """Bring bytes from the client to the server and back; returns the seconds it took."""
        data = random.Random(octets).randbytes(octets)
        begun = time.monotonic()

        def echo() -> None:
            left = octets
            while left:
                part = self.server.recv(1 << 16)
                left -= len(part)
                self.server.sendall(part)

        def send() -> None:
            self.client.sendall(data)

        threads = [threading.Thread(target=each) for each in (echo, send)]
        for thread in threads:
            thread.start()
        back = hashlib.sha256()
        left = octets
        while left:
            part = self.client.recv(1 << 16)
            assert part, "the connection ended"
            left -= len(part)
            back.update(part)
        for thread in threads:
            thread.join()
        assert back.digest() == hashlib.sha256(data).digest()
        return time.monotonic() - begun

    def close(self) -> None:
        """End all of it."""
        for each in (self.client, self.server, self.listener):
            each.close()
        asyncio.run(self.middlebox.stop())
        assert not self.place.problems


def _carried(family: Family, nat: str) -> Callable[[str, str], None]:
    def play(engine: str, prefix: str) -> None:
        pair = Pair(engine, prefix, family, nat)
        pair.carry()
        hidden = pair.seen[0] != pair.place.address(CLIENT_HOST, BOX)
        assert hidden is (nat == "source")
        pair.close()

    return play


for _family in ("ipv4", "ipv6"):
    for _nat in ("none", "source", "destination"):
        KERNEL_CASES[f"a_megabyte_{_family}_{_nat}"] = _carried(_family, _nat)


def impaired(engine: str, prefix: str) -> None:
    """Every impairment at once slows a connection down and damages nothing."""
    try:
        pair = Pair(engine, prefix, "ipv4", verbs=(Impair, EndPacketFault))
    except UnsupportedError:
        assert engine == "conntrack"
        return
    assert engine != "conntrack"
    pair.carry(1000)
    pair.do(
        Impair(BOX, "line", delay=0.02, jitter=0.01, rate=2_000_000.0),
        Impair(BOX, "dirt", loss=0.01, burst=2.0, reorder=0.0, duplicate=0.05, corrupt=0.01),
        Impair(BOX, "order", delay=0.005, reorder=0.05),
    )
    slow = pair.carry(1 << 17)
    assert slow > 2 * (0.02 - 0.01)
    pair.do(EndPacketFault(BOX, "line"), EndPacketFault(BOX, "dirt"), EndPacketFault(BOX, "order"))
    pair.do(Impair(BOX, "far", delay=0.2))
    assert pair.carry(1000) >= 2 * 0.2  # there and back; nothing is ever early
    pair.do(EndPacketFault(BOX, "far"))
    pair.carry()
    pair.close()


KERNEL_CASES["impaired"] = impaired


def black_hole(engine: str, prefix: str) -> None:
    """Short packets get through, long ones do not, until the block is gone."""
    pair = Pair(engine, prefix, "ipv4", verbs=(Block, EndPacketFault))
    pair.do(Block(BOX, "mtu", longer_than=1000))
    pair.carry(500)
    pair.client.sendall(bytes(5000))
    pair.server.settimeout(1.0)
    try:
        raise AssertionError(f"{len(pair.server.recv(5000))} octets came through")
    except TimeoutError:
        pass
    pair.server.settimeout(_PATIENCE_S)
    pair.do(EndPacketFault(BOX, "mtu"))
    left = 5000
    while left:
        left -= len(pair.server.recv(left))
    pair.close()


KERNEL_CASES["black_hole"] = black_hole
