"""The events of a server, in order, messages in batches."""

from __future__ import annotations

from collections import deque

from relpio.protocol.events import Messages, ServerEvent
from relpio.protocol.txnr import HINT

__all__ = ["Arrivals"]


class Arrivals:
    """Events that wait for the program."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._events: deque[ServerEvent] = deque()

    def add(self, event: ServerEvent) -> None:
        """Add an event."""
        self._events.append(event)

    def add_messages(self, first: int, messages: list[bytes]) -> None:
        """Add messages numbered from `first` on, to the event before if they continue it.

        One event for all that came together, however it was framed. A hint stays alone.
        """
        last = self._events[-1] if self._events else None
        if (
            isinstance(last, Messages)
            and HINT not in (first, last.first_txnr)
            and last.first_txnr + len(last.messages) == first
        ):
            last.messages.extend(messages)
        else:
            self._events.append(Messages(first, messages))

    def next(self) -> ServerEvent | None:
        """Remove and return the oldest event, or None."""
        return self._events.popleft() if self._events else None
