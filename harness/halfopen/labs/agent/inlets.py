"""The ways in which messages get into a program."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from halfopen.model.program import Feed
from halfopen.probes.namespaces import run_in


class Inlet(Protocol):
    """Where a program takes messages from.

    Both functions raise OSError if nobody is there to take anything.
    """

    whole: bool
    """True if a message is taken as a whole or not at all, and we know which."""

    dies_with_program: bool
    """True if there is nothing to write to while the program does not run."""

    async def write(self, messages: Sequence[bytes]) -> None:
        """Hand messages over, each without line feed; waits while the program is busy."""

    def close(self) -> None:
        """No more will come."""


class Stream(Protocol):
    """What of an :class:`asyncio.StreamWriter` is used."""

    def write(self, data: bytes) -> None:
        """Hand bytes over."""

    async def drain(self) -> None:
        """Wait while the reader is busy; raises OSError if there is none."""

    def close(self) -> None:
        """End of file."""


class StandardInput:
    """Lines on the program's standard input."""

    whole = False
    dies_with_program = True

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def write(self, messages: Sequence[bytes]) -> None:
        """A line each."""
        self._stream.write(_lines(messages))
        await self._stream.drain()

    def close(self) -> None:
        """End of file."""
        self._stream.close()


class GrowingFile:
    """Lines at the end of a file that the program follows."""

    whole = True
    dies_with_program = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, messages: Sequence[bytes]) -> None:
        """A line each, flushed to the kernel."""
        with self._path.open("ab") as file:
            file.write(_lines(messages))

    def close(self) -> None:
        """A file needs no end."""


class Socket:
    """Lines, or datagrams, into a socket that the program made.

    Args:
        connect: makes the connected socket; again after every failure.
        datagrams: True: each message is one.
    """

    dies_with_program = False

    def __init__(self, connect: Callable[[], socket.socket], *, datagrams: bool) -> None:
        self._connect = connect
        self.whole = datagrams
        self._socket: socket.socket | None = None

    async def write(self, messages: Sequence[bytes]) -> None:
        """A datagram or a line each."""
        if self._socket is None:
            self._socket = await asyncio.to_thread(self._connect)
            self._socket.setblocking(False)
        loop = asyncio.get_running_loop()
        pieces = messages if self.whole else (_lines(messages),)
        try:
            for piece in pieces:
                await loop.sock_sendall(self._socket, piece)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Of a stream the program sees its end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def open_inlet(feed: Feed, host: str, stdin: Stream | None) -> Inlet:
    """The inlet that `feed` describes.

    Args:
        feed: of a program.
        host: on which it runs, and in whose namespace a port of the loopback is.
        stdin: its standard input, if that is a pipe.
    """
    kinds = {"unix stream": socket.SOCK_STREAM, "tcp": socket.SOCK_STREAM}
    kind = kinds.get(feed.kind, socket.SOCK_DGRAM)
    if feed.kind == "stdin":
        assert stdin is not None
        return StandardInput(stdin)
    if feed.kind == "file":
        return GrowingFile(Path(feed.path))
    datagrams = kind is socket.SOCK_DGRAM
    if feed.kind in ("unix stream", "unix datagram"):
        return Socket(lambda: _unix(feed.path, kind), datagrams=datagrams)
    return Socket(lambda: _inside(host, kind, feed.port), datagrams=datagrams)


def _lines(messages: Sequence[bytes]) -> bytes:
    return b"".join(message + b"\n" for message in messages)


def _unix(path: str, kind: socket.SocketKind) -> socket.socket:
    # A socket with a name is found from every network namespace: unix(7).
    return _connected(socket.AF_UNIX, kind, path)


def _inside(host: str, kind: socket.SocketKind, port: int) -> socket.socket:
    # A socket stays in the namespace that it was made in.
    return run_in(host, lambda: _connected(socket.AF_INET, kind, ("127.0.0.1", port)))


def _connected(
    family: socket.AddressFamily, kind: socket.SocketKind, address: str | tuple[str, int]
) -> socket.socket:
    made = socket.socket(family, kind)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made
