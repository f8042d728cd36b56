"""Links, addresses and routes of a host, by rtnetlink(7)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyroute2 import IPRoute, NetlinkError

from halfopen.probes import namespaces

_NO_DAD = 0x02  # IFA_F_NODAD, include/uapi/linux/if_addr.h


@dataclass(frozen=True)
class LinkInfo:
    """An interface of a host.

    Attributes:
        index: in its namespace.
        name: likewise.
        mac: its hardware address, as `02:00:00:00:00:01`.
        mtu: bytes of an IP packet.
        peer: index of the other end in the other end's namespace; 0 if there is none.
    """

    index: int
    name: str
    mac: str
    mtu: int
    peer: int


class Routing:
    """What the kernel is told and asked about one host; made by :func:`routing`."""

    def __init__(self, kernel: IPRoute) -> None:
        self._kernel = kernel

    def links(self) -> list[LinkInfo]:
        """All interfaces."""
        return [
            LinkInfo(
                each["index"],
                each.get_attr("IFLA_IFNAME"),
                each.get_attr("IFLA_ADDRESS"),
                each.get_attr("IFLA_MTU"),
                each.get_attr("IFLA_LINK") or 0,
            )
            for each in self._kernel.get_links()
        ]

    def link(self, name: str) -> LinkInfo:
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
        far = {"ifname": peer, "net_ns_fd": host}
        self._kernel.link("add", ifname=name, kind="veth", peer=far)

    def set_up(self, index: int, up: bool = True) -> None:
        """Set an interface up or down."""
        self._kernel.link("set", index=index, state="up" if up else "down")

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give an interface an address; nobody is asked whether another has it."""
        # Duplicate address detection would keep an IPv6 address unusable for a second.
        flags: dict[str, Any] = {"flags": _NO_DAD} if ":" in address else {}
        self._kernel.addr("add", index=index, address=address, prefixlen=prefix, **flags)

    def add_route(self, subnet: str, gateway: str) -> None:
        """Send packets for `subnet` by way of `gateway`; whatever route it had is replaced."""
        self._kernel.route("replace", dst=subnet, gateway=gateway)

    def remove_route(self, subnet: str, gateway: str) -> None:
        """Take a route away."""
        self._kernel.route("del", dst=subnet, gateway=gateway)


@contextlib.contextmanager
def routing(host: str) -> Iterator[Routing]:
    """Speak with the kernel about a host; what it refuses in the block ends that by an OSError.

    Raises:
        OSError: if there is no namespace of that name, or the kernel refuses.
    """
    # A socket stays in the namespace that it was made in; with the library's own way to name one, a
    # process is forked each time that makes the socket there.
    with namespaces.visiting(host):
        kernel = IPRoute()
    try:
        yield Routing(kernel)
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code)) from error
    finally:
        kernel.close()
