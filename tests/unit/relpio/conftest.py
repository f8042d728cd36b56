"""Tools of the relpio tests: two cores joined under a virtual clock, processes, waiting."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from relpio import (
    ClientConnection,
    ClientEvent,
    ClientSettings,
    ServerConnection,
    ServerEvent,
    ServerSettings,
)

DEADLINE = 20.0


class ConnectionPair:
    """A client and a server core, a lossless wire between them, and a clock that tests move."""

    def __init__(
        self,
        client: ClientSettings | None = None,
        server: ServerSettings | None = None,
        *,
        opened: bool = True,
    ) -> None:
        self.now = 1000.0
        self.client = ClientConnection(client)
        self.server = ServerConnection(server, self.now)
        self.client_events: list[ClientEvent] = []
        self.server_events: list[ServerEvent] = []
        if opened:
            self.client.open(self.now)
            self.settle()
            self.client_events.clear()
            self.server_events.clear()

    def to_server(self) -> None:
        if data := self.client.data_to_send():
            self.server.receive_data(data, self.now)
        while (event := self.server.next_event()) is not None:
            self.server_events.append(event)

    def to_client(self) -> None:
        if data := self.server.data_to_send():
            self.client.receive_data(data, self.now)
        while (event := self.client.next_event()) is not None:
            self.client_events.append(event)

    def settle(self) -> None:
        """Move bytes both ways until nothing is left to move."""
        for _ in range(4):
            self.to_server()
            self.to_client()

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at each timer on the way."""
        end = self.now + seconds
        while True:
            due = [
                (when, core)
                for core in (self.client, self.server)
                if (when := core.next_timeout()) is not None and when <= end
            ]
            if not due:
                break
            when, core = min(due, key=lambda item: item[0])
            self.now = max(self.now, when)
            core.handle_timeout(self.now)
            self.settle()
        self.now = end


class RelpioProcess:
    """A running `relpio` command, its log events and its end."""

    def __init__(self, arguments: Sequence[str], directory: Path, **options: Any) -> None:
        self.log_path = directory / f"relpio-{time.monotonic_ns()}.jsonl"
        with self.log_path.open("wb") as log:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-m", "relpio", *arguments, "--log-json"], stderr=log, **options
            )

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n") and line[0] == "{"]
        return [record for record in records if name in (None, record["event"])]

    def wait_event(self, name: str, count: int = 1) -> dict[str, Any]:
        def seen() -> bool:
            assert self.process.poll() is None or len(self.events(name)) >= count, self.events()
            return len(self.events(name)) >= count

        wait_until(seen)
        return self.events(name)[count - 1]

    def feed(self, data: bytes, *, end: bool = True) -> None:
        """Write to standard input."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(data)
        stdin.flush()
        if end:
            stdin.close()

    def read(self, size: int) -> bytes:
        """Read `size` bytes from standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.read(size)

    def leave(self) -> None:
        """Stop to read standard output."""
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_until(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Return when `condition` holds; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)


async def eventually(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Return when `condition` holds; fail after `deadline` seconds."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 - any condition, not one that tells
            await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Tools:
    """What tests cannot import from here, in one place."""

    DEADLINE = DEADLINE
    Pair = ConnectionPair
    wait_until = staticmethod(wait_until)
    eventually = staticmethod(eventually)
    free_port = staticmethod(free_port)


@pytest.fixture(scope="session")
def tools() -> type[Tools]:
    return Tools


@pytest.fixture
def relpio(tmp_path: Path) -> Iterator[Callable[..., RelpioProcess]]:
    """Start a `relpio` command; whatever is left is killed at the end of the test."""
    started: list[RelpioProcess] = []

    def start(*arguments: str, **options: Any) -> RelpioProcess:
        process = RelpioProcess(arguments, tmp_path, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        for stream in (process.process.stdin, process.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def black_hole() -> Iterator[tuple[str, int]]:
    """A server that accepts connections (the kernel does) and never says a word."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        yield "127.0.0.1", int(sock.getsockname()[1])


def pytest_configure() -> None:
    # Commands started by tests find the package wherever this process found it.
    import relpio

    root = str(Path(relpio.__file__).parent.parent)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if root not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, paths)])
