"""What goes through the gate between the runner and the guest: lines, each way in turn.

The guest writes messages of :mod:`halfopen.labs.rpc` and then `!NOW`: nothing happens at this
moment any more.  The runner answers with messages and `!UNTIL`: the guest may go on until then, or
with `!end`.  Both are seconds of the guest's CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections.abc import Sequence

END = b"!end\n"
_MARK = b"!"


def turn(moment: float) -> bytes:
    """The line that hands the turn over."""
    return b"!%r\n" % moment


class Turns:
    """Puts what comes through the gate together, from pieces as they come."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> tuple[Sequence[bytes], bytes | None]:
        """The messages that are complete now, as lines, and what the mark says if it came."""
        *whole, self._begun = (self._begun + data).split(b"\n")
        mark = None
        if whole and whole[-1].startswith(_MARK):
            mark = whole.pop().removeprefix(_MARK)
        return [line + b"\n" for line in whole], mark
