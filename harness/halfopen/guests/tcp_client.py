"""A TCP client: sends each line of its standard input over one of its connections.

Without `--echo` it is naive: a line is *accepted* when the kernel has taken it, and what the kernel
had taken when a connection dies is lost.  With `--echo` it waits for each line to come back, which
is when it is *acked*, and sends again over the next connection what did not.  Each of its
connections is opened again when it dies, and keeps its own lines in order.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from halfopen.guests._ports import LocalPorts
from halfopen.guests._tcp import (
    add_socket_options,
    endpoint,
    log,
    raise_fd_limit,
    reason,
    seconds,
    set_options,
    shown,
)

HELD = 100_000
"""Lines that it holds before it stops reading."""

_CONNECTING = 64
"""Connections that are being opened at once: fewer than a backlog holds (listen(2): often 128)."""

_SPARE_FDS = 32

Line = tuple[int, bytes]
"""Its number, counted from 1, and its bytes with the line feed."""


class Connection(asyncio.Protocol):
    """One connection, opened again and again.

    Args:
        number: from 1.
        client: whose it is.
    """

    def __init__(self, number: int, client: Client) -> None:
        self._number = number
        self._client = client
        self._todo: deque[Line] = deque()
        self._unanswered: deque[Line] = deque()
        self._halfway: Line | None = None  # the kernel has taken a part of it
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._ended: asyncio.Future[str] | None = None
        self._verdict = ""
        self._timer: asyncio.TimerHandle | None = None

    def give(self, line: Line) -> None:
        """Send `line` as soon as that is possible."""
        self._todo.append(line)
        self._write()

    def close(self) -> None:
        """End it in order."""
        if self._transport is not None:
            self._transport.close()

    async def keep(self) -> None:
        """Open it, and again whenever it dies, with growing pauses."""
        options = self._client.options
        loop = asyncio.get_running_loop()
        delay = first = options.backoff
        while True:
            begun = loop.time()
            self._ended = loop.create_future()
            try:
                async with self._client.connecting:
                    await self._open()
            except OSError as error:
                log("connect-failed", connection=self._number, reason=reason(error))
            else:
                why = await self._ended
                log("session-lost", connection=self._number, reason=why)
                if loop.time() - begun > delay:
                    delay = first
            await asyncio.sleep(delay)
            delay = min(delay * 2, options.longest_backoff)

    async def _open(self) -> None:
        options = self._client.options
        loop = asyncio.get_running_loop()
        host, port = options.target
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            set_options(sock, options.keepalive, options.user_timeout)
            async with asyncio.timeout(options.connect_timeout):
                await self._client.ports.connect(sock, address)
            await loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open: what was not answered goes first."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=0)  # what is written is in the kernel, or we wait
        self._transport, self._verdict, self._rest = transport, "", b""
        local = shown(transport.get_extra_info("sockname"))
        log("session-open", connection=self._number, local=local)
        self._client.opened(self._number)
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is dead: without answers nobody knows what arrived, with them all is sent again."""
        self._transport = None
        self._watch()
        if self._halfway is not None:
            self._todo.appendleft(self._halfway)
            self._halfway = None
        self._todo.extendleft(reversed(self._unanswered))
        self._unanswered.clear()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(self._verdict or reason(exc))

    def _write(self) -> None:
        while self._todo and self._transport is not None and self._halfway is None:
            if self._transport.is_closing():
                return
            self._halfway = self._todo.popleft()
            self._transport.write(self._halfway[1])
            if self._transport.get_write_buffer_size() == 0:
                self._written()

    def resume_writing(self) -> None:
        """The kernel has taken the rest of a line."""
        self._written()
        self._write()

    def _written(self) -> None:
        line, self._halfway = self._halfway, None
        if line is None:
            return
        if self._client.options.echo:
            self._unanswered.append(line)
            if len(self._unanswered) == 1:
                self._watch()
        else:
            self._client.note("accepted", [line[0]])
            self._client.forget(1)

    def data_received(self, data: bytes) -> None:
        """Answers, if it waits for any; a naive client reads and forgets."""
        if not self._client.options.echo:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        settled = []
        for line in lines:
            if not self._unanswered or self._unanswered[0][1] != line + b"\n":
                self._give_up("wrong-answer")
                break
            settled.append(self._unanswered.popleft()[0])
        self._client.note("acked", settled)
        self._client.forget(len(settled))
        self._watch()

    def _watch(self) -> None:
        """Wait for the oldest answer from now on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout = self._client.options.ack_timeout
        if timeout is not None and self._unanswered and self._transport is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(timeout, self._give_up, "ack-timeout")

    def _give_up(self, why: str) -> None:
        if self._transport is not None:
            self._verdict = why
            self._transport.abort()


class Client:
    """All connections, and the lines that go out over them in turn.

    Args:
        options: of the command line.
        ledger: takes `accepted N` and `acked N`, or None.
    """

    def __init__(self, options: Any, ledger: TextIO | None) -> None:
        self.options = options
        self.connecting = asyncio.Semaphore(_CONNECTING)
        self.ports = LocalPorts(options.local_port, options.connections)
        self._ledger = ledger
        self._connections = [Connection(n, self) for n in range(1, options.connections + 1)]
        self._room = threading.Semaphore(HELD)
        self._never_open = set(range(1, options.connections + 1))
        self._count = 0

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT; what is not sent then is not sent."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        tasks = [asyncio.create_task(each.keep()) for each in self._connections]
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        await stop.wait()
        for task in tasks:
            task.cancel()
        for each in self._connections:
            each.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def opened(self, number: int) -> None:
        """A connection is open; says so once all have been."""
        if self._never_open:
            self._never_open.discard(number)
            if not self._never_open:
                log("connected", connections=len(self._connections))

    def note(self, what: str, numbers: Sequence[int]) -> None:
        """Write down what became of lines."""
        if self._ledger is not None and numbers:
            self._ledger.write("".join(f"{what} {number}\n" for number in numbers))
            self._ledger.flush()

    def forget(self, count: int) -> None:
        """So many lines are no longer held: as many can be read."""
        if count:
            self._room.release(count)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Thread body: standard input, whatever it is, a line at a time."""
        rest = b""
        while data := os.read(sys.stdin.fileno(), 1 << 16):
            *lines, rest = (rest + data).split(b"\n")
            for _ in lines:
                self._room.acquire()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._take, lines)

    def _take(self, lines: Sequence[bytes]) -> None:
        first, self._count = self._count + 1, self._count + len(lines)
        if self.options.echo:  # it stands up for them until they come back
            self.note("accepted", range(first, self._count + 1))
        for number, line in enumerate(lines, first):
            each = self._connections[(number - 1) % len(self._connections)]
            each.give((number, line + b"\n"))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tcp_client", description=__doc__)
    parser.add_argument("--target", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--connections", type=int, default=1, metavar="N")
    parser.add_argument("--echo", action="store_true", help="every line comes back")
    parser.add_argument("--ack-timeout", type=seconds, metavar="SECONDS", help="or off")
    parser.add_argument("--connect-timeout", type=seconds, metavar="SECONDS", help="or off")
    parser.add_argument("--backoff", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--longest-backoff", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument(
        "--local-port", type=int, metavar="PORT", help="of the first connection; then the next"
    )
    parser.add_argument("--ledger", type=Path, metavar="FILE")
    add_socket_options(parser)
    options = parser.parse_args()
    if (limit := raise_fd_limit()) < options.connections + _SPARE_FDS:
        parser.error(
            f"{options.connections} connections need as many file descriptors, "
            f"but no more than {limit} may be had (ulimit -Hn)"
        )
    with contextlib.ExitStack() as stack:
        ledger = None
        if options.ledger is not None:
            ledger = stack.enter_context(options.ledger.open("a", encoding="ascii"))
        asyncio.run(Client(options, ledger).run())


if __name__ == "__main__":
    main()
