"""Queues on a disk that is full, slow or failing, with the event loop around them."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path
from typing import Any

import pytest

from relpio.queue import disk, syncing
from relpio.queue.assisted import DiskAssistedQueue
from relpio.queue.disk import DiskQueue
from relpio.queue.files import RealFile
from relpio.queue.intake import FlowControl, Intake
from relpio.queue.memory import MemoryQueue
from relpio.queue.settings import QueueSettings, QueueType

from ..doubles import run


class Trouble:
    """Errors of the files, and how often they were synced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.writes_left = 10**9
        self.sync_error: OSError | None = None
        self.syncs = 0
        self.go_on = threading.Event()
        self.go_on.set()
        write, sync = RealFile.write, RealFile.sync

        def write_or_not(file: RealFile, offset: int, data: bytes) -> None:
            # The index has its room from the start.
            if self.full and len(data) != 20 and data[:8] != b"relpioA1":
                self.writes_left -= 1
                if self.writes_left < 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
            write(file, offset, data)

        def sync_or_not(file: RealFile) -> None:
            self.syncs += 1
            assert self.go_on.wait(30)
            if self.sync_error is not None:
                raise self.sync_error
            sync(file)

        monkeypatch.setattr(RealFile, "write", write_or_not)
        monkeypatch.setattr(RealFile, "sync", sync_or_not)
        monkeypatch.setattr(disk, "RETRY", 0.01)
        monkeypatch.setattr(syncing, "RETRY", 0.01)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    return Trouble(monkeypatch)


def synced(path: Path, events: list[str] | None = None, **more: Any) -> DiskQueue:
    def log(event: str, /, **fields: object) -> None:
        if events is not None:
            events.append(event)

    settings = QueueSettings(
        type=QueueType.DISK, filename="q", size=10**6, sync_queue_files=True, **more
    )
    return DiskQueue(path, settings, log)


def take_all(queue: DiskQueue | DiskAssistedQueue) -> list[bytes]:
    out: list[bytes] = []
    while len(queue):
        lease = queue.lease(100)
        assert lease.numbers
        out += lease.messages
        queue.ack(lease.numbers)
    return out


def test_inputs_that_wait_together_share_a_sync(tmp_path: Path, trouble: Trouble) -> None:
    async def work() -> None:
        queue = synced(tmp_path / "q")
        intake = Intake(queue, QueueSettings(size=10**6))
        before = trouble.syncs
        await asyncio.gather(*(intake.offer([b"%d" % n]) for n in range(500)))
        # One may have begun with the first message alone; the rest share the next one.
        assert trouble.syncs - before <= 4
        assert len(take_all(queue)) == 500
        queue.close()

    run(work)


def test_what_is_put_during_a_sync_waits_for_the_next(
    tmp_path: Path, trouble: Trouble, tools: Any
) -> None:
    async def work() -> None:
        queue = synced(tmp_path / "q")
        before = trouble.syncs
        trouble.go_on.clear()
        first = asyncio.create_task(Intake(queue).offer([b"first"]))
        await tools.eventually(lambda: trouble.syncs == before + 1)
        second = asyncio.create_task(Intake(queue).offer([b"second"]))
        await tools.eventually(lambda: len(queue) == 2)
        trouble.go_on.set()
        await asyncio.gather(first, second)
        assert trouble.syncs == before + 2
        queue.close()

    run(work)


def test_nothing_is_accepted_while_syncing_fails(
    tmp_path: Path, trouble: Trouble, tools: Any
) -> None:
    async def work() -> None:
        events: list[str] = []
        queue = synced(tmp_path / "q", events)
        await Intake(queue).offer([b"before"])
        trouble.sync_error = OSError(errno.EIO, "Input/output error")
        before = trouble.syncs
        offers = [asyncio.create_task(Intake(queue).offer([b"%d" % n])) for n in range(3)]
        await tools.eventually(lambda: trouble.syncs > before + 3)
        assert not any(offer.done() for offer in offers)
        assert events == ["queue-error"]
        trouble.sync_error = None
        assert [offered.accepted for offered in await asyncio.gather(*offers)] == [1, 1, 1]
        assert events == ["queue-error", "queue-recovered"]
        queue.close()
        again = synced(tmp_path / "q")
        assert take_all(again) == [b"before", b"0", b"1", b"2"]
        again.close()

    run(work)


def test_who_gives_up_waiting_harms_nobody(tmp_path: Path, trouble: Trouble, tools: Any) -> None:
    async def work() -> None:
        queue = synced(tmp_path / "q")
        trouble.sync_error = OSError(errno.EIO, "Input/output error")
        offers = [asyncio.create_task(Intake(queue).offer([b"%d" % n])) for n in range(2)]
        await tools.eventually(lambda: trouble.syncs > 3)
        offers[0].cancel()
        await asyncio.wait([offers[0]])
        trouble.sync_error = None
        assert (await offers[1]).accepted == 1
        assert take_all(queue) == [b"0", b"1"]
        queue.close()

    run(work)


def test_closed_in_the_middle_of_a_failure(tmp_path: Path, trouble: Trouble, tools: Any) -> None:
    async def work() -> None:
        queue = synced(tmp_path / "q")
        trouble.sync_error = OSError(errno.EIO, "Input/output error")
        offer = asyncio.create_task(Intake(queue).offer([b"message"]))
        await tools.eventually(lambda: trouble.syncs > 3)
        offer.cancel()
        queue.close()
        await asyncio.wait([offer])
        trouble.sync_error = None
        again = synced(tmp_path / "q")
        assert take_all(again) == [b"message"]  # it was not accepted, but could be written
        again.close()

    run(work)


