"""The input that follows files: named ones, and those that match patterns, as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from relpio.inputs.base import GRACE, Deliver, Flow
from relpio.inputs.followed import FollowedFile
from relpio.inputs.patterns import is_pattern, matching, named_by
from relpio.inputs.records import RecordRule
from relpio.inputs.statefile import StateFile
from relpio.logs import Log

__all__ = ["FollowInput"]

POLL = 0.2
"""Seconds between two looks at a file that does not grow."""

SCAN = 1.0
"""Seconds between two looks for new files that match a pattern."""

MOST_FILES = 500
"""Files followed by patterns at a time: each one holds a descriptor, of which 1024 are usual."""


class FollowInput:
    """Any number of files, each read from where the last run stopped.

    A position is recorded only after the queue has accepted everything before it. So nothing is
    lost, and after a crash at most one batch of each file comes again.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        state_path: Path,
        *,
        max_line: int,
        records: RecordRule | None = None,
        log: Log,
    ) -> None:
        """Lock and read the state file, and open what is there.

        Args:
            paths: files, and patterns of files.
            state_path: the state file.
            max_line: longer lines come in pieces of so many bytes.
            records: how several lines make a message; None: each line is one.
            log: takes log events.

        Raises:
            ConfigurationError: another process uses the state file.
            OSError: the state file cannot be read or written.
        """
        self.name = "follow"
        self.flow: Flow = "full"
        self.received = 0
        self._max_line = max_line
        self._records = records
        self._log = log
        self._state = StateFile(state_path, log)
        self._patterns = [path for path in dict.fromkeys(paths) if is_pattern(path)]
        self._files = [
            self._followed(path) for path in dict.fromkeys(paths) if not is_pattern(path)
        ]
        self._by_pattern: dict[Path, FollowedFile] = {}
        self._scanned: float | None = None
        self._full = False
        for pattern in self._patterns:
            # Also those that are not there now: something of them may be left under another name.
            self._add(named_by(pattern, self._state.names()))
            if not self._add(self._new(pattern)) and not self._by_pattern:
                log("follow-waiting", file=str(pattern), detail="no file matches")
        self._stopping = asyncio.Event()

    async def run(self, deliver: Deliver) -> None:
        """Follow until cancelled; what is under way then is finished and written down."""

        async def count_and_deliver(messages: Sequence[bytes]) -> None:
            await deliver(messages)
            self.received += len(messages)

        work = asyncio.create_task(self._work(count_and_deliver))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait([work], timeout=GRACE)
            raise
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Close the files and give the lock back."""
        for each in (*self._files, *self._by_pattern.values()):
            each.close()
        self._state.close()

    async def _work(self, deliver: Deliver) -> None:
        while not self._stopping.is_set():
            await self._scan()
            files = (*self._files, *self._by_pattern.values())
            busy = [await each.step(deliver, self._stopping) for each in files]
            if not any(busy):
                try:
                    async with asyncio.timeout(POLL):
                        await self._stopping.wait()
                except TimeoutError:
                    pass

    def _followed(self, path: Path) -> FollowedFile:
        return FollowedFile(path, self._max_line, self._state, self._log, self._records)

    async def _scan(self) -> None:
        """Look for new files, and let go of those that are gone, now and then."""
        now = asyncio.get_running_loop().time()
        if not self._patterns or (self._scanned is not None and now - self._scanned < SCAN):
            return
        self._scanned = now
        for path, each in list(self._by_pattern.items()):
            if each.gone:
                await each.forget()
                del self._by_pattern[path]
                self._full = False
        for pattern in self._patterns:
            self._add(self._new(pattern))

    def _new(self, pattern: Path) -> list[Path]:
        known = {each.path.absolute() for each in self._files} | self._by_pattern.keys()
        held = {
            identity
            for each in (*self._files, *self._by_pattern.values())
            for identity in each.identities
        }
        return matching(pattern, known, held)

    def _add(self, paths: Sequence[Path]) -> int:
        """Follow these files, as far as there is room; return how many were added."""
        known = {each.path.absolute() for each in self._files} | self._by_pattern.keys()
        new = [path for path in paths if path not in known]
        room = MOST_FILES - len(self._by_pattern)
        for path in new[:room]:
            self._by_pattern[path] = self._followed(path)
        if len(new) > room and not self._full:
            self._full = True
            self._log(
                "follow-full", file=str(new[room]),
                detail=f"{MOST_FILES} files are followed by patterns; others wait for one to go",
            )  # fmt: skip
        return len(new[:room])
