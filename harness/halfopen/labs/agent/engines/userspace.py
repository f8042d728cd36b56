"""A middlebox played by our own flow table between packet sockets, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from halfopen.errors import UnsupportedError
from halfopen.labs.agent import network
from halfopen.labs.agent.engines._engine import Engine, MiddleboxSetup
from halfopen.labs.forwarder.flow_table_verbs import HANDLERS
from halfopen.labs.rpc import Message, Peer
from halfopen.middlebox.policy import Policy
from halfopen.model.effects import Touched, touched_from_json
from halfopen.model.topology import Interface
from halfopen.packet_faults import all_packet_faults
from halfopen.verbs import EndPacketFault, Verb, verb_to_json

_START_S = 30.0
_ANSWER_S = 30.0
_END_S = 5.0

# The middlebox's kernel answers ARP, neighbour discovery and pings, and forwards nothing.
_NO_FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")

# It would answer with RST what comes to an address behind which the flow table knows a host.
_KEEP_OUT = """
table inet userspace {
 chain own {
  type filter hook input priority 0; policy accept;
  meta l4proto tcp drop
 }
}
"""


class UserspaceMiddlebox:
    """See :class:`halfopen.labs.agent.engines.RunningMiddlebox`."""

    def __init__(self, setup: MiddleboxSetup) -> None:
        self._setup = setup
        self._ending = False
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        inside, outside = setup.attachment.inside, setup.attachment.outside
        orders = {
            "host": setup.name,
            "values": dict(setup.values),
            "seed": setup.name,
            "samples": {
                "heartbeat_s": setup.rhythm.heartbeat_s,
                "longest_s": setup.rhythm.longest_s,
            },
            "public": {"6" if ":" in outside.address else "4": outside.address},
            "servers": {inside.address: setup.attachment.server},
            "pool": list(setup.attachment.pool.values()),
            "links": {
                "inside": _link(setup.name, inside),
                "outside": _link(setup.name, outside),
            },
        }
        known = {key: "0" for key in _NO_FORWARDING if network.sysctl(key).exists()}
        network.set_sysctls(setup.name, known)
        if setup.values.get("nat", "none") != "none":
            network.nft(setup.name, "-f", "-", text=_KEEP_OUT)
        # nsenter replaces itself by the engine, which dies with the sandbox as all in it does.
        self._process = subprocess.Popen(
            [
                "nsenter",
                f"--net={network.NAMESPACES / setup.name}",
                "--",
                *(sys.executable, "-m", "halfopen.labs.forwarder"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        self._peer = Peer(self, self._write, self._stderr_tail)
        self._reader = threading.Thread(
            target=self._read, name=f"engine of {setup.name}", daemon=True
        )
        self._reader.start()
        self._peer.ask("play", **orders).result(_START_S)

    async def do(self, verb: Verb, _: Mapping[str, str]) -> Touched:
        """Do a verb now."""
        # By the addresses as they are met here: another middlebox may have translated them.
        known = dict(self._setup.addresses)
        answer = await self._peer.call(
            "verb", within=_ANSWER_S, verb=verb_to_json(verb), addresses=known
        )
        return touched_from_json(answer)

    async def packets(self, name: str) -> int:
        """As the engine has counted."""
        return int(await self._peer.call("packets", within=_ANSWER_S, name=name))

    async def sample(self) -> None:
        """Record everything now; all of it is recorded when this returns."""
        await self._peer.call("sample", within=_ANSWER_S)

    async def stop(self) -> None:
        """Take a last sample and end."""
        await self.sample()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._ending = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_END_S)
        self._reader.join(_END_S)

    def on_record(self, message: Message) -> None:
        """`record`: what the engine has seen."""
        self._setup.emit(message["record"])
        if message["record"]["kind"] == "conntrack":  # a state has changed, or it is time
            self._setup.stirs.stir()

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _read(self) -> None:
        """Thread body: hand over what the engine writes."""
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 1 << 16):
            self._peer.take(data)
        if self._ending:
            return
        self._process.wait()
        self._peer.end()
        self._setup.failed(self._stderr_tail())

    def _stderr_tail(self) -> str:
        self._said.seek(0)
        said = self._said.read()[-2000:].decode(errors="replace").strip()
        return f"the engine of {self._setup.name} has ended: {said or 'no output'}"


def _link(host: str, interface: Interface) -> dict[str, Any]:
    """What the engine must know of a link, both ends of which are made to carry true packets."""
    network.carry_true_packets(host, interface)
    own, peer = network.ends(host, interface)
    return {
        "interface": interface.name,
        "own": own.mac,
        "peer": peer.mac,
        "mtu": own.mtu,
        "addresses": [interface.address],
    }


def _cannot(values: Mapping[str, Any]) -> Sequence[str]:
    try:
        Policy.of(values)
    except UnsupportedError as error:
        return (str(error),)
    return ()


USERSPACE = Engine(
    name="userspace",
    verbs=frozenset({*HANDLERS, EndPacketFault, *all_packet_faults()}),
    cannot=_cannot,
    build=UserspaceMiddlebox,
)
