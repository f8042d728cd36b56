"""A queue on a simulated disk: cut at every step, torn, reordered, full, failing.

The disk keeps what is synced apart from what is not. At a cut, the process dies; after a loss of
power, any part of the unsynced writes is on the disk, in any order, the last ones torn.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from relpio.queue import positions
from relpio.queue.disk import DiskQueue
from relpio.queue.files import Directory
from relpio.queue.settings import QueueSettings, QueueType


@pytest.fixture(autouse=True)
def short_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the other file's turn comes often."""
    monkeypatch.setattr(positions, "LENGTH", 256)


SEEDS = 2000 if os.environ.get("HALFOPEN_SOAK") else 60
"""Losses of power at each step."""


class PowerCutError(Exception):
    """The process is no more."""


@dataclass
class Inode:
    """A file: what a reader sees, what is on the disk, and the writes in between."""

    seen: bytearray = field(default_factory=bytearray)
    stored: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, target: bytearray, offset: int, data: bytes | None) -> None:
        if data is None:  # truncate, lengthening included
            del target[offset:]
            target.extend(bytes(offset - len(target)))
        else:
            target.extend(bytes(max(0, offset - len(target))))
            target[offset : offset + len(data)] = data

    def change(self, offset: int, data: bytes | None) -> None:
        self.apply(self.seen, offset, data)
        self.pending.append((offset, data))

    def after_power_loss(self, rng: random.Random, share: float) -> Inode:
        content = bytearray(self.stored)
        for offset, data in self.pending:
            if rng.random() >= share:
                continue
            if data is not None and share < 1 and rng.random() < 0.5:
                data = data[: rng.randrange(len(data) + 1)]
            self.apply(content, offset, data)
        return Inode(bytearray(content), content)


Name = tuple[str, str, Inode | None]


class Disk:
    """One directory. Each change is a step; the plan says what happens at which."""

    path = "disk"

    def __init__(self) -> None:
        self.capacity = 10**12
        self.opened: Counter[int] = Counter()  # of inodes, by id
        self.inodes: dict[int, Inode] = {}  # that are open
        self.names: dict[str, Inode] = {}
        self.stored_names: dict[str, Inode] = {}
        self.pending_names: list[Name] = []
        self.steps = self.reads = 0
        self.cut_at = 0
        self.failures: dict[int, int] = {}
        self.read_failures: dict[int, int] = {}

    def step(self, tear: Callable[[], None] = lambda: None) -> None:
        self.steps += 1
        if self.steps == self.cut_at:
            tear()
            raise PowerCutError
        if self.steps in self.failures:
            tear()
            raise OSError(self.failures[self.steps], "simulated")

    def change_name(self, kind: str, name: str, inode: Inode | None) -> None:
        self._apply_name(self.names, (kind, name, inode))
        self.pending_names.append((kind, name, inode))

    @staticmethod
    def _apply_name(names: dict[str, Inode], change: Name) -> None:
        kind, name, inode = change
        if kind == "unlink":
            names.pop(name, None)
        elif inode is not None:
            for other in [other for other, there in names.items() if there is inode]:
                del names[other]  # a rename
            names[name] = inode

    def after_kill(self) -> Disk:
        """What the next process sees: the kernel has lost nothing."""
        disk = Disk()
        for name, inode in self.names.items():
            content = bytearray(inode.seen)
            disk.names[name] = Inode(content, bytearray(content))
        disk.stored_names = dict(disk.names)
        return disk

    def after_power_loss(self, seed: int) -> Disk:
        """What the next boot finds. Names change in order; how far that got, chance says."""
        rng = random.Random(seed)
        share = (0.0, 1.0, 0.5, 0.8)[seed % 4]
        names = dict(self.stored_names)
        for change in self.pending_names[: round(len(self.pending_names) * rng.random() * 1.2)]:
            self._apply_name(names, change)
        disk = Disk()
        for name, inode in names.items():
            disk.names[name] = inode.after_power_loss(rng, share)
        disk.stored_names = dict(disk.names)
        return disk

    def need(self, inode: Inode, size: int) -> None:
        """Whether the file can grow to `size`. A file that is open has its room, name or not."""
        inodes = {id(each): each for each in self.names.values()} | self.inodes
        used = sum(len(each.seen) for each in inodes.values())
        if size > len(inode.seen) and used + size - len(inode.seen) > self.capacity:
            raise OSError(errno.ENOSPC, "simulated")

    # Directory

    def sizes(self) -> dict[str, int]:
        return {name: len(inode.seen) for name, inode in self.names.items()}

    def create(self, name: str) -> OpenFile:
        self.step()
        if name in self.names:
            raise FileExistsError(name)
        self.change_name("create", name, Inode())
        return OpenFile(self, self.names[name])

    def open(self, name: str, *, write: bool = False) -> OpenFile:
        if name not in self.names:
            raise FileNotFoundError(name)
        return OpenFile(self, self.names[name])

    def rename(self, old: str, new: str) -> None:
        self.step()
        self.change_name("rename", new, self.names[old])

    def unlink(self, name: str) -> None:
        self.step()
        if name not in self.names:
            raise FileNotFoundError(name)
        self.change_name("unlink", name, None)

    def sync(self) -> None:
        self.step()
        for change in self.pending_names:
            self._apply_name(self.stored_names, change)
        self.pending_names.clear()

    def close(self) -> None:
        pass


