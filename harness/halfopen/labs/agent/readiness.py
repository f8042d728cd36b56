"""How one knows that a program can work."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from halfopen.errors import LabError
from halfopen.labs.agent import line_search
from halfopen.model.program import Ready
from halfopen.probes.namespaces import run_in
from halfopen.probes.sockets import SocketProbe

_POLL_S = 0.05


class Watch:
    """Looks for all that a program must have done before it can work.

    Args:
        ready: what that is.
        host: in whose namespace its sockets are.
        log: to which its standard error goes.
    """

    def __init__(self, ready: Ready, host: str, log: Path) -> None:
        self._ready = ready
        self._host = host
        self._file = Path(ready.file) if ready.file else log
        # What a program before it wrote to the same file does not count.
        self._from = self._file.stat().st_size if self._file.exists() else 0
        if ready.exists is not None:
            Path(ready.exists).unlink(missing_ok=True)
        self._seen = asyncio.Event()
        if ready.event is None:
            self._seen.set()

    def see(self, event: object) -> None:
        """An event came in its structured log."""
        if event == self._ready.event:
            self._seen.set()

    async def wait(self) -> None:
        """Wait until all of it holds.

        Raises:
            LabError: if the search for a line takes too much time.
        """
        await self._seen.wait()
        if self._ready.line is not None:
            await self._find(self._ready.line)
        while True:
            if await asyncio.to_thread(self._holds):
                return
            await asyncio.sleep(_POLL_S)  # nobody tells of a file or a socket

    def _holds(self) -> bool:
        ready = self._ready
        if ready.exists is not None and not Path(ready.exists).exists():
            return False
        if ready.listening is None and ready.connected is None:
            return True
        return self._has_sockets()

    async def _find(self, pattern: str) -> None:
        search = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", line_search.__file__, str(self._file), str(self._from), pattern),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, words = await search.communicate()
        finally:
            if search.returncode is None:
                search.kill()
                await search.wait()
        if search.returncode == -signal.SIGXCPU:
            raise LabError(
                f"ready line: {pattern!r} takes more than {line_search.CPU_S} s of CPU time on the "
                f"lines of {self._file.name}; write a simpler regular expression"
            )
        if search.returncode:
            raise LabError(f"ready line: the search for {pattern!r} failed: {words.decode()}")

    def _has_sockets(self) -> bool:
        ready = self._ready
        found = run_in(self._host, _ports)
        return (ready.listening is None or ("LISTEN", ready.listening) in found) and (
            ready.connected is None or ("ESTABLISHED", ready.connected) in found
        )


def _ports() -> set[tuple[str, int]]:
    """(state, port) of all sockets here: the own port of what listens, else that of the peer."""
    probe = SocketProbe()
    try:
        seen = [each.record for each in probe.read({})]
    finally:
        probe.close()
    ends = [(each["state"], each["peer"] or each["local"]) for each in seen]
    return {(state, int(end.rpartition(":")[2])) for state, end in ends}
