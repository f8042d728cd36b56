"""Syncing a queue's files in a thread, one job at a time, for all that wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from relpio.queue.faults import RETRY, DiskFaults
from relpio.queue.files import SyncJob
from relpio.queue.store import Store

__all__ = ["Syncing"]


class Syncing:
    """Makes what is in a store as safe as its policy promises."""

    def __init__(self, store: Store, faults: DiskFaults) -> None:
        """Sync `store`; tell `faults` how it goes."""
        self._store = store
        self._faults = faults
        self._task: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a job is at work, or is to be tried again."""
        return self._task is not None

    async def through(self, number: int) -> None:
        """Return when all up to `number` is safe.

        Many callers share one fsync. While the disk fails, this waits, and tries again each second.
        """
        while self._store.safe < number:
            if self._task is None:
                self._task = asyncio.create_task(self._sync(), name="relpio-queue-sync")
            await asyncio.shield(self._task)

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "relpio-queue")
        try:
            while not self._closed:
                try:
                    job = self._store.begin_sync()
                    await self._run(loop, job)
                except OSError as error:
                    self._faults.failed(error)
                    await asyncio.sleep(RETRY)
                    continue
                self._faults.healed()
                return
        finally:
            self._task = None

    async def _run(self, loop: asyncio.AbstractEventLoop, job: SyncJob) -> None:
        running = loop.run_in_executor(self._thread, job.run)
        failed = True
        try:
            await running
            failed = False
        finally:
            # Cancelled: it may have been done all the same, but that is not to be relied upon.
            if not self._closed:
                self._store.end_sync(job, failed=failed)

    def close(self) -> None:
        """Wait for the job at work, and begin no other."""
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        if self._task is not None:
            self._task.cancel()
