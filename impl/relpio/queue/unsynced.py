"""What is written to a durable queue's files and not yet safe from a loss of power."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from relpio.queue.files import File
from relpio.queue.recovery import Segment

__all__ = ["Unsynced"]


class Unsynced:
    """Files to sync, and the blocks in them that would have to be written again.

    Attributes:
        failed: a sync failed; the kernel may have thrown away what the blocks hold.
        syncing: a job may be at work on files in another thread.
    """

    def __init__(self) -> None:
        """Everything is safe."""
        self._sealed: list[tuple[Segment, File]] = []
        self._blocks: deque[tuple[int, bytes]] = deque()  # last number, bytes
        self._in_job = 0  # of the sealed
        self.failed = False
        self.syncing = False

    def add(self, last: int, block: bytes) -> None:
        """Add a block that ends with this number."""
        self._blocks.append((last, block))

    def seal(self, segment: Segment, file: File) -> None:
        """Keep the file of a segment to which no more is written."""
        self._sealed.append((segment, file))

    @property
    def blocks(self) -> bytes:
        """All blocks, one after the other."""
        return b"".join(block for _, block in self._blocks)

    def begin(self, active: File | None) -> list[File]:
        """Return the files to sync, `active` among them if it is concerned."""
        files = [file for _, file in self._sealed]
        if self._blocks and active is not None:
            files.append(active)
        self._in_job = len(self._sealed)
        self.syncing = True
        return files

    def end(self, through: int) -> None:
        """Forget what a job has made safe."""
        for _, file in self._sealed[: self._in_job]:
            file.close()
        del self._sealed[: self._in_job]
        while self._blocks and self._blocks[0][0] <= through:
            self._blocks.popleft()

    def close_files(self) -> None:
        """Close all, synced or not."""
        for _, file in self._sealed:
            file.close()
        self._sealed.clear()

    def close_deleted(self, firsts: Container[int]) -> bool:
        """Close files without a name: until then the disk counts them as used.

        Args:
            firsts: first numbers of the segments that have a name.

        Returns:
            Whether there were any.
        """
        if self.syncing or self.failed:
            return False
        gone = [file for segment, file in self._sealed if segment.first not in firsts]
        for file in gone:
            file.close()
        self._sealed = [each for each in self._sealed if each[0].first in firsts]
        return bool(gone)
