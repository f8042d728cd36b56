"""One followed file: it grows and rotates, and is read from a durable position on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from relpio.inputs.base import Deliver
from relpio.inputs.position import FilePosition
from relpio.inputs.records import RecordRule
from relpio.inputs.rotation import find, open_file, rotated_since
from relpio.inputs.statefile import StateFile
from relpio.inputs.tail import Batch, Tail
from relpio.logs import Log

__all__ = ["FollowedFile"]

LINGER = 5.0
"""Seconds of quiet after which a rotated file is let go: its writer may know it only by then."""

_BATCHES = 8
"""Batches of one file in a row, before the others have their turn."""

_MOST_OPEN = 16
"""Files kept open for one path, rotated ones included."""


class FollowedFile:
    """All that is still to be read under one path: the file there now, and those it was before."""

    def __init__(
        self,
        path: Path,
        max_line: int,
        state: StateFile,
        log: Log,
        records: RecordRule | None = None,
    ) -> None:
        """Go on at the positions that `state` knows, else at the start of the file."""
        self.path = path
        self._name = str(path.absolute())
        self._max_line = max_line
        self._records = records
        self._state = state
        self._log = log
        self._tails: list[Tail] = []  # oldest first
        self._quiet_since: dict[Tail, float] = {}
        self._grew_at: dict[Tail, float] = {}
        self._problem = ""
        self._resume(state)

    async def step(self, deliver: Deliver, stopping: asyncio.Event) -> bool:
        """Read and deliver what is there, some batches at most; return whether there was any."""
        self._look_for_a_new_file()
        busy = False
        for tail in list(self._tails):
            moved = await self._drain(tail, deliver, stopping)
            busy = busy or moved
            if moved or stopping.is_set():
                self._quiet_since.pop(tail, None)
                break  # what is older comes first
            await self._let_go_of(tail, deliver)
        return busy

    async def forget(self) -> None:
        """Take the path out of the state file."""
        await self._state.record(self._name, ())

    def close(self) -> None:
        """Close all files."""
        for tail in self._tails:
            tail.close()
        self._tails.clear()

    def _resume(self, state: StateFile) -> None:
        """Open the files that were being read, and those that have come and gone since."""
        for position in state.positions(self._name):
            fd = find(self.path, position, but_not=self._known())
            if fd is not None:
                self._tails.append(self._tail(fd, position))
            elif position.offset or position.head:
                self._log(
                    "follow-missing", file=self._name, offset=position.offset,
                    detail=(
                        "the file that was being read is gone (compressed or moved?); its "
                        "content after this offset is not sent"
                    ),
                )  # fmt: skip
                since = rotated_since(self.path, state.loaded_ns, but_not=self._known())
                self._tails += [self._tail(each) for each in since]

    @property
    def identities(self) -> set[tuple[int, int]]:
        """Device and inode of all files that are open for it."""
        return self._known()

    @property
    def gone(self) -> bool:
        """Nothing is at the path, and all that was there is read to its end."""
        return not self._tails and not self.path.exists()

    def _tail(self, fd: int, position: FilePosition | None = None) -> Tail:
        return Tail(fd, self._max_line, position, self._records)

    def _known(self) -> set[tuple[int, int]]:
        return {tail.identity for tail in self._tails}

    def _look_for_a_new_file(self) -> None:
        try:
            status = self.path.stat()
            if (status.st_dev, status.st_ino) in self._known():
                return
            fd = open_file(self.path)
        except OSError as error:
            # Not there at the moment: rotation, or it never was. The old file is read meanwhile.
            self._tell(error.strerror or str(error))
            return
        new = os.fstat(fd)
        if self._tails:
            known = {*self._known(), (new.st_dev, new.st_ino)}
            since = os.fstat(self._tails[-1].fd).st_mtime_ns
            between = rotated_since(self.path, since, but_not=known)
            self._tails += [self._tail(each) for each in between]
        self._tails.append(self._tail(fd))
        self._log("follow-open", file=self._name, inode=new.st_ino)
        self._problem = ""
        while len(self._tails) > _MOST_OPEN:
            self._forget(self._tails[0], "too many rotated files at a time")

    async def _drain(self, tail: Tail, deliver: Deliver, stopping: asyncio.Event) -> bool:
        moved = False
        for _ in range(_BATCHES):
            if stopping.is_set():
                break
            try:
                batch = tail.read()
            except OSError as error:
                self._tell(f"cannot be read: {error.strerror}")
                break
            if batch is None:
                await self._truncated(tail, deliver)
                return True
            if not batch.grew:
                await self._deliver_record(tail, deliver)
                break
            self._grew_at[tail] = asyncio.get_running_loop().time()
            moved = True
            if batch.octets:
                await self._deliver(tail, batch, deliver)
        return moved

    async def _deliver_record(self, tail: Tail, deliver: Deliver) -> None:
        """Deliver the last record of a file that has been quiet for long enough."""
        if self._records is None or not tail.unfinished:
            return
        now = asyncio.get_running_loop().time()
        if now - self._grew_at.setdefault(tail, now) >= self._records.timeout:
            record = tail.quiet()
            if record.octets:
                await self._deliver(tail, record, deliver)

    async def _deliver(self, tail: Tail, batch: Batch, deliver: Deliver) -> None:
        if batch.messages:
            await deliver(batch.messages)
        tail.accepted(batch)
        await self._record()

    async def _record(self) -> None:
        await self._state.record(self._name, tuple(tail.position for tail in self._tails))

    async def _truncated(self, tail: Tail, deliver: Deliver) -> None:
        """The contents are gone from this inode; perhaps `copytruncate` has copied them."""
        copy = find(self.path, tail.position, but_not=self._known())
        self._log(
            "follow-truncated",
            file=self._name,
            offset=tail.position.offset,
            copied=copy is not None,
        )
        successors = []
        if copy is None:
            last = tail.last()
            if last.messages:  # the start of a line, of which there is nothing more
                await deliver(last.messages)
        else:
            first = self._tail(copy, tail.position)
            since = os.fstat(copy).st_mtime_ns
            known = {*self._known(), first.identity}
            # Younger ones follow this file, if it was renamed after its truncation.
            until = os.fstat(tail.fd).st_mtime_ns
            later = rotated_since(self.path, since, but_not=known, until=until)
            successors = [first, *(self._tail(each) for each in later)]
        at = self._tails.index(tail)
        self._tails[at : at + 1] = [*successors, self._tail(os.dup(tail.fd))]
        self._quiet_since.pop(tail, None)
        self._grew_at.pop(tail, None)
        tail.close()

    async def _let_go_of(self, tail: Tail, deliver: Deliver) -> None:
        """Close a file that is no longer at the path, once it has been quiet for long enough."""
        replaced = tail is not self._tails[-1]
        if not replaced and os.fstat(tail.fd).st_nlink and self._is_at_path(tail):
            self._quiet_since.pop(tail, None)
            return
        if not replaced and os.fstat(tail.fd).st_nlink:
            return  # renamed, and nothing in its place yet: its writer may well go on
        now = asyncio.get_running_loop().time()
        if now - self._quiet_since.setdefault(tail, now) < LINGER:
            return
        last = tail.last()
        if last.messages:  # a line that will get no LF any more
            await self._deliver(tail, last, deliver)
        self._forget(tail, "read to its end")
        await self._record()

    def _is_at_path(self, tail: Tail) -> bool:
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == tail.identity

    def _forget(self, tail: Tail, why: str) -> None:
        self._log(
            "follow-close", file=self._name, inode=tail.identity[1], offset=tail.position.offset,
            detail=why,
        )  # fmt: skip
        self._tails.remove(tail)
        self._quiet_since.pop(tail, None)
        self._grew_at.pop(tail, None)
        tail.close()

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._log("follow-waiting", file=self._name, detail=problem)
