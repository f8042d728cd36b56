"""A subject as a program of its own, with its log."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


def wait_for(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    """Return as soon as `condition` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


class Subject:
    """One running subject."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The events of its log, all or of one name."""
        whole, _, _ = self._log.read_text().rpartition("\n")  # it may be in the middle of one
        found = [json.loads(line) for line in whole.splitlines()]
        return [event for event in found if name in ("", event["event"])]

    def await_event(self, name: str, count: int = 1) -> dict[str, Any]:
        """The event `name`, once it has come `count` times."""
        wait_for(lambda: len(self.events(name)) >= count)
        return self.events(name)[count - 1]

    def say(self, *lines: str) -> None:
        """Write lines to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def started(
    module: str, log: Path, *arguments: str | Path, before: Sequence[str] = ()
) -> Iterator[Subject]:
    """The subject `module`, until the end of the block.

    Args:
        module: `tcp_client` or `tcp_server`.
        log: file for its standard error.
        arguments: of its command line.
        before: a command that starts it.
    """
    command = [*before, sys.executable, "-m", f"halfopen.guests.{module}", *map(str, arguments)]
    with (
        log.open("wb") as err,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=err) as process,
    ):
        try:
            yield Subject(process, log)
        finally:
            process.kill()
