"""Syncing, apart from all that a queue does meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from relpio.queue.files import Directory, File

__all__ = ["SyncJob"]


class SyncJob:
    """Files to sync. `run` may be called in any thread; all else belongs to the queue's own."""

    def __init__(self, files: Sequence[File], directory: Directory | None, through: int) -> None:
        """Sync these files, then the directory; then numbers up to `through` are safe."""
        self._files = files
        self._directory = directory
        self.through = through

    def run(self) -> None:
        """Sync.

        Raises:
            OSError: some of it failed.
        """
        for file in self._files:
            file.sync()
        if self._directory is not None:
            self._directory.sync()
