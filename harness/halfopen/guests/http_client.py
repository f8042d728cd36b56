"""An HTTP client with a pool of connections (httpx): each line of its standard input is a request.

`python -m halfopen.guests.http_client --target HOST:PORT --ledger FILE`

What becomes of a request is told on standard error as an `operation` event
(:mod:`halfopen.checkers.operations`): `begun` at each attempt, and then

- `ok`: it was answered with a status below 400 (and, with `--echo`, with what was sent);
- `wrong`: with `--echo`, the answer is not what was sent;
- `failed`: the server has not done it: no connection, or a status of 400 or above;
- `unknown`: the connection was lost, or no answer came in time, after it was sent.

The ledger gets `accepted N` when request N is begun, and `acked N` when it is ok.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import httpx

from halfopen.guests._tcp import (
    add_socket_options,
    endpoint,
    log,
    raise_fd_limit,
    seconds,
    shown,
    socket_options,
)

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_REFUSED = 400


class _Requests:
    """All requests, and what becomes of them.

    Args:
        options: of the command line.
        client: of httpx.
        ledger: takes `accepted N` and `acked N`, or None.
    """

    def __init__(self, options: Any, client: httpx.AsyncClient, ledger: TextIO | None) -> None:
        self._options = options
        self._client = client
        self._ledger = ledger
        self._url = f"http://{shown(options.target)}{options.path}"
        self._lines: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(maxsize=1000)

    async def give(self, number: int, line: bytes) -> None:
        """Take a request up; waits while there are too many."""
        await self._lines.put((number, line))

    async def work(self) -> None:
        """Do one request after the other, forever."""
        while True:
            number, line = await self._lines.get()
            self._note("accepted", number)
            begun = asyncio.get_running_loop().time()
            for attempt in range(self._options.retries + 1):
                if attempt:
                    await asyncio.sleep(self._options.retry_after)
                log("operation", number=number, state="begun")
                state, why = await self._do(line)
                took = round(asyncio.get_running_loop().time() - begun, 6)
                if state == "ok":
                    self._note("acked", number)
                log("operation", number=number, state=state, took=took, reason=why)
                if state in ("ok", "wrong"):
                    break

    async def _do(self, line: bytes) -> tuple[str, str]:
        method = self._options.method
        content = line if method in ("POST", "PUT") else None
        try:
            answer = await self._client.request(method, self._url, content=content)
        except _UNSENT as error:
            return "failed", _reason(error)
        except httpx.HTTPError as error:
            return "unknown", _reason(error)
        if answer.status_code >= _REFUSED:
            return "failed", f"status {answer.status_code}"
        if self._options.echo and answer.content != line:
            return "wrong", f"answered with {answer.content[:80]!r}"
        return "ok", ""

    def _note(self, what: str, number: int) -> None:
        if self._ledger is not None:
            self._ledger.write(f"{what} {number}\n")
            self._ledger.flush()


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _read(lines: Iterable[bytes], requests: _Requests, loop: asyncio.AbstractEventLoop) -> None:
    """Thread body: hand over the lines of standard input."""
    for number, line in enumerate(lines, 1):
        given = requests.give(number, line.removesuffix(b"\n"))
        asyncio.run_coroutine_threadsafe(given, loop).result()


async def _run(options: Any, ledger: TextIO | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    limits = httpx.Limits(
        max_connections=options.connections,
        max_keepalive_connections=options.connections,
        keepalive_expiry=options.idle_expiry,
    )
    wanted = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        *socket_options(options.keepalive, options.user_timeout),
    ]
    transport = httpx.AsyncHTTPTransport(limits=limits, socket_options=wanted)
    # The machine's own proxies and certificates are none of a scenario's business.
    async with httpx.AsyncClient(
        transport=transport, timeout=options.timeout, trust_env=False
    ) as client:
        requests = _Requests(options, client, ledger)
        workers = [asyncio.create_task(requests.work()) for _ in range(options.connections)]
        reader = threading.Thread(
            target=_read, args=(sys.stdin.buffer, requests, loop), daemon=True
        )
        reader.start()
        log("ready")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, *workers}, return_when=asyncio.FIRST_COMPLETED)
        for each in workers:
            if each.done():
                each.result()  # a bug of ours ends the program, and says why
            each.cancel()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="http_client", description=__doc__)
    parser.add_argument("--target", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--path", default="/")
    parser.add_argument("--method", default="POST")
    parser.add_argument("--echo", action="store_true", help="the answer must be what was sent")
    parser.add_argument("--connections", type=int, default=1, metavar="N", help="of the pool")
    parser.add_argument("--timeout", type=seconds, default=5.0, metavar="SECONDS", help="or off")
    parser.add_argument(
        "--idle-expiry", type=seconds, default=5.0, metavar="SECONDS", help="of the pool, or off"
    )
    parser.add_argument("--retries", type=int, default=0, metavar="N")
    parser.add_argument("--retry-after", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--ledger", type=Path, metavar="FILE")
    add_socket_options(parser)
    options = parser.parse_args()
    raise_fd_limit()
    with contextlib.ExitStack() as stack:
        ledger = None
        if options.ledger is not None:
            ledger = stack.enter_context(options.ledger.open("a", encoding="ascii"))
        asyncio.run(_run(options, ledger))


if __name__ == "__main__":
    main()
