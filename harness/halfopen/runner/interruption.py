"""Signals that end a command's runs in order, so that what was judged is reported all the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether a person (Ctrl-C, SIGINT) or a system (SIGTERM) wants the runs to end now.

    The first signal cancels the tasks that are watched; a second one ends the process at once, and
    the kernel takes the labs away.

    Args:
        tell: called with a sentence for a person when the first signal comes.

    Attributes:
        signal: the first that came; None as long as none has.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.signal: signal.Signals | None = None
        self._tell = tell
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def words(self) -> str:
        """For example `interrupted by SIGINT`."""
        return f"interrupted by {signal.Signals(self.signal or signal.SIGINT).name}"

    @property
    def exit_status(self) -> int:
        """As shells have it: 128 and the number of the signal, so 130 or 143."""
        return 128 + int(self.signal or signal.SIGINT)

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """While in it, the signals are ours; for the main thread's event loop only.

        One that the process was started to ignore (SIGINT under `nohup` or in a background job of
        a script) stays ignored.
        """
        loop = asyncio.get_running_loop()
        taken = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
        for each in taken:
            loop.add_signal_handler(each, self.take, each)
        try:
            yield
        finally:
            for each in taken:
                loop.remove_signal_handler(each)

    @contextlib.contextmanager
    def cancels(self, task: asyncio.Task[object]) -> Iterator[None]:
        """While in it, a signal cancels `task`; one that came before does so at once."""
        self._tasks.add(task)
        if self.signal is not None:
            task.cancel()
        try:
            yield
        finally:
            self._tasks.discard(task)

    def take(self, number: signal.Signals) -> None:
        """A signal has come."""
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.signal = number
        if self._tell is not None:
            self._tell(f"{self.words}: the runs end now; interrupt again to end without results")
        for task in tuple(self._tasks):
            task.cancel()
