"""Sockets that a service manager opened and passed to this process: socket activation.

systemd passes them as the descriptors from 3 on, and says in LISTEN_PID, LISTEN_FDS and
LISTEN_FDNAMES for whom, how many, and what they are called (sd_listen_fds(3)).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["PassedAddress", "PassedSockets"]

_FIRST = 3  # SD_LISTEN_FDS_START


class PassedAddress(NamedTuple):
    """Sockets passed under a name (`FileDescriptorName=`); an empty one means all that are left."""

    name: str

    def __str__(self) -> str:
        """Write it as on the command line."""
        return f"systemd:{self.name}" if self.name else "systemd"


class PassedSockets:
    """The sockets that were passed to this process; each can be taken once."""

    def __init__(self, environment: Mapping[str, str] = os.environ, *, first: int = _FIRST) -> None:
        """Read what `environment` says; `first` is the descriptor of the first one."""
        self._left: list[tuple[str, int]] = []
        count = environment.get("LISTEN_FDS", "")
        if environment.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
            return
        names = environment.get("LISTEN_FDNAMES", "").split(":")
        names += [""] * (int(count) - len(names))
        self._left = [(names[at], first + at) for at in range(int(count))]

    def take(self, address: PassedAddress) -> list[socket.socket]:
        """Return the stream sockets of that name, not blocking.

        Raises:
            OSError: there is none, or one is not a stream socket that listens.
        """
        return [_listening(descriptor, address) for descriptor in self._taken(address)]

    def take_any(self, address: PassedAddress) -> list[socket.socket]:
        """Return the stream and datagram sockets of that name, not blocking.

        Raises:
            OSError: there is none, or one is a stream socket that does not listen, or another type.
        """
        return [
            _listening(descriptor, address, datagram=True) for descriptor in self._taken(address)
        ]

    def _taken(self, address: PassedAddress) -> list[int]:
        taken = [each for each in self._left if address.name in ("", each[0])]
        self._left = [each for each in self._left if each not in taken]
        if not taken:
            named = f" with FileDescriptorName={address.name}" if address.name else ""
            raise OSError(
                f"cannot listen on {address}: systemd passed no socket{named}; start the socket "
                "unit of this service, or listen on HOST:PORT"
            )
        return [descriptor for _, descriptor in taken]


def _listening(descriptor: int, address: PassedAddress, *, datagram: bool = False) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot listen on {address}: descriptor {descriptor}: {reason}") from None
    listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    good = sock.type == socket.SOCK_STREAM and listens
    if not (good or (datagram and sock.type == socket.SOCK_DGRAM)):
        sock.detach()
        what, use = "a stream socket that listens", "ListenStream="
        if datagram:
            what, use = f"a datagram socket or {what}", f"ListenDatagram=, or {use}"
        raise OSError(
            f"cannot listen on {address}: descriptor {descriptor} is not {what}; use {use} and "
            "Accept=no"
        )
    sock.setblocking(False)
    sock.set_inheritable(False)
    return sock
