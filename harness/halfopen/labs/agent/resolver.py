"""The names of the hosts, and the resolver that each endpoint asks for them.

The resolver's socket lies in the host's network namespace, at 127.0.0.1:53; the agent answers it.
`/etc/resolv.conf`, `/etc/hosts` and `/etc/nsswitch.conf` are covered by files of our own in the
sandbox's mount namespace: the machine's are untouched, and its own names are not seen.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halfopen.errors import LabError
from halfopen.probes import namespaces
from halfopen.probes.namespaces import run_in
from halfopen.verbs import Answer

_FILES = {
    # The usual five seconds and two attempts would make one failure outlast a scaled scenario.
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
    # Many a program looks up the name of its own machine when it starts.
    "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {socket.gethostname()}\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}
_OURS = Path("/run/halfopen")
_TTL_S = 0  # a cache would outlive the fault
_RESERVED = "test"  # RFC 6761, section 6.2
_NOBODY = 250  # last octet of an address in the right network, at which there is no host


def cover_files() -> None:
    """Let every program of the sandbox ask the resolver of its host.

    Raises:
        LabError: if a file cannot be covered.
    """
    _OURS.mkdir(exist_ok=True)
    for name, text in _FILES.items():
        target = Path(name).resolve()
        if not target.exists():
            if not Path(name).is_symlink():
                continue  # then the library's defaults hold: 127.0.0.1, files and DNS
            # Into /run, which is the sandbox's own: that of systemd-resolved, for example.
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        ours = _OURS / target.name
        ours.write_text(text)
        try:
            namespaces.bind(ours, target)
        except OSError as error:
            raise LabError(f"{name} cannot be replaced inside the lab: {error}") from error


class Resolver(asyncio.DatagramProtocol):
    """Answers the questions of one host (RFC 1035).

    Args:
        host: who asks.
        addresses: of all hosts by name.

    Attributes:
        answer: how it answers.
        misled: questions since then that it did not answer rightly.
    """

    def __init__(self, host: str, addresses: Mapping[str, str]) -> None:
        self._host = host
        self._addresses = addresses
        self._transport: asyncio.DatagramTransport | None = None
        self.answer: Answer = "right"
        self.misled = 0

    async def open(self) -> None:
        """Listen in the host's namespace."""
        sock = await asyncio.to_thread(run_in, self._host, _bound)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=sock)

    def connection_made(self, transport: Any) -> None:
        """It listens."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """A question came."""
        self.misled += self.answer != "right"
        reply = None if self.answer == "silent" else self.reply(data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)

    def reply(self, data: bytes) -> bytes | None:
        """What to say to a question; None if it is none."""
        # Most runs ask for no name: those that do wait for this once.
        from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSError, DNSRecord

        try:
            question = DNSRecord.parse(data)
            name = str(question.q.qname).rstrip(".").lower()
        except (DNSError, ValueError):
            return None
        reply = question.reply()
        host, _, rest = name.partition(".")
        address = self._addresses.get(host) if rest in ("", _RESERVED) else None
        if self.answer == "refused":
            reply.header.rcode = RCODE.REFUSED
        elif self.answer == "no such name" or address is None:
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            where = ipaddress.ip_address(address)
            if self.answer == "wrong address":
                where = nobody(where)
            kind, data_of = ("A", A) if where.version == 4 else ("AAAA", AAAA)
            if QTYPE[question.q.qtype] == kind:  # else: the name is there, with no such address
                kind_number = getattr(QTYPE, kind)
                reply.add_answer(
                    RR(question.q.qname, kind_number, rdata=data_of(str(where)), ttl=_TTL_S)
                )
        return bytes(reply.pack())


def nobody(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address in the same network at which there is no host: that of a machine long gone."""
    return type(address)((int(address) & ~0xFF) | _NOBODY)


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 53))
    return sock
