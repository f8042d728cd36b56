"""A TCP server: writes each line that it receives to a file, and with `--echo` back to its sender.

It is naive: it sends nothing by itself, closes nothing by itself and has no timeout, unless it is
told to.  A line without its line feed, because the connection died, is no line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from typing import IO, Any

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


class AcceptedConnection(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, options: Any, output: IO[bytes] | None) -> None:
        self._options = options
        self._output = output
        self._rest = b""
        self._peer = ""
        self._verdict = ""
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It was accepted."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer = shown(transport.get_extra_info("peername"))
        set_options(
            transport.get_extra_info("socket"), self._options.keepalive, self._options.user_timeout
        )
        log("session-open", peer=self._peer)
        self._heard = asyncio.get_running_loop().time()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Whole lines are written, and answered once they are."""
        self._heard = asyncio.get_running_loop().time()
        whole, feed, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if not feed:
            return
        if self._output is not None:
            self._output.write(whole + b"\n")
            self._output.flush()
        if self._options.echo:
            self._transport.write(whole + b"\n")

    def pause_writing(self) -> None:
        """It does not read its answers: nothing more is read from it."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._timer is not None:
            self._timer.cancel()
        log("session-lost", peer=self._peer, reason=self._verdict or reason(exc))

    def _watch(self) -> None:
        if self._options.idle_timeout is None:
            return
        loop = asyncio.get_running_loop()
        left = self._heard + self._options.idle_timeout - loop.time()
        if left <= 0:
            self._verdict = "idle-timeout"
            self._transport.close()
        else:
            self._timer = loop.call_later(left, self._watch)


def _trouble(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Most likely accept(2) has failed for want of file descriptors; asyncio tries again."""
    detail = context.get("exception") or context["message"]
    log("trouble", detail=f"{detail}", reason=reason(context.get("exception")))


async def _serve(options: Any, output: IO[bytes] | None) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_trouble)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host, port = options.listen
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=options.backlog)
    server = await loop.create_server(
        lambda: AcceptedConnection(options, output), sock=listener, backlog=options.backlog
    )
    log("listening", address=shown(listener.getsockname()))
    await stop.wait()
    server.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tcp_server", description=__doc__)
    parser.add_argument("--listen", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("--echo", action="store_true", help="send every line back")
    parser.add_argument("--backlog", type=int, default=128, metavar="N")
    parser.add_argument("--idle-timeout", type=seconds, metavar="SECONDS", help="or off")
    add_socket_options(parser)
    options = parser.parse_args()
    raise_fd_limit()
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(options.output.open("ab")) if options.output else None
        asyncio.run(_serve(options, output))


if __name__ == "__main__":
    main()
