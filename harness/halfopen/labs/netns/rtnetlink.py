"""Inside the sandbox: links, addresses and routes of a host, by netlink.

A general library takes longer to import than everything else of the agent together, and forks a
process for every namespace that it speaks with.  Source: rtnetlink(7),
include/uapi/linux/{rtnetlink,if_link,if_addr,veth}.h.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from halfopen.labs.netns.inside import inside
from halfopen.probes import netlink
from halfopen.probes.namespaces import NAMESPACES
from halfopen.probes.netlink import attribute

_NEWLINK, _GETLINK, _NEWADDR, _NEWROUTE, _DELROUTE = 16, 18, 20, 24, 25
_REPLACE, _EXCLUSIVE, _CREATE = 0x100, 0x200, 0x400  # NLM_F_...

_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix, flags, scope, index
# struct rtmsg: family, lengths of destination and source, tos; table, protocol, scope, type; flags
_ROUTE = struct.Struct("=BBBBBBBBI")
_NUMBER = struct.Struct("=I")

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK = 1, 3, 4, 5
_IFLA_LINKINFO, _IFLA_NET_NS_FD = 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_GATEWAY = 1, 5

_IFF_UP = 1
_IFA_F_NODAD = 0x02
_RT_TABLE_MAIN, _RTPROT_STATIC, _RTN_UNICAST = 254, 4, 1
_RT_SCOPE_UNIVERSE, _RT_SCOPE_NOWHERE = 0, 255


@dataclass(frozen=True)
class Link:
    """An interface of a host.

    Attributes:
        index: in its namespace.
        name: likewise.
        mac: its hardware address, as `02:00:00:00:00:01`.
        mtu: octets of an IP packet.
        peer: index of the other end in the other end's namespace; 0 if there is none.
    """

    index: int
    name: str
    mac: str
    mtu: int
    peer: int


class Routing:
    """What the kernel is told and asked about one host; made by :func:`routing`."""

    def __init__(self, requests: netlink.Requests) -> None:
        self._requests = requests

    def links(self) -> list[Link]:
        """All interfaces.

        Raises:
            OSError: if the kernel refuses.
        """
        found = []
        for kind, payload in self._requests.dump(_GETLINK, _LINK.pack(0, 0, 0, 0, 0)):
            if kind == _NEWLINK:
                _, _, index, _, _ = _LINK.unpack_from(payload)
                known = netlink.attributes(payload, _LINK.size)
                name = known[_IFLA_IFNAME].rstrip(b"\0").decode()
                mac = known.get(_IFLA_ADDRESS, b"").hex(":")
                mtu, peer = (_number(known.get(each)) for each in (_IFLA_MTU, _IFLA_LINK))
                found.append(Link(index, name, mac, mtu, peer))
        return found

    def link(self, name: str) -> Link:
        """The interface of that name.

        Raises:
            OSError: if there is none.
        """
        for link in self.links():
            if link.name == name:
                return link
        raise OSError(f"there is no interface {name!r}")

    def add_veth(self, name: str, peer: str, host: str) -> None:
        """Add a link: one end here, the other, `peer`, at another host."""
        with (NAMESPACES / host).open("rb") as there:
            far = attribute(_IFLA_IFNAME, peer.encode() + b"\0")
            far += attribute(_IFLA_NET_NS_FD, _NUMBER.pack(there.fileno()))
            far = attribute(_VETH_INFO_PEER, _LINK.pack(0, 0, 0, 0, 0) + far, nested=True)
            info = attribute(_IFLA_INFO_KIND, b"veth\0")
            info += attribute(_IFLA_INFO_DATA, far, nested=True)
            body = _LINK.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name.encode() + b"\0")
            body += attribute(_IFLA_LINKINFO, info, nested=True)
            self._requests.ask(_NEWLINK, _CREATE | _EXCLUSIVE, body)

    def set_up(self, index: int, up: bool = True) -> None:
        """Set an interface up or down."""
        self._requests.ask(_NEWLINK, 0, _LINK.pack(0, 0, index, _IFF_UP if up else 0, _IFF_UP))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give an interface an address; nobody is asked whether another has it."""
        family, octets = _parse(address)
        # Duplicate address detection would keep an IPv6 address unusable for a second.
        flags = _IFA_F_NODAD if family == socket.AF_INET6 else 0
        body = _ADDRESS.pack(family, prefix, flags, _RT_SCOPE_UNIVERSE, index)
        body += attribute(_IFA_LOCAL, octets) + attribute(_IFA_ADDRESS, octets)
        self._requests.ask(_NEWADDR, _CREATE | _EXCLUSIVE, body)

    def add_route(self, subnet: str, gateway: str) -> None:
        """Send packets for `subnet` by way of `gateway`; whatever route it had is replaced."""
        body = _route(subnet, gateway, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE)
        self._requests.ask(_NEWROUTE, _CREATE | _REPLACE, body)

    def remove_route(self, subnet: str, gateway: str) -> None:
        """Take a route away."""
        self._requests.ask(_DELROUTE, 0, _route(subnet, gateway, 0, _RT_SCOPE_NOWHERE))


@contextlib.contextmanager
def routing(host: str) -> Iterator[Routing]:
    """Speak with the kernel about a host.  Every method raises OSError if the kernel refuses.

    Raises:
        OSError: if there is no namespace of that name.
    """
    # A socket stays in the namespace that it was made in, whoever uses it.
    requests = inside(host, lambda: netlink.Requests(netlink.ROUTE))
    try:
        yield Routing(requests)
    finally:
        requests.close()


def _route(subnet: str, gateway: str, protocol: int, scope: int) -> bytes:
    network = ipaddress.ip_network(subnet)
    family, by_way_of = _parse(gateway)
    body = _ROUTE.pack(
        family, network.prefixlen, 0, 0, _RT_TABLE_MAIN, protocol, scope, _RTN_UNICAST, 0
    )
    body += attribute(_RTA_DST, network.network_address.packed)
    return body + attribute(_RTA_GATEWAY, by_way_of)


def _parse(address: str) -> tuple[int, bytes]:
    parsed = ipaddress.ip_address(address)
    return (socket.AF_INET if parsed.version == 4 else socket.AF_INET6), parsed.packed


def _number(data: bytes | None) -> int:
    return _NUMBER.unpack(data)[0] if data else 0
