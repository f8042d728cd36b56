"""A followed file without its clock, and what happens to files."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relpio.inputs.followed import FollowedFile
from relpio.inputs.records import RecordRule
from relpio.inputs.statefile import StateFile


class CrashError(Exception):
    """The program dies after the messages were accepted, before that was written down."""


class Follower:
    """A follower without its clock: `read` takes all that is there."""

    def __init__(self, path: Path, max_line: int = 1000, records: RecordRule | None = None) -> None:
        self.path = path
        self.max_line = max_line
        self.records = records
        self.state_path = path.with_name("state")
        self.messages: list[bytes] = []
        self.batches: list[list[bytes]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.crash = False
        self.start()

    def log(self, event: str, /, **fields: object) -> None:
        self.events.append((event, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def start(self) -> None:
        async def body() -> None:
            self.state = StateFile(self.state_path, self.log)

        asyncio.run(body())
        self.file = FollowedFile(self.path, self.max_line, self.state, self.log, self.records)

    def stop(self) -> None:
        self.file.close()
        self.state.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    async def deliver(self, messages: Sequence[bytes]) -> None:
        self.messages += messages
        self.batches.append(list(messages))
        if self.crash:
            raise CrashError

    def read(self) -> list[bytes]:
        """Return what is new."""
        before = len(self.messages)

        async def body() -> None:
            idle = 0
            while idle < 2:  # what is quiet for the first time is let go the second time
                idle = 0 if await self.file.step(self.deliver, asyncio.Event()) else idle + 1

        asyncio.run(body())
        return self.messages[before:]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


def copy_and_truncate(path: Path, name: str = "app.log.1") -> None:
    shutil.copyfile(path, path.with_name(name))
    os.truncate(path, 0)
