"""Messages of a queue on disk that are in memory before they are leased."""

from __future__ import annotations

from collections import deque

from relpio.queue.cursor import Chunk, Cursor

__all__ = ["CACHE_BYTES", "ReadAhead"]

CACHE_BYTES = 8 * 1024 * 1024
"""Most bytes of messages kept in memory from `put` on, so that they need not be read again."""

_OVERHEAD = 64
"""Bytes that a message costs in memory besides itself, roughly."""


class ReadAhead:
    """Chunks that are ready, all before what the cursor has yet to read."""

    def __init__(self, cursor: Cursor) -> None:
        """Hold nothing: all is to be read by `cursor`."""
        self._cursor = cursor
        self._chunks: deque[Chunk] = deque()
        self._cost = 0

    def __bool__(self) -> bool:
        """Tell whether a chunk is ready."""
        return bool(self._chunks)

    def keeps_up(self, last: int) -> bool:
        """Tell whether all up to `last` was read, and there is room for what is put next."""
        return self._cursor.number > last and self._cost < CACHE_BYTES

    def add_put(self, chunk: Chunk) -> None:
        """Keep messages that were just put, so that the cursor need not read them."""
        self.add(chunk)
        self._cursor.skip(chunk.first + len(chunk.messages))

    def add(self, chunk: Chunk) -> None:
        """Add what was read."""
        self._chunks.append(chunk)
        self._cost += _cost(chunk.messages)

    def take(self, limit: int) -> Chunk:
        """Remove messages from the first chunk, at most `limit`."""
        first, ready = self._chunks.popleft()
        part = ready[:limit]
        if limit < len(ready):
            self._chunks.appendleft(Chunk(first + limit, ready[limit:]))
        self._cost -= _cost(part)
        return Chunk(first, part)


def _cost(messages: list[bytes]) -> int:
    return sum(map(len, messages)) + _OVERHEAD * len(messages)
