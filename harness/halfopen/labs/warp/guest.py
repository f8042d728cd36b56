"""Inside: the guest's first process, an agent that speaks with the lab through the gate."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import selectors
import struct
import time
from collections.abc import Callable
from pathlib import Path

from halfopen.labs.agent import network
from halfopen.labs.agent.agent import Agent
from halfopen.labs.agent.rhythm import BY_EVENTS
from halfopen.labs.warp.gate import Turns, turn
from halfopen.probes.namespaces import call

_GATE = "/dev/dsp"
_PIECE = 1 << 16
_POWER_OFF = 0x4321FEDC  # include/uapi/linux/reboot.h
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME, include/uapi/linux/timerfd.h

# What the kernel of the guest does not mount, and what a host has in /dev beside devices.
_MOUNTS = (("proc", "/proc"), ("sysfs", "/sys"), ("devpts", "/dev/pts"), ("tmpfs", "/dev/shm"))
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}

_libc = ctypes.CDLL(None, use_errno=True)


class _Alarm:
    """Goes off at a moment, to the nanosecond: a timeout of epoll_wait(2) may be late by 0.1 %."""

    def __init__(self) -> None:
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def fileno(self) -> int:
        return self._fd

    def set(self, moment: float) -> None:
        seconds, nanoseconds = divmod(max(1, round(moment * 1e9)), 10**9)
        value = struct.pack("=qqqq", 0, 0, seconds, nanoseconds)
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, value, None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")


class _GateSelector(selectors.EpollSelector):
    """Hands the turn over where another selector would wait, if there is reason to.

    Attributes:
        out: lines that wait to be said.
        hear: takes the lines that come.
    """

    def __init__(self) -> None:
        super().__init__()
        self.out: list[bytes] = []
        self.hear: Callable[[bytes], None] = lambda _: None
        self._gate = os.open(_GATE, os.O_RDWR | os.O_CLOEXEC)
        self._until = 0.0
        self._turns = Turns()
        self._alarm = _Alarm()
        self.register(self._alarm, selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._others(super().select(0))
        now = time.monotonic()
        if self.out or now >= self._until:
            if ready := self._others(super().select(0)):
                return ready
            self._hand_over(now)
            return self._others(super().select(0))
        self._alarm.set(self._until if timeout is None else min(self._until, now + timeout))
        return self._others(super().select(None))

    def _others(
        self, found: list[tuple[selectors.SelectorKey, int]]
    ) -> list[tuple[selectors.SelectorKey, int]]:
        others = [each for each in found if each[0].fd != self._alarm.fileno()]
        if len(others) < len(found):
            os.read(self._alarm.fileno(), 8)
        return others

    def _hand_over(self, now: float) -> None:
        """Say what is to be said, and stand still until the runner lets us go on."""
        data = b"".join([*self.out, turn(now)])
        self.out.clear()
        while data:
            data = data[os.write(self._gate, data[:_PIECE]) :]
        mark = None
        while mark is None:
            lines, mark = self._turns.feed(os.read(self._gate, _PIECE))
            if lines:
                self.hear(b"".join(lines))
        if mark == b"end":
            _power_off()
        self._until = float(mark)


_UPTIME_S = 2.0
"""Seconds for which a guest is up before a run begins.

In its first second the kernel takes the time of a segment for none at all (`tw_ts_recent_stamp` in
net/ipv4/tcp_ipv4.c): a port in TIME_WAIT could not be used again.
"""


def _power_off() -> None:
    os.sync()  # files of the host are written when the guest's memory of them is
    _libc.reboot(_POWER_OFF)


def _furnish() -> None:
    """Have what the programs of a host expect to find."""
    for kind, place in _MOUNTS:
        Path(place).mkdir(exist_ok=True)
        call("mount", kind.encode(), place.encode(), kind.encode(), 0, None)
    call("mount", b"halfopen", b"/run", b"tmpfs", 0, b"mode=755")
    for name, target in _LINKS.items():
        with contextlib.suppress(FileExistsError):
            (Path("/dev") / name).symlink_to(target)


def main() -> None:
    """Serve until the lab says that it is over."""
    _furnish()
    time.sleep(_UPTIME_S)
    network.NAMESPACES.mkdir(parents=True, exist_ok=True)
    selector = _GateSelector()

    async def serve() -> None:
        agent = Agent(selector.out.append, BY_EVENTS)
        selector.hear = agent.peer.take
        agent.peer.notify("ready")
        await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(serve())
