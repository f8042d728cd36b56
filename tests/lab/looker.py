"""A program that looks at its world all the time, and says when something has changed.

What it sees is what any program would see: it asks the C library and the kernel, nothing else.
On standard error, as JSON lines: `{"event": "sees", "what": ..., "value": ...}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import mmap
import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PORT = 2514
_seen: dict[str, object] = {}
_CHUNK = 8 << 20


def sees(what: str, value: object) -> None:
    """Say it if it is new."""
    if _seen.get(what) != value:
        _seen[what] = value
        sys.stderr.write(json.dumps({"event": "sees", "what": what, "value": value}) + "\n")
        sys.stderr.flush()


def _outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "works"


async def clock() -> None:
    """Whole hours by which CLOCK_REALTIME has left CLOCK_MONOTONIC since the beginning."""
    offset = time.time() - time.monotonic()
    while True:
        sees("clock", round((time.time() - time.monotonic() - offset) / 3600))
        await asyncio.sleep(0.02)


async def disk() -> None:
    """Writing to a file that is open, making a new one, and how long a sync takes."""
    directory = Path(sys.argv[2])
    file = (directory / "open").open("ab", buffering=0)
    number = 0
    while True:
        number += 1
        started = time.monotonic()
        sees("write", _outcome(lambda: file.write(bytes(8192))))
        sees("create", _outcome((directory / f"new{number % 3}").touch))
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())
        sees("slow", time.monotonic() - started >= 0.2)
        await asyncio.sleep(0.02)


async def names() -> None:
    """What becomes of a look-up of `other`."""
    while True:
        try:
            found = await asyncio.to_thread(socket.getaddrinfo, "other", PORT, socket.AF_INET)
            sees("name", found[0][4][0])
        except socket.gaierror as error:
            sees("name", {v: k for k, v in vars(socket).items() if k[:4] == "EAI_"}[error.errno])
        await asyncio.sleep(0.02)


async def memory() -> None:
    """Whether 8 MiB more can be had."""
    while True:
        try:
            mmap.mmap(-1, _CHUNK, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
            sees("memory", "works")
        except OSError as error:
            sees("memory", errno.errorcode[error.errno or 0])
        await asyncio.sleep(0.02)


async def fds() -> None:
    """The limit of file descriptors."""
    while True:
        sees("fds", resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        await asyncio.sleep(0.02)


async def peer() -> None:
    """What a new connection to `argv[2]` says first, or why there is none."""
    while True:
        try:
            async with asyncio.timeout(0.5):
                reader, writer = await asyncio.open_connection(sys.argv[2], PORT)
                writer.write(b"1 open 0\n")
                said = await reader.read(64)
                writer.close()
            sees("peer", said[:8].decode("ascii", "backslashreplace"))
        except TimeoutError:
            sees("peer", "silence")
        except ConnectionResetError:
            sees("peer", "")  # closed, with what we said unread
        except OSError as error:
            sees("peer", type(error).__name__)
        await asyncio.sleep(0.02)


async def greeter() -> None:
    """Answers every connection on `argv[2]` with `hello`."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(hello, sys.argv[2], PORT, backlog=16)
    sees("greeter", "listens")
    await server.serve_forever()


LOOKS: dict[str, Callable[[], Awaitable[None]]] = {
    each.__name__: each for each in (clock, disk, names, memory, fds, peer, greeter)
}

if __name__ == "__main__":
    asyncio.run(LOOKS[sys.argv[1]]())  # type: ignore[arg-type]
