"""As much of netlink as the probes need, at a price that ten thousand flows can be watched for.

A general library decodes every attribute of every message into objects, some 100 microseconds
each; here a message stays bytes until somebody asks for a part of it.  Source: netlink(7),
include/uapi/linux/netlink.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

SOCK_DIAG = 4
NETFILTER = 12

REQUEST, ACK, ROOT_AND_MATCH = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_NESTED = 0x8000
_TYPE_MASK = 0x3FFF
_SOL_NETLINK, _BROADCAST_ERROR = 270, 4
_SO_RCVBUFFORCE = 33

_PATIENCE = struct.pack("@ll", 10, 0)  # struct timeval, for an answer of the kernel
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")

Message = tuple[int, bytes]
"""The type, and what follows the header."""


def attribute(kind: int, payload: bytes, *, nested: bool = False) -> bytes:
    """One attribute, padded to four bytes."""
    length = 4 + len(payload)
    header = _ATTRIBUTE.pack(length, kind | (_NESTED if nested else 0))
    return header + payload + bytes(-length % 4)


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes in `data` from `offset` on, by type; of two alike the last."""
    found = {}
    end = len(data)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def messages(data: bytes) -> Iterator[Message]:
    """The messages in what one read gave.

    Raises:
        OSError: if one of them is an error.
    """
    offset, end = 0, len(data)
    while offset + 16 <= end:
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        if length < 16:
            return
        if kind == _ERROR:
            (number,) = _ERRNO.unpack_from(data, offset + 16)
            if number:
                raise OSError(-number, os.strerror(-number))
        yield kind, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


class RequestSocket:
    """A socket for requests of one protocol, in the namespace of the thread that makes it."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.bind((0, 0))
        # Not `settimeout`, which asks the kernel before each call whether it would have to wait.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def dump(self, kind: int, body: bytes) -> Iterator[Message]:
        """Ask for all there is of something.

        Raises:
            OSError: if the kernel refuses.
        """
        self._send(kind, REQUEST | ROOT_AND_MATCH, body)
        while True:
            for found, payload in messages(self._socket.recv(1 << 16)):
                if found == _DONE:
                    return
                yield found, payload

    def get(self, kind: int, body: bytes) -> bytes | None:
        """Ask for one thing; None if it is not there (ENOENT).

        Raises:
            OSError: if the kernel refuses.
        """
        self._send(kind, REQUEST, body)
        try:
            [(_, payload)] = messages(self._socket.recv(1 << 16))
        except FileNotFoundError:
            return None
        return payload

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Have one thing done.

        Raises:
            OSError: if the kernel refuses.
        """
        self.ask_all(kind, flags, [body])

    def ask_all(self, kind: int, flags: int, bodies: list[bytes], missing: bool = False) -> None:
        """Have several things done, in one message to the kernel.

        Args:
            kind: of the messages.
            flags: beside those of a request.
            bodies: of each.
            missing: that something is not there (ENOENT) is no error.

        Raises:
            OSError: if the kernel refuses one of them.
        """
        if not bodies:
            return
        self._socket.send(b"".join(_message(kind, REQUEST | ACK | flags, each) for each in bodies))
        left = len(bodies)
        while left:
            data = self._socket.recv(1 << 16)
            offset = 0
            while offset + 20 <= len(data):
                length, _, _, _, _ = _HEADER.unpack_from(data, offset)
                (number,) = _ERRNO.unpack_from(data, offset + 16)
                left -= 1
                if number and not (missing and -number == errno.ENOENT):
                    raise OSError(-number, os.strerror(-number))
                offset += (length + 3) & ~3

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._socket.send(_message(kind, flags, body))


class Events:
    """A socket for what the kernel tells of its own accord, in the namespace of its thread.

    Args:
        protocol: of netlink.
        groups: a bit for each group of events.
        reliable: the kernel keeps what could not be delivered and tries again, as far as the
            subsystem knows how (conntrack does, for the ends of flows).
    """

    def __init__(self, protocol: int, groups: int, *, reliable: bool = False) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        try:
            # Beyond what the machine allows to everybody: for root only.
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 32 << 20)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        if reliable:
            self._socket.setsockopt(_SOL_NETLINK, _BROADCAST_ERROR, 1)
        self._socket.bind((0, groups))
        self._socket.setblocking(False)
        self.lost = False

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def fileno(self) -> int:
        """For select(2)."""
        return self._socket.fileno()

    def read(self) -> Iterator[Message]:
        """What came since the last call; `lost` is set if there was more than could be kept."""
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost = True
                continue
            yield from messages(data)


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(16 + len(body), kind, flags, 1, 0) + body + bytes(-len(body) % 4)
