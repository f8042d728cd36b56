"""Inside the sandbox: packets a second through the userspace engine, and per second of its CPU.

Arguments: runs, directory (not used).  A segment of 1448 bytes of data in an established flow,
again and again, at most `_WINDOW` of them on their way; the goal is the bound.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import psutil
from pyroute2 import IPRoute

from halfopen.labs.agent import network
from halfopen.labs.agent.engines import MiddleboxSetup
from halfopen.labs.agent.engines.userspace import UserspaceMiddlebox
from halfopen.labs.forwarder import frames
from halfopen.labs.forwarder.link import Link
from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet
from halfopen.model.topology import lay_out
from halfopen.probes import namespaces

NAME = "userspace-forwarding"
GOAL = 50_000.0
_PATH = ("client", "firewall", "server")
_SECONDS = 3.0
_WINDOW = 512
_PATIENCE = 0.05
_BATCH = 128
_OCTETS = 1448


def _build(networks: Mapping[str, Any]) -> UserspaceMiddlebox:
    network.NAMESPACES.mkdir(parents=True, exist_ok=True)
    for host in _PATH:
        network.create_host(host)
    network.connect("client", "firewall", networks)
    network.connect("firewall", "server", networks)
    for host in _PATH:
        network.add_routes(host, networks[host])
    for host in _PATH:
        network.await_usable(host, networks[host].interfaces)
    addresses = {name: each.address for name, each in networks.items()}
    values = {"idle_timeout": 3600.0}
    here = networks["firewall"]
    setup = MiddleboxSetup(
        "firewall",
        here,
        Attachment.on(_PATH, "firewall", here, addresses),
        values,
        addresses,
        lambda _: None,
        _give_up,
    )
    return UserspaceMiddlebox(setup)


def _give_up(reason: str) -> None:
    raise SystemExit(reason)


class _End:
    """A host that speaks in frames of its own making."""

    def __init__(self, host: str, interface: str, gateway: str) -> None:
        with namespaces.visiting(host):
            self.link = Link(interface, 1500)
        with IPRoute(netns=host) as route:
            own = route.get_links(route.link_lookup(ifname=interface)[0])[0]
        with IPRoute(netns=gateway) as route:
            peer = route.get_links(own.get_attr("IFLA_LINK"))[0]
        macs = (peer.get_attr("IFLA_ADDRESS"), own.get_attr("IFLA_ADDRESS"))
        self._header = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in macs) + b"\x08\x00"

    def frame(self, packet: Packet, payload: bytes = b"") -> bytes:
        return self._header + frames.make_tcp(packet, payload=payload)

    def send(self, packet: Packet) -> None:
        self.link.queue([self.frame(packet)])
        self.link.flush()

    def received(self) -> int:
        """TCP segments that have come since the last call."""
        ring, count, segments = self.link.ring, 0, 0
        while count < _BATCH and (taken := ring.take()) is not None:
            count += 1
            segments += ring.memory[taken[0] + 23] == frames.TCP
        ring.give_back(count)
        return segments

    def wait(self) -> None:
        deadline = time.monotonic() + 10
        while not self.received():
            if time.monotonic() > deadline:
                raise SystemExit("nothing gets through")


def _measure(client: _End, server: _End, segment: bytes, engine: psutil.Process) -> float:
    """Packets a second of the engine's CPU time."""
    batch = [segment] * _BATCH
    sent = came = lost = 0
    before, begun = engine.cpu_times(), time.monotonic()
    last = begun
    while time.monotonic() - begun < _SECONDS:
        if sent - came < _WINDOW:
            client.link.queue(batch)
            client.link.flush()
            sent += _BATCH
        if news := server.received():
            came, last = came + news, time.monotonic()
        elif time.monotonic() - last > _PATIENCE:  # the kernel's own queues were full
            lost, sent, last = lost + sent - came, came, time.monotonic()
    after, took = engine.cpu_times(), time.monotonic() - begun
    spent = after.user + after.system - before.user - before.system
    print(
        f"  {came / took:12,.0f} packets/s, {came / spent:12,.0f} per second of CPU, "
        f"{spent / took:5.0%} of a core, {lost} lost",
        file=sys.stderr,
        flush=True,
    )
    return came / spent


def main() -> None:
    """Print the figures as JSON."""
    runs = int(sys.argv[1])
    networks = lay_out(_PATH)
    box = _build(networks)
    (engine,) = (
        process
        for process in psutil.Process().children()
        if "halfopen.labs.forwarder" in process.cmdline()
    )
    client = _End("client", networks["client"].interfaces[0].name, "firewall")
    server = _End("server", networks["server"].interfaces[0].name, "firewall")
    # Nobody's own addresses: the hosts' kernels would answer with RST.
    client_address, server_address = (
        networks[host].address.rpartition(".")[0] + ".77" for host in ("client", "server")
    )
    there = Addresses(Endpoint(client_address, 40000), Endpoint(server_address, 9))
    for end, other, packet in (
        (client, server, Packet(there, Flags.SYN, seq=0)),
        (server, client, Packet(there.reverse, Flags.SYN | Flags.ACK, seq=0, ack=1)),
        (client, server, Packet(there, Flags.ACK, seq=1, ack=1)),
    ):
        end.send(packet)
        other.wait()
    segment = client.frame(Packet(there, Flags.ACK, seq=1, ack=1), bytes(_OCTETS))
    found = [_measure(client, server, segment, engine) for _ in range(runs)]
    asyncio.run(box.stop())
    median = statistics.median(found)
    print(
        json.dumps(
            {
                "name": NAME,
                "ratio": round(median / GOAL, 2),
                "goal": 1.0,
                "ours": round(median),
                "theirs": GOAL,
                "unit": "packets per second of CPU; theirs is the bound",
                "pairs": [[round(each), GOAL] for each in found],
            }
        )
    )


if __name__ == "__main__":
    main()
