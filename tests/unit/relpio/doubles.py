"""What several tests put in the place of an output, a log, a client; and how they start others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from relpio import BackoffPolicy, Receiver, ReceiverSettings, encode_frame
from relpio.metrics.registry import Registry
from relpio.net.addresses import TcpAddress
from relpio.receiver.interfaces import Output

QUICK = BackoffPolicy(0.01, 0.05)
OPEN = encode_frame(1, b"open", b"relp_version=0\ncommands=syslog")
HINT = b"0 serverclose 0\n"


class Memory:
    """An output that takes what it gets, at once or when `release` is called."""

    def __init__(self, *, held: bool = False) -> None:
        self.data = b""
        self.held = held
        self.waiting: list[tuple[bytes, Callable[[], None]]] = []

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        self.waiting.append((data, on_written))
        if not self.held:
            self.release()

    def release(self) -> None:
        waiting, self.waiting = self.waiting, []
        for data, on_written in waiting:
            self.data += data
            on_written()

    async def flushed(self) -> None:
        if self.waiting:
            await asyncio.Event().wait()

    @property
    def lines(self) -> list[bytes]:
        return self.data.split(b"\n")[:-1]


class Events:
    """A log that keeps what it gets."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **fields: object) -> None:
        self.records.append((event, fields))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.records if event == name]

    def names(self) -> list[str]:
        return [event for event, _ in self.records]

    @property
    def lost(self) -> list[str]:
        """Why sessions were lost."""
        return [fields["reason"] for fields in self.of("session-lost")]


@asynccontextmanager
async def receiving(
    output: Output | None = None,
    *,
    log: Events | None = None,
    registry: Registry | None = None,
    **settings: Any,
) -> AsyncIterator[Receiver]:
    """A receiver, on a port of 127.0.0.1 unless `settings` say where."""
    settings.setdefault("listen", [TcpAddress("127.0.0.1", 0)])
    receiver = Receiver(
        ReceiverSettings(**settings), output or Memory(), log=log or Events(), registry=registry
    )
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.close(timeout=1.0)


def numbered(count: int) -> list[bytes]:
    return [b"message %d" % number for number in range(count)]


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` to its end, which must come."""

    async def limited() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(limited())
