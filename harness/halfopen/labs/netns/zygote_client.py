"""Has a zygote (:mod:`halfopen.labs.netns.zygote`) fork the agents of a caller's labs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from halfopen.labs.client import START_TIMEOUT_S
from halfopen.labs.netns import sandbox

PATIENCE_S = 30.0
_PIECE = 1 << 20
"""How long an end may take on a busy machine."""


class SandboxProcess:
    """A sandbox with an agent in it, or on its way.

    Attributes:
        said: what it says on standard error.
    """

    def __init__(self, said: IO[bytes], lifeline: socket.socket) -> None:
        self.said = said
        self._lifeline = lifeline
        self._heard = asyncio.StreamReader(limit=_PIECE)
        self._transports: list[asyncio.BaseTransport] = []
        self._inlet: asyncio.WriteTransport | None = None

    async def connect(self, told: int, heard: int) -> None:
        """Take over our ends of its standard input and output."""
        loop = asyncio.get_running_loop()
        inlet, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(told, "wb", 0))
        outlet, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._heard), os.fdopen(heard, "rb", 0)
        )
        self._inlet = inlet
        self._transports = [inlet, outlet]

    def send(self, line: bytes) -> None:
        """Write a line to the agent.

        Raises:
            ConnectionError: if it is gone.
        """
        if self._inlet is None or self._inlet.is_closing():
            raise BrokenPipeError("the agent has ended")
        self._inlet.write(line)

    async def receive(self) -> bytes:
        """The next piece of what the agent writes; empty if it is gone."""
        return await self._heard.read(_PIECE)

    async def end(self) -> None:
        """Have the kernel end everything in it, and wait for that.

        One whose keeper was stopped (a debugger) is not waited for: it dies with the zygote.
        """
        with contextlib.suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)
        ended = asyncio.get_running_loop().sock_recv(self._lifeline, 1)
        with contextlib.suppress(OSError):  # TimeoutError is one
            await asyncio.wait_for(ended, PATIENCE_S)
        self._lifeline.close()
        for each in self._transports:
            each.close()
        self.said.close()


class Zygote:
    """The process; it lives as long as this object is not closed, and this thread lives."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(START_TIMEOUT_S)
        with theirs:
            number = str(theirs.fileno())
            module = "halfopen.labs.netns.zygote"
            # The kernel kills it when the thread that started it ends (prctl(2)).
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", module, number],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=sandbox.environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for us: we end the runs in order
            )

    async def fork(self) -> SandboxProcess:
        """A new sandbox.

        Raises:
            OSError: if the process is gone, or file descriptors are short.
        """
        lifeline, theirs = socket.socketpair()
        lifeline.setblocking(False)
        their_input, told = os.pipe()
        heard, their_output = os.pipe()
        born = SandboxProcess(tempfile.TemporaryFile(), lifeline)  # noqa: SIM115 - closed by its end
        await born.connect(told, heard)
        try:
            with tempfile.TemporaryFile("w+") as request:
                json.dump({"env": sandbox.environment(), "cwd": str(Path.cwd())}, request)
                request.seek(0)
                files = (their_input, their_output, born.said, theirs, request)
                numbers = [each if isinstance(each, int) else each.fileno() for each in files]
                socket.send_fds(self._requests, [b"!"], numbers)
        except OSError:
            await born.end()
            raise
        finally:
            theirs.close()
            os.close(their_input)
            os.close(their_output)
        return born

    def close(self) -> None:
        """End the process; all its sandboxes have ended."""
        self._requests.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Mine(threading.local):
    """What belongs to a thread: processes die with the thread that started them."""

    zygote: Zygote | None = None
    users = 0


_mine = _Mine()


@contextlib.contextmanager
def shared_zygote() -> Iterator[Zygote]:
    """The zygote of this thread: one for all its labs that are open at the same time."""
    if _mine.zygote is None:
        _mine.zygote = Zygote()
    _mine.users += 1
    try:
        yield _mine.zygote
    finally:
        _mine.users -= 1
        if _mine.users == 0:
            ended, _mine.zygote = _mine.zygote, None
            ended.close()
