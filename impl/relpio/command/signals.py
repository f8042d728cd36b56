"""Signals of the command: one asks for the end, one to read files again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

from relpio.command.manager import ServiceManager
from relpio.errors import ConfigurationError
from relpio.logs import Log

__all__ = ["StopSignal"]


class StopSignal:
    """Waits for SIGTERM or SIGINT. A second SIGINT ends the process at once.

    Attributes:
        event: set when the end is asked for.
        interrupted: by SIGINT.
        manager: the service manager, told of each signal; `ready` is for the caller to call.
    """

    def __init__(self, log: Log) -> None:
        """Install the handlers in the running loop."""
        self._loop = asyncio.get_running_loop()
        self.event = asyncio.Event()
        self.interrupted = False
        self.manager = ServiceManager(log=log)
        self._loop.add_signal_handler(signal.SIGTERM, self._stop)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    def on_hangup(self, reload: Callable[[], Mapping[str, object]], log: Log) -> None:
        """Call `reload` at SIGHUP, and at one that came before; log what it returns.

        An error is logged, and what was in use stays.
        """

        def hung_up() -> None:
            self.manager.reloading()
            try:
                fields = reload()
            except (ConfigurationError, OSError) as error:
                log("reload-failed", detail="; ".join(str(error).splitlines()))
            else:
                log("reloaded", **fields)
            self.manager.reloaded()

        self._loop.add_signal_handler(signal.SIGHUP, hung_up)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def ignore(self) -> None:
        """From here on the exit status is decided: no signal changes it any more."""
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        for number in numbers:  # asyncio goes back to the default, which would end the process
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _interrupt(self) -> None:
        if self.interrupted:
            os._exit(130)
        self.interrupted = True
        self._stop()

    def _stop(self) -> None:
        self.manager.stopping()
        self.event.set()
