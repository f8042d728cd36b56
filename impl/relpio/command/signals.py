"""Signals of the command: one event, set by the first signal, and which one it was."""

from __future__ import annotations

import asyncio
import os
import signal

__all__ = ["StopSignal"]


class StopSignal:
    """Waits for SIGTERM or SIGINT. A second SIGINT ends the process at once."""

    def __init__(self) -> None:
        """Install the handlers in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self.interrupted = False
        self._loop.add_signal_handler(signal.SIGTERM, self._event.set)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    async def wait(self) -> None:
        """Return when a signal has come."""
        await self._event.wait()

    @property
    def came(self) -> bool:
        """A signal has come."""
        return self._event.is_set()

    def _interrupt(self) -> None:
        if self.interrupted:
            os._exit(130)
        self.interrupted = True
        self._event.set()