class OpenFile:
    def __init__(self, disk: Disk, inode: Inode) -> None:
        self.disk = disk
        self.inode = inode
        self.disk.opened[id(inode)] += 1
        self.disk.inodes[id(inode)] = inode

    def read(self, offset: int, size: int) -> bytes:
        self.disk.reads += 1
        if self.disk.reads in self.disk.read_failures:
            raise OSError(self.disk.read_failures[self.disk.reads], "simulated")
        return bytes(self.inode.seen[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        self.disk.need(self.inode, offset + len(data))
        self.disk.step(lambda: self.inode.change(offset, data[: len(data) * 2 // 3]))
        self.inode.change(offset, data)

    def truncate(self, size: int) -> None:
        self.disk.step()
        self.inode.change(size, None)

    def allocate(self, size: int) -> None:
        self.disk.need(self.inode, size)
        self.disk.step()
        self.inode.change(max(size, len(self.inode.seen)), None)

    def sync(self) -> None:
        try:
            self.disk.step()
        except OSError:
            # The kernel takes the pages for clean now: seen until the next boot, never stored.
            self.inode.pending.clear()
            raise
        for offset, data in self.inode.pending:
            self.inode.apply(self.inode.stored, offset, data)
        self.inode.pending.clear()

    def size(self) -> int:
        return len(self.inode.seen)

    def close(self) -> None:
        self.disk.opened[id(self.inode)] -= 1
        if not self.disk.opened[id(self.inode)]:
            del self.disk.inodes[id(self.inode)]


class Script:
    """A fixed sequence of calls, and what may be expected after each instant of it."""

    def __init__(self, disk: Disk, *, sync: bool, tries: int = 1) -> None:
        self.disk = disk
        self.sync = sync
        self.tries = tries  # a failing disk works again after so many
        self.put: list[bytes] = []
        self.accepted: set[bytes] = set()
        self.acking: set[bytes] = set()
        self.acked: set[bytes] = set()
        self.queue: DiskQueue | None = None

    def run(self) -> None:
        queue = self.queue = open_queue(self.disk, sync=self.sync, tries=self.tries)
        leased: dict[int, bytes] = {}
        for turn in range(5):
            self.offer(queue, [b"%d.%d." % (turn, n) + b"x" * 90 for n in range(4)])
            lease = self.lease(queue, 3)
            leased.update(zip(lease[0], lease[1], strict=True))
            if turn == 1:
                queue.nack([max(leased)])
                del leased[max(leased)]
            self.ack(queue, leased, sorted(leased)[1:])  # leaves a hole
            if turn == 3:
                self.ack(queue, leased, sorted(leased))
                queue.close()
                queue = self.queue = open_queue(self.disk, sync=self.sync, tries=self.tries)
                leased.clear()
        queue.close()

    def offer(self, queue: DiskQueue, messages: list[bytes]) -> None:
        rest = messages
        self.put += messages  # what is under way may be there or not
        for _ in range(self.tries * 20):
            rest = rest[queue.put(rest) :]
            if not rest:
                break
        assert not rest, "the disk works again, but the queue does not"
        if self.sync:
            self.repeat(queue.sync)
        self.accepted |= set(messages)

    def lease(self, queue: DiskQueue, limit: int) -> tuple[list[int], list[bytes]]:
        numbers: list[int] = []
        messages: list[bytes] = []
        for _ in range(self.tries * 20):
            lease = queue.lease(limit - len(numbers))
            numbers += lease.numbers
            messages += lease.messages
            if len(numbers) == limit or not queue.ready:
                break
        return numbers, messages

    def ack(self, queue: DiskQueue, leased: dict[int, bytes], numbers: list[int]) -> None:
        messages = {leased.pop(number) for number in numbers}
        self.acking |= messages
        queue.ack(numbers)
        self.acked |= messages

    def repeat(self, act: Callable[[], None]) -> None:
        for _ in range(self.tries * 20):
            with contextlib.suppress(OSError):
                act()
                return
        raise AssertionError("the disk works again, but the queue does not")

    def check(self, disk: Disk, *, may_repeat: bool) -> None:
        """Everything accepted and not acknowledged comes, once and in order; nothing else."""
        queue = open_queue(disk, sync=self.sync)
        out = drain(queue)
        assert set(out) >= self.accepted - self.acking
        order = {message: place for place, message in enumerate(self.put)}
        places = [order[message] for message in out]
        assert places == sorted(set(places))
        if not may_repeat:
            assert not set(out) & self.acked
        told = [finding for finding in queue.damage if finding.lost]
        assert not told, "nothing that was accepted is lost, so nothing may be called so"
        queue.close()


def open_queue(disk: Directory, *, sync: bool, tries: int = 1) -> DiskQueue:
    settings = QueueSettings(
        type=QueueType.DISK, filename="q", max_file_size=1024, sync_queue_files=sync
    )
    for left in reversed(range(tries * 20)):
        try:
            return DiskQueue(disk, settings)
        except OSError:  # loud: no queue is better than a wrong one
            if tries == 1 or not left:
                raise
    raise AssertionError


def drain(queue: DiskQueue) -> list[bytes]:
    out: list[bytes] = []
    while len(queue):
        lease = queue.lease(3)
        assert lease.numbers or not len(queue)
        out += lease.messages
        queue.ack(lease.numbers)
    return out


def steps_of(*, sync: bool) -> int:
    disk = Disk()
    Script(disk, sync=sync).run()
    return disk.steps


def cuts(*, sync: bool) -> Iterator[Script]:
    """The script, cut at each of its steps in turn."""
    for cut_at in range(1, steps_of(sync=sync) + 1):
        script = Script(Disk(), sync=sync)
        script.disk.cut_at = cut_at
        with pytest.raises(PowerCutError):
            script.run()
        yield script


@pytest.mark.parametrize("sync", [False, True])
def test_killed_at_every_step(sync: bool) -> None:
    for script in cuts(sync=sync):
        script.check(script.disk.after_kill(), may_repeat=False)


def test_power_lost_at_every_step() -> None:
    for script in cuts(sync=True):
        for seed in range(SEEDS):
            script.check(script.disk.after_power_loss(seed), may_repeat=True)


def test_killed_again_at_every_step_of_the_start_after_that() -> None:
    for number, script in enumerate(cuts(sync=True)):
        first = script.disk.after_power_loss(number)
        again = 0
        while True:
            again += 1
            disk = first.after_kill()
            disk.cut_at = again
            try:
                open_queue(disk, sync=True)
            except PowerCutError:
                script.check(disk.after_power_loss(number + again), may_repeat=True)
                continue
            break


def test_power_lost_without_sync_is_noticed_and_never_repaired_with_wrong_messages() -> None:
    for script in cuts(sync=False):
        for seed in range(12):
            queue = open_queue(script.disk.after_power_loss(seed), sync=False)
            out = drain(queue)
            order = {message: place for place, message in enumerate(script.put)}
            places = [order[message] for message in out]
            assert places == sorted(set(places))
            # No number of a message that is gone is given to a new one: that could be done already.
            queue.put([b"new", b"newer"])
            queue.close()
            again = open_queue(queue.store.directory, sync=False)
            assert drain(again) == [b"new", b"newer"]
            again.close()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("sync", [False, True])
def test_a_failing_disk_loses_nothing_and_heals(error: int, length: int, sync: bool) -> None:
    for fail_at in range(1, steps_of(sync=sync) + 1):
        script = Script(Disk(), sync=sync, tries=length + 1)
        script.disk.failures = dict.fromkeys(range(fail_at, fail_at + length), error)
        script.run()
        # What could not be written of an acknowledgement may be delivered again, and no more.
        script.check(script.disk.after_kill(), may_repeat=True)
        if sync:
            script.check(script.disk.after_power_loss(fail_at), may_repeat=True)


def test_a_failing_disk_and_then_no_power() -> None:
    for fail_at in range(1, steps_of(sync=True) + 1):
        for later in range(1, 40):
            script = Script(Disk(), sync=True, tries=3)
            script.disk.failures = {fail_at: errno.EIO, fail_at + 2: errno.ENOSPC}
            script.disk.cut_at = fail_at + later
            with contextlib.suppress(PowerCutError):
                script.run()
            script.check(script.disk.after_power_loss(later), may_repeat=True)


def test_a_sector_that_is_read_at_the_second_attempt() -> None:
    total = Disk()
    Script(total, sync=False).run()
    for fail_at in range(1, total.reads + 1):
        script = Script(Disk(), sync=False, tries=2)
        script.disk.read_failures = {fail_at: errno.EIO}
        script.run()
        script.check(script.disk.after_kill(), may_repeat=False)


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("cached", [False, True])
def test_a_full_disk_heals_when_messages_are_acknowledged(
    sync: bool, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not cached:  # the reader then has a segment open
        monkeypatch.setattr("relpio.queue.ahead.CACHE_BYTES", 0)
    disk = Disk()
    disk.capacity = 2 * 256 + 4000
    settings = QueueSettings(
        type=QueueType.DISK, filename="q", size=10**6, max_file_size=2000, sync_queue_files=sync
    )
    queue = DiskQueue(disk, settings)
    messages = [b"%04d" % number + b"." * 48 for number in range(1000)]
    rest, out, rounds = list(messages), list[bytes](), 0
    while rest or len(queue):
        rounds += 1
        assert rounds < 1000, f"{len(out)} of {len(messages)} came through"
        rest = rest[queue.put(rest) :]
        if sync and rounds % 3 == 0:
            queue.sync()
        lease = queue.lease(7)
        out += lease.messages
        queue.ack(lease.numbers)
    assert out == messages
    queue.close()


@pytest.mark.parametrize("sync", [False, True])
def test_killed_at_every_step_and_opened_on_a_full_disk(sync: bool) -> None:
    opened = 0
    for script in cuts(sync=sync):
        if not script.put:
            continue  # killed in its first moments: then it needs room for the index
        disk = script.disk.after_kill()
        disk.capacity = sum(disk.sizes().values())
        script.check(disk, may_repeat=False)
        opened += 1
    assert opened > 20


def test_an_active_segment_that_is_done_gives_its_room_back_and_less_is_tried_at_once() -> None:
    disk = Disk()
    disk.capacity = 2 * 256 + 2000
    settings = QueueSettings(type=QueueType.DISK, filename="q", size=10**6, max_file_size=10**6)
    queue = DiskQueue(disk, settings)
    taken = queue.put([b"x" * 100] * 100)
    assert 10 < taken < 20  # not all of a block of 100, but not none
    lease = queue.lease(100)
    queue.ack(lease.numbers)
    assert queue.put([b"y" * 100] * 100) >= taken - 1
    queue.close()


def test_the_edge_of_a_full_disk_does_not_fill_the_log() -> None:
    disk, events = Disk(), list[str]()
    disk.capacity = 2 * 256 + 4000
    settings = QueueSettings(type=QueueType.DISK, filename="q", size=10**6, max_file_size=1024)
    queue = DiskQueue(disk, settings, lambda event, /, **_: events.append(event))
    for _ in range(200):
        queue.put([b"x" * 100] * 3)
        if len(queue) > 15:
            queue.ack(queue.lease(2).numbers)
    assert events == ["queue-error", "queue-recovered"]
    queue.close()


def test_no_room_for_the_index_is_said_with_the_path_and_leaves_nothing() -> None:
    disk = Disk()
    disk.capacity = 400
    with pytest.raises(OSError, match=r"no room for the index of a queue.*512 bytes.*'disk'"):
        DiskQueue(disk, QueueSettings(type=QueueType.DISK, filename="q"))
    disk.capacity = 10**6
    queue = DiskQueue(disk, QueueSettings(type=QueueType.DISK, filename="q"))
    assert queue.damage == []
    queue.close()
