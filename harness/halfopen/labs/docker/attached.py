"""The standard streams of a container, without a thread for each.

Source: the Docker Engine API, "Attach to a container": after the answer's header the connection
carries frames of eight bytes (stream, three zeros, length in network order) and payload.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

from docker.models.containers import Container

from halfopen.errors import UnsupportedError

STDOUT = 1  # the other stream, 2, is standard error
_HEADER = struct.Struct(">BxxxL")
_LIMIT = 1 << 20


class Attached:
    """A container's standard input, output and error; made by :func:`attach`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> tuple[int, bytes] | None:
        """The next piece of output as (stream, bytes); None at the end."""
        try:
            stream, length = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
            return stream, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None

    async def write(self, data: bytes) -> None:
        """Write to standard input; waits while the container does not read.

        Raises:
            ConnectionError: if the container is gone.
        """
        self.send(data)
        await self.drain()

    def send(self, data: bytes) -> None:
        """Write to standard input without waiting."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait while the container does not read.

        Raises:
            ConnectionError: if the container is gone.
        """
        await self._writer.drain()

    def close_input(self) -> None:
        """End of file on standard input."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def close(self) -> None:
        """Let go of the streams; the container goes on."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def attach(container: Container) -> Attached:
    """The streams of a container that is not started yet, so that nothing is missed.

    Raises:
        UnsupportedError: if the engine is reached in a way that gives no plain socket (TLS, ssh, a
            named pipe of Windows).
    """
    params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    made: Any = await asyncio.to_thread(lambda: container.attach_socket(params=params))
    plain = getattr(made, "_sock", made)
    try:
        if type(plain) is not socket.socket:
            raise UnsupportedError(
                "the docker lab needs an engine on a Unix socket, or on TCP without TLS"
            )
        ours = plain.dup()
    finally:
        # From the outside in: each layer flushes the next when it is closed.
        for layer in (getattr(made, "_response", None), made, plain):
            if layer is not None:
                layer.close()
    ours.setblocking(False)
    return Attached(*await asyncio.open_connection(sock=ours, limit=_LIMIT))
