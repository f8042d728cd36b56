"""What a receiver needs of an output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from relpio.receiver.received import Received

__all__ = ["Output", "RecordOutput"]


class Output(Protocol):
    """Takes bytes and says when they are safe."""

    def submit(self, data: bytes, on_written: Callable[[], None]) -> None:
        """Write `data` after everything submitted before; then call `on_written`."""
        ...

    async def flushed(self) -> None:
        """Wait until everything submitted is written."""
        ...


@runtime_checkable
class RecordOutput(Protocol):
    """An output that wants to know who sent what, and writes it in a form of its own."""

    def submit_received(self, received: Received, on_written: Callable[[], None]) -> None:
        """Write messages after all submitted before; then call `on_written`."""
        ...

    async def flushed(self) -> None:
        """Wait until everything submitted is written."""
        ...
