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
        self.event = asyncio.Event()
        self.interrupted = False
        self._loop.add_signal_handler(signal.SIGTERM, self.event.set)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    def _interrupt(self) -> None:
        if self.interrupted:
            os._exit(130)
        self.interrupted = True
        self.event.set()
