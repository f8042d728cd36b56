"""Binding of the addresses that a receiver listens on."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relpio.net.addresses import Address
from relpio.net.listening import Bound, bound_socket
from relpio.net.passed import PassedAddress, PassedSockets

__all__ = ["BoundListener", "ListenAddress", "bind_all"]

ListenAddress = Address | PassedAddress


class BoundListener(NamedTuple):
    """A bound socket, and whether its clients have to speak TLS."""

    bound: Bound
    protected: bool

    @property
    def where(self) -> tuple[str, int | None]:
        """Host and port, or `unix:PATH` and None."""
        sock = self.bound.sock
        name = sock.getsockname()
        if sock.family == socket.AF_UNIX:
            return f"unix:{os.fsdecode(name)}", None
        return str(name[0]), int(name[1])


async def bind_all(
    listen: Sequence[ListenAddress],
    listen_plain: Sequence[ListenAddress] = (),
    *,
    tls: bool,
    environment: Mapping[str, str] = os.environ,
) -> list[BoundListener]:
    """Bind all addresses, or none.

    Args:
        listen: those that speak TLS if `tls` says so, except Unix sockets.
        listen_plain: those that never do.
        tls: whether there is any TLS.
        environment: what the service manager passed.

    Raises:
        OSError: an address cannot be used; the text says which and why.
    """
    passed = PassedSockets(environment)
    wanted = [(address, tls) for address in listen] + [(address, False) for address in listen_plain]
    # Last what takes everything that nobody named.
    wanted.sort(key=lambda each: isinstance(each[0], PassedAddress) and not each[0].name)
    found: list[BoundListener] = []
    try:
        for address, protected in wanted:
            if isinstance(address, PassedAddress):
                sockets = [Bound(sock) for sock in passed.take(address)]
            else:
                sockets = [await bound_socket(address)]
            found += [
                BoundListener(bound, protected and bound.sock.family != socket.AF_UNIX)
                for bound in sockets
            ]
    except OSError:
        for each in found:
            each.bound.close()
        raise
    return found
