"""A sender and a receiver that are killed, and a network between them that fails."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.processes import wait_until

DEADLINE = 60.0

SOAK = os.environ.get("HALFOPEN_SOAK") == "1"
ROUNDS = 200 if SOAK else 8

WINDOW = 200
"""Of the sender: what it may have to send again after a lost session."""


def seed_of_this_run() -> int:
    """The same each time, so that a red test can be run again; another one each time in soak."""
    given = os.environ.get("HALFOPEN_SEED")
    if given is not None:
        return int(given)
    return random.SystemRandom().getrandbits(32) if SOAK else 20261121


class Network:
    """Forwards TCP connections to `target`; cuts them, or forwards nothing for a while."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = self._in_loop(asyncio.start_server(self._serve, "127.0.0.1", 0))
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    def cut(self) -> None:
        """Reset every connection."""
        self._in_loop(self._cut())

    def stall(self) -> None:
        """Keep connections, forward nothing."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """Forward again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def close(self) -> None:
        self._in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def _in_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            for each in both:
                each.transport.abort()
            self._writers -= both

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(16 * 1024):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


class Program:
    """A `relpio` command that can be killed and started again; its log events are kept."""

    def __init__(self, directory: Path, *arguments: str, **options: Any) -> None:
        self.arguments = arguments
        self.log_path = directory / f"{arguments[0]}.jsonl"
        self.starts = 0
        self._options = options
        self._begun = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        self.starts += 1
        with self.log_path.open("ab") as log:
            self._begun = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relpio", *self.arguments, *more, "--log-json"],
                stderr=log, **self._options,
            )  # fmt: skip
        return self.process

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE)
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def terminate(self) -> int:
        """SIGTERM, once the program has said something: before that nobody handles it."""
        assert self.process is not None
        said = wait_until(lambda: self.log_path.stat().st_size > self._begun, DEADLINE)
        assert said, "the program said nothing"
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        return status

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Events of all runs; a line that a kill has torn is left out."""
        records = []
        for line in self.log_path.read_bytes().splitlines(keepends=True):
            if line.startswith(b"{") and line.endswith(b"}\n"):
                records.append(json.loads(line))
        return [record for record in records if name in (None, record["event"])]

    def last_words(self) -> bytes:
        """What the last run has written to standard error: its end."""
        return self.log_path.read_bytes()[self._begun :][-1000:]

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextlib.contextmanager
def street(
    directory: Path,
    *options: str,
    receive: Sequence[str] = (),
    output_in: Path | None = None,
    **more: Any,
) -> Iterator[Street]:
    """A sender with `options`, a receiver, and the network between them; nothing is started.

    Args:
        directory: for the logs, and the output unless `output_in` is another place for it.
        options: of the sender.
        receive: further options of the receiver.
        output_in: a directory.
        more: how the sender's process is started.
    """
    output, port = Delivered((output_in or directory) / "out"), free_port()
    network = Network(("127.0.0.1", port))
    with (
        Program(
            directory, "receive", "--listen", f"127.0.0.1:{port}", "--output", str(output.path),
            *receive,
        ) as receiver,
        Program(
            directory, "send", "--target", network.address, "--window", str(WINDOW),
            "--backoff", "0.02/0.2", "--ack-timeout", "2", *options, **more,
        ) as sender,
    ):  # fmt: skip
        yield Street(sender, network, receiver, output)
    network.close()


class Delivered:
    """The receiver's output: numbered messages, read as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def numbers(self) -> list[int]:
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        assert all(line.startswith(b"<13>message ") for line in lines[:-1]), "a torn message"
        return [int(line.split()[1]) for line in lines[:-1]]

    def wait_for(self, last: int, why: Callable[[], object]) -> None:
        """Wait until everything from 1 to `last` is there."""

        def missing() -> int:
            return last - len(set(self.numbers()))

        if not wait_until(lambda: missing() <= 0, DEADLINE):
            lost = sorted(set(range(1, last + 1)) - set(self.numbers()))
            raise AssertionError(f"{len(lost)} missing, such as {lost[:20]}; {why()}")


class Street(NamedTuple):
    """Who is there, from one end to the other."""

    sender: Program
    network: Network
    receiver: Program
    output: Delivered


def message(number: int) -> bytes:
    """A message that is long enough for a batch to be torn somewhere."""
    return b"<13>message %d %s" % (number, b"." * (number % 97))


def check(numbers: Sequence[int], last: int, *, sessions: int, duplicates: int) -> None:
    """Nothing lost, nothing new, few repeated, and in order within each session."""
    assert set(numbers) == set(range(1, last + 1))
    repeated = len(numbers) - last
    assert repeated <= duplicates, f"{repeated} came twice; {duplicates} may"
    # Order can be broken only where another session begins.
    descents = sum(later <= earlier for earlier, later in itertools.pairwise(numbers))
    assert descents < sessions, f"{descents} steps back in {sessions} sessions"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def pause(rng: random.Random, longest: float) -> None:
    """Let a random time pass: the moment of the fault, not a wait for anything."""
    time.sleep(rng.uniform(0, longest))
