"""Links, addresses and routes of a host.  Source: rtnetlink(7), include/uapi/linux/if_link.h."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6

from halfopen.probes import namespaces, netlink
from halfopen.probes.netlink import attribute, attributes

_ROUTE = 0  # NETLINK_ROUTE
_EXCLUSIVE, _CREATE, _REPLACE = 0x200, 0x400, 0x100
_NEW_LINK, _GET_LINK, _NEW_ADDRESS, _GET_ADDRESS = 16, 18, 20, 22
_NEW_ROUTE, _DEL_ROUTE = 24, 25

_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, changed
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix, flags, scope, index
_ROUTE_HEAD = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_UP = 1  # IFF_UP
_HARDWARE, _NAME, _MTU, _PEER, _STATE, _INFO, _BY_FD = 1, 3, 4, 5, 16, 18, 28  # IFLA_*
_CARRIES = 6  # IF_OPER_UP, RFC 2863
_KIND, _DATA, _VETH_PEER = 1, 2, 1  # IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER
_ADDRESS_OF, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL
_TO, _VIA = 1, 5  # RTA_DST, RTA_GATEWAY
_TENTATIVE = 0x40  # IFA_F_TENTATIVE, include/uapi/linux/if_addr.h
_MAIN, _STATIC, _UNIVERSE, _NOWHERE, _UNICAST = 254, 4, 0, 255, 1  # RT_TABLE_, RTPROT_, RT_SCOPE_
_LINK_SCOPE = 253  # RT_SCOPE_LINK


@dataclass(frozen=True)
class LinkInfo:
    """An interface of a host.

    Attributes:
        index: in its namespace.
        name: likewise.
        mac: its hardware address, as `02:00:00:00:00:01`.
        mtu: bytes of an IP packet.
        peer: index of the other end in the other end's namespace; 0 if there is none.
        carries: whether the kernel sends packets through it: its operational state is up.  It is
            that up to a second after both ends of a link were set up, when a worker of the kernel
            has heard of it (net/core/link_watch.c, linkwatch_do_dev); until then what is sent
            vanishes, and no error says so (net/sched/sch_generic.c, noop_enqueue).
    """

    index: int
    name: str
    mac: str
    mtu: int
    peer: int
    carries: bool


class Routing:
    """What the kernel is told and asked about one host; made by :func:`routing`."""

    def __init__(self, kernel: netlink.RequestSocket) -> None:
        self._kernel = kernel

    def links(self) -> list[LinkInfo]:
        """All interfaces."""
        empty = _LINK.pack(0, 0, 0, 0, 0)
        return [_link(payload) for _, payload in self._kernel.dump(_GET_LINK, empty)]

    def link(self, name: str) -> LinkInfo:
        """The interface of that name.

        Since Linux 6.8 to ask for one is enough to make it carry packets that is about to.

        Raises:
            OSError: if there is none.
        """
        request = _LINK.pack(0, 0, 0, 0, 0) + _text(_NAME, name)
        try:
            found = self._kernel.get(_GET_LINK, request)
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
            found = None
        if found is None:
            raise OSError(f"there is no interface {name!r}")
        return _link(found)

    def add_veth(self, name: str, peer: str, host: str) -> None:
        """Add a link: one end here, the other, `peer`, at another host."""
        empty = _LINK.pack(0, 0, 0, 0, 0)
        with (namespaces.NAMESPACES / host).open("rb") as place:
            there = attribute(_BY_FD, struct.pack("=I", place.fileno()))
            far = attribute(_VETH_PEER, empty + _text(_NAME, peer) + there, nested=True)
            info = _text(_KIND, "veth") + attribute(_DATA, far, nested=True)
            body = empty + _text(_NAME, name) + attribute(_INFO, info, nested=True)
            self._kernel.ask(_NEW_LINK, _CREATE | _EXCLUSIVE, body)

    def set_up(self, index: int, up: bool = True) -> None:
        """Set an interface up or down."""
        self._kernel.ask(_NEW_LINK, 0, _LINK.pack(0, 0, index, _UP if up else 0, _UP))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give an interface an address, which it has before others can find an IPv6 one."""
        family, packed = _packed(address)
        body = _ADDRESS.pack(family, prefix, 0, _UNIVERSE, index)
        body += attribute(_ADDRESS_OF, packed) + attribute(_LOCAL, packed)
        self._kernel.ask(_NEW_ADDRESS, _CREATE | _EXCLUSIVE, body)

    def found_by_neighbours(self) -> set[int]:
        """Interfaces all of whose IPv6 addresses neighbours can find, among them a link-local one.

        The kernel joins the group in which neighbours ask for an address, and then uses it, in a
        worker of its own (net/ipv6/addrconf.c, addrconf_dad_work); on a machine without time that
        is late, and who has asked in vain asks again after a second.
        """
        local, tentative = set(), set()
        for _, payload in self._kernel.dump(_GET_ADDRESS, _ADDRESS.pack(AF_INET6, 0, 0, 0, 0)):
            _, _, flags, scope, index = _ADDRESS.unpack_from(payload)
            if flags & _TENTATIVE:
                tentative.add(index)
            if scope == _LINK_SCOPE:
                local.add(index)
        return local - tentative

    def add_route(self, subnet: str, gateway: str) -> None:
        """Send packets for `subnet` by way of `gateway`; whatever route it had is replaced."""
        body = _route(subnet, gateway, _STATIC, _UNIVERSE, _UNICAST)
        self._kernel.ask(_NEW_ROUTE, _CREATE | _REPLACE, body)

    def remove_route(self, subnet: str, gateway: str) -> None:
        """Take a route away."""
        self._kernel.ask(_DEL_ROUTE, 0, _route(subnet, gateway, 0, _NOWHERE, 0))


@contextlib.contextmanager
def routing(host: str) -> Iterator[Routing]:
    """Speak with the kernel about a host; what it refuses in the block ends that by an OSError.

    Raises:
        OSError: if there is no namespace of that name, or the kernel refuses.
    """
    with namespaces.visiting(host):  # a socket stays in the namespace that it was made in
        kernel = netlink.RequestSocket(_ROUTE)
    try:
        yield Routing(kernel)
    finally:
        kernel.close()


def _link(payload: bytes) -> LinkInfo:
    parts = attributes(payload, _LINK.size)
    mtu, peer, state = (_number(parts, each) for each in (_MTU, _PEER, _STATE))
    return LinkInfo(
        index=_LINK.unpack_from(payload)[2],
        name=parts[_NAME].rstrip(b"\0").decode(),
        mac=parts.get(_HARDWARE, b"").hex(":"),
        mtu=mtu,
        peer=peer,
        carries=state == _CARRIES,
    )


def _route(subnet: str, gateway: str, protocol: int, scope: int, kind: int) -> bytes:
    network = ipaddress.ip_network(subnet)
    family, via = _packed(gateway)
    body = _ROUTE_HEAD.pack(family, network.prefixlen, 0, 0, _MAIN, protocol, scope, kind, 0)
    to = attribute(_TO, network.network_address.packed) if network.prefixlen else b""
    return body + to + attribute(_VIA, via)


def _packed(address: str) -> tuple[int, bytes]:
    found = ipaddress.ip_address(address)
    return (AF_INET if found.version == 4 else AF_INET6), found.packed


def _text(kind: int, text: str) -> bytes:
    return attribute(kind, text.encode() + b"\0")


def _number(parts: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(parts.get(kind, b"")[:4], "little")
