"""How one knows that a program can work."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

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
        """Wait until all of it holds."""
        await self._seen.wait()
        while True:
            if await asyncio.to_thread(self._holds):
                return
            await asyncio.sleep(_POLL_S)  # nobody tells of a file or a socket

    def _holds(self) -> bool:
        ready = self._ready
        if ready.exists is not None and not Path(ready.exists).exists():
            return False
        if ready.line is not None and not self._said(ready.line):
            return False
        if ready.listening is None and ready.connected is None:
            return True
        return self._has_sockets()

    def _said(self, pattern: str) -> bool:
        try:
            with self._file.open("rb") as file:
                file.seek(self._from)
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return False
        return any(re.search(pattern, line) for line in text.splitlines())

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
