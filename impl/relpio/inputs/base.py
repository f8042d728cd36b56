"""What an input is, and how it hands messages over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

__all__ = ["Deliver", "Flow", "Input", "deliver_whole"]

Deliver = Callable[[Sequence[bytes]], Awaitable[None]]
"""Takes messages; returns when all of them are accepted, as safely as the queue promises."""

Flow = Literal["none", "light", "full"]
"""How long an input may be held back by a queue that fills up: the names of rsyslog's flow control.
Who can wait without harm (a file) waits fully; who cannot be told to wait (UDP) does not."""

GRACE = 1.0
"""Seconds that a delivery gets to end by itself when its input is told to stop."""


class Input(Protocol):
    """A source of messages. It holds its sockets and files from the time that it is made."""

    @property
    def name(self) -> str:
        """For log events and error texts."""
        ...

    @property
    def flow(self) -> Flow:
        """Its flow control."""
        ...

    @property
    def received(self) -> int:
        """Messages that came in."""
        ...

    def close(self) -> None:
        """Let go of all; harmless the second time."""
        ...

    async def run(self, deliver: Deliver) -> None:
        """Read and deliver until the end of the input, or until cancelled; then `close`.

        Raises:
            InputError: the input cannot be sent.
            OSError: it cannot be read.
        """
        ...


async def deliver_whole(deliver: Deliver, messages: Sequence[bytes]) -> None:
    """Deliver so that a cancellation does not fall between acceptance and its record.

    A delivery under way gets `GRACE` seconds to end. When it does, this returns as if nothing had
    happened, and the cancellation is raised at the caller's next `await`: it can write down first
    what was accepted.

    Raises:
        asyncio.CancelledError: the delivery did not end in time; part of it may be accepted.
    """
    task = asyncio.ensure_future(deliver(messages))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task], timeout=GRACE)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if task.cancelled() or (me := asyncio.current_task()) is None:
            raise
        task.result()
        me.cancel()
