"""Measures whether the machine keeps up with the run.

A task sleeps for a moment and looks how late it wakes up; the observers' threads report how late
they begin to look.  Whatever else in the lab, or in a program, waits for a moment is as late.
A program that waits for a slow disk is late without any of these: the kernel tells for how long.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from halfopen.model.records import MachineRecord, Recorder
from halfopen.model.sampling import HEARTBEAT_S
from halfopen.probes.cpu import SpareMeter

_NAP_S = 0.05


class Meter:
    """The lateness of one sandbox, recorded once a second.

    Args:
        emit: takes a record without `t`.
    """

    def __init__(self, emit: Recorder) -> None:
        self._emit = emit
        self._late = 0.0
        self._task: asyncio.Task[None] | None = None

    def note(self, late: float) -> None:
        """Take note that something was `late` seconds late; from any thread."""
        self._late = max(self._late, late)

    def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Record what was not recorded yet, and end."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        spare = SpareMeter()
        told = time.monotonic()
        try:
            while True:
                due = time.monotonic() + _NAP_S
                try:
                    await asyncio.sleep(_NAP_S)
                finally:
                    self.note(time.monotonic() - due)
                if time.monotonic() - told >= HEARTBEAT_S:
                    told = time.monotonic()
                    self._tell(spare)
        finally:
            self._tell(spare)

    def _tell(self, spare: SpareMeter) -> None:
        late, self._late = self._late, 0.0
        left = spare.read()
        record = MachineRecord(kind="machine", late_s=round(late, 4), idle=round(left.idle, 2))
        if left.stalled is not None:
            record["stalled"] = round(left.stalled, 3)
        if left.io_s is not None:
            record["io_s"] = round(left.io_s, 3)
        self._emit(record)
