"""An event loop whose time is that of a guest.

While nothing is to be done here, the guest goes on until the next timer of this loop; then the
guest stands still while this loop works.  So whatever runs here, runs unchanged: every sleep and
every timeout is one of the guest's time.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Callable
from typing import Any

from halfopen.labs.warp.gate import Turns, turn
from halfopen.labs.warp.machine import Machine

PATIENCE_S = 600.0
"""Seconds of real time without an answer after which a guest hangs."""

_FAR_S = 86400.0  # a guest in which nothing at all is due would panic
_PIECE = 1 << 16

_Events = list[tuple[selectors.SelectorKey, int]]


class _GateSelector(selectors.DefaultSelector):
    """Lets the guest go on where another selector would wait.

    Attributes:
        now: the time of the guest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._machine: Machine | None = None
        self._heard: Callable[[bytes], None] = lambda _: None
        self._died: Callable[[], None] = lambda: None
        self._running = False
        self._pending: list[bytes] = []
        self._turns = Turns()

    @property
    def standing(self) -> bool:
        """Whether there is a guest, and it waits for us."""
        return self._machine is not None and not self._running

    def attach(
        self, machine: Machine, heard: Callable[[bytes], None], died: Callable[[], None]
    ) -> None:
        self._machine, self._heard, self._died = machine, heard, died
        self._running = True
        for each in (machine.gate, machine.death):
            self.register(each, selectors.EVENT_READ)

    def detach(self) -> None:
        if self._machine is not None:
            for each in (self._machine.gate, self._machine.death):
                self.unregister(each)
            self._machine = None

    def say(self, line: bytes) -> None:
        if self._machine is None:
            raise ConnectionError("the guest is gone")
        self._pending.append(line)

    def select(self, timeout: float | None = None) -> _Events:
        ready = self._others(super().select(0))
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._machine is None:
            return super().select(timeout)
        if not self._running:
            self._let_go(self.now + min(_FAR_S, _FAR_S if timeout is None else timeout))
        return self._until_idle()

    def _let_go(self, until: float) -> None:
        assert self._machine is not None
        lines, self._pending = self._pending, []
        self._running = True
        self._machine.write(b"".join([*lines, turn(until)]))

    def _until_idle(self) -> _Events:
        """Hear the guest until it stands still, or something else is ready here."""
        while self._machine is not None and self._running:
            found = super().select(PATIENCE_S)
            ready = {key.fd for key, _ in found}
            others = self._others(found)
            if self._machine.gate in ready:
                self._hear(os.read(self._machine.gate, _PIECE))
            elif self._machine.death in ready or not ready:
                if not ready:
                    self._machine.kill(f"it did not answer for {PATIENCE_S:.0f} s")
                self.detach()
                self._died()
            if others:
                return others
        return []

    def _hear(self, data: bytes) -> None:
        lines, mark = self._turns.feed(data)
        if mark is not None:
            self.now = max(self.now, float(mark))
            self._running = False
        if lines:
            self._heard(b"".join(lines))

    def _others(self, found: _Events) -> _Events:
        if self._machine is None:
            return found
        ours = (self._machine.gate, self._machine.death)
        return [each for each in found if each[0].fd not in ours]


class GuestLoop(asyncio.SelectorEventLoop):
    """A loop for one run; before its guest is there, its time stands at zero."""

    def __init__(self) -> None:
        self._gate = _GateSelector()
        super().__init__(self._gate)

    def time(self) -> float:
        """Seconds of the guest's CLOCK_MONOTONIC, when it last stood still."""
        return self._gate.now

    @property
    def standing(self) -> bool:
        """Whether there is a guest, and it waits for us."""
        return self._gate.standing

    def attach(
        self, machine: Machine, heard: Callable[[bytes], None], died: Callable[[], None]
    ) -> None:
        """Have the time of a guest that has just been started.

        Args:
            machine: the guest.
            heard: takes the lines that it says.
            died: is called once if it dies.
        """
        self._gate.attach(machine, heard, died)

    def detach(self) -> None:
        """Have no guest any longer; time stands still."""
        self._gate.detach()

    def say(self, line: bytes) -> None:
        """Say a line to the guest when it goes on.

        Raises:
            ConnectionError: if it is gone.
        """
        self._gate.say(line)


def running_guest_loop() -> GuestLoop | None:
    """The loop that runs here, if it is one for a guest."""
    loop: Any = asyncio.get_running_loop()
    return loop if isinstance(loop, GuestLoop) else None