def test_a_full_disk_lets_inputs_wait_and_sessions_go_on(
    tmp_path: Path, trouble: Trouble, tools: Any
) -> None:
    async def work() -> None:
        events: list[str] = []
        queue = synced(tmp_path / "q", events, max_file_size=1024)
        intake = Intake(queue)
        for n in range(20):
            await intake.offer([b"%d" % n + b"." * 200])
        trouble.full = True
        trouble.writes_left = 0
        offer = asyncio.create_task(intake.offer([b"more"], FlowControl.NONE))
        await tools.eventually(lambda: events == ["queue-error"])
        held = queue.store.size
        assert len(take_all(queue)) == 20
        assert queue.store.size < held  # room was made on a full disk
        assert not offer.done()
        trouble.full = False
        assert (await offer).accepted == 1
        assert events == ["queue-error", "queue-recovered"]
        assert take_all(queue) == [b"more"]
        queue.close()

    run(work)


def test_the_space_limit_makes_inputs_wait_and_ends_when_messages_are_gone(tmp_path: Path) -> None:
    settings = QueueSettings(
        type=QueueType.DISK, filename="q", size=10**6, max_disk_space=4096, max_file_size=1024
    )
    queue = DiskQueue(tmp_path / "q", settings)
    put = 0
    while queue.put([b"x" * 300]):
        put += 1
    assert 4 < put < 14 and queue.store.size <= 4096
    lease = queue.lease(100)
    queue.ack(lease.numbers[:-1])
    # Whatever segment the last one is in: in the end all room comes back.
    queue.ack(lease.numbers[-1:])
    again = 0
    while queue.put([b"x" * 300]):
        again += 1
    assert again >= put - 1
    queue.put([b"y" * 9000])
    take_all(queue)
    assert queue.put([b"y" * 9000]) == 1  # longer than the limit: alone
    queue.close()


def assisted(path: Path, **more: Any) -> DiskAssistedQueue:
    values: dict[str, Any] = {"size": 10, "high_watermark": 6, "low_watermark": 3, **more}
    return DiskAssistedQueue(path, QueueSettings(filename="q", **values))


def test_a_spill_begins_at_the_high_watermark_and_keeps_order(tmp_path: Path) -> None:
    queue = assisted(tmp_path / "q")
    queue.put([b"%d" % n for n in range(6)])
    assert not queue.spilling
    queue.put([b"6"])
    assert (len(queue.memory), len(queue.disk)) == (3, 4)
    first = queue.lease(2)
    queue.ack(first.numbers)
    queue.put([b"7"])
    assert (len(queue.memory), len(queue.disk)) == (1, 5)  # room in memory is no shortcut
    assert list(first.messages) + take_all(queue) == [b"%d" % n for n in range(8)]
    queue.put([b"8"])
    assert (len(queue.memory), len(queue.disk)) == (1, 0)
    assert not list((tmp_path / "q" / "disk").glob("*.seg"))
    queue.close()


def test_memory_is_saved_in_front_of_the_disk(tmp_path: Path) -> None:
    queue = assisted(tmp_path / "q")
    queue.put([b"%d" % n for n in range(9)])
    queue.ack(queue.lease(3).numbers[:1])
    queue.close()
    queue = assisted(tmp_path / "q")
    queue.put([b"9"])
    assert take_all(queue) == [b"%d" % n for n in range(1, 10)]
    queue.close()


def test_memory_is_not_saved_unasked(tmp_path: Path) -> None:
    queue = assisted(tmp_path / "q", save_on_shutdown=False)
    queue.put([b"%d" % n for n in range(9)])
    queue.close()
    queue = assisted(tmp_path / "q")
    assert take_all(queue) == [b"%d" % n for n in range(3, 9)]
    queue.close()


@pytest.mark.parametrize("early", [0, 2])
@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_spill_that_fails_half_way_loses_nothing_and_keeps_order(
    tmp_path: Path, trouble: Trouble, writes: int, early: int
) -> None:
    queue = assisted(tmp_path / "q")
    large = [b"%d" % n + b"x" * 200_000 for n in range(20)]
    assert queue.put(large[:6]) == 6
    trouble.full, trouble.writes_left = True, writes
    taken = 6 + queue.put(large[6:])
    assert taken <= 10  # in memory as far as there is room
    out: list[bytes] = []
    lease = queue.lease(early)
    out += lease.messages
    queue.ack(lease.numbers)
    trouble.full = False
    rest = large[taken:]
    while rest:
        rest = rest[queue.put(rest) :]
    last = queue.last
    while len(queue):
        lease = queue.lease(1)
        out += lease.messages
        queue.ack(lease.numbers)
    assert out == large
    assert list(lease.numbers) == [last]
    queue.close()


def test_newest_messages_can_be_taken_and_put_back() -> None:
    queue = MemoryQueue()
    queue.put([b"a", b"b", b"c"])
    queue.lease(1)
    assert queue.take_newest(5) == [b"b", b"c"]
    assert (len(queue), queue.octets, queue.ready) == (1, 1, 0)
    queue.restore_newest([b"b", b"c"])
    assert queue.lease(9) == (range(2, 4), [b"b", b"c"])
