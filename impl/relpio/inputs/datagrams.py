"""Messages in datagrams: UDP (RFC 5426) and Unix datagram sockets (as /dev/log)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from relpio.inputs.base import Deliver, Flow, deliver_whole
from relpio.inputs.framing import pieces
from relpio.logs import Log

__all__ = ["DatagramInput", "kernel_drops"]

_BATCH = 1024
"""Datagrams handed over at once."""

_LARGEST = 256 * 1024
"""A Unix datagram is as large as its sender's buffer lets it be, 208 KiB by default; UDP: 64 KiB"""

_REPORT_SECONDS = 10.0
"""Between two log events about loss: whoever floods the socket must not flood the log, too."""

_SO_RXQ_OVFL = 40  # asm-generic/socket.h; Python has no name for it
_CONTROL = socket.CMSG_SPACE(4)


class DatagramInput:
    """Each datagram is a message, without the LF or NUL that some senders add at its end.

    While the queue takes nothing, nothing is read: a Unix socket then holds its senders back, and
    of UDP the kernel drops what its buffer cannot hold. `dropped` counts that, from SO_RXQ_OVFL
    (socket(7)), which comes with later datagrams, and from /proc/net/udp at the end.
    """

    def __init__(
        self,
        sock: socket.socket,
        name: str,
        *,
        flow: Flow,
        max_line: int,
        log: Log,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Read from `sock`, which is bound and not blocking, and is closed here."""
        self.name = name
        self.flow: Flow = flow
        self.received = 0
        self.dropped = 0
        self.cut = 0
        self._sock = sock
        self._max_line = max_line
        self._log = log
        self._on_close = on_close or sock.close
        self._buffer = bytearray(_LARGEST)
        self._reported = 0
        self._report_at = float("-inf")
        self._udp = sock.family != socket.AF_UNIX
        if self._udp:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)

    async def run(self, deliver: Deliver) -> None:
        """Read until cancelled."""
        try:
            while True:
                messages = self._read()
                if messages:
                    await deliver_whole(deliver, messages)
                else:
                    await self._readable()
        finally:
            if self._udp:
                self._count_drops(kernel_drops(self._sock))
            self._report()
            self.close()

    def close(self) -> None:
        """Close the socket."""
        self._on_close()

    def _read(self) -> list[bytes]:
        """Return what has arrived."""
        messages: list[bytes] = []
        view = memoryview(self._buffer)
        for _ in range(_BATCH):
            try:
                size, control, flags, _ = self._sock.recvmsg_into([view], _CONTROL)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error about something sent earlier, perhaps by a bound peer
                continue
            if control:
                self._count_drops(_drops_in(control))
            message = bytes(view[:size]).rstrip(b"\n\0")
            if flags & socket.MSG_TRUNC or len(message) > self._max_line:
                self.cut += 1
                self._log("input-cut", input=self.name, bytes=len(message))
            if message:
                messages += pieces(message, self._max_line)
        self.received += len(messages)
        if self.dropped > self._reported:
            self._report_sometimes()
        return messages

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        fd = self._sock.fileno()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(fd, wake)
        try:
            await ready
        finally:
            loop.remove_reader(fd)

    def _count_drops(self, drops: int | None) -> None:
        """The kernel counts in 32 bits, from 0 on for each socket."""
        if drops is not None:
            self.dropped += (drops - self.dropped) % 2**32

    def _report_sometimes(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._report_at:
            self._report_at = now + _REPORT_SECONDS
            self._report()

    def _report(self) -> None:
        if self.dropped > self._reported:
            self._log(
                "input-dropped", input=self.name, count=self.dropped - self._reported,
                total=self.dropped,
            )  # fmt: skip
            self._reported = self.dropped


def _drops_in(control: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
            return int(struct.unpack("=I", data[:4])[0])
    return None


def kernel_drops(sock: socket.socket) -> int | None:
    """Datagrams that the kernel dropped at a UDP socket; None where it does not say (proc(5))."""
    table = "udp6" if sock.family == socket.AF_INET6 else "udp"
    inode = str(os.fstat(sock.fileno()).st_ino)
    try:
        lines = Path(f"/proc/net/{table}").read_text().splitlines()
    except OSError:
        return None
    for fields in map(str.split, lines[1:]):
        if len(fields) > 12 and fields[9] == inode:
            return int(fields[12])
    return None
