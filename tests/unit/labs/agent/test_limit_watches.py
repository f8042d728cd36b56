"""Whether a program has come to its limit of memory is seen from outside."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from halfopen.labs.agent.limit_watches import SMALLEST_ROOM, MemoryWatch
from halfopen.probes.procfs import memory_sizes

MIB = 1 << 20
HOLDER = """
import mmap, sys
held = []
for line in sys.stdin:
    size = int(line)
    try:
        if size < 0:
            held.clear()
        else:
            held.append(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        print("done", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Holder:
    """A process that takes as much memory as it is told, and gives it back."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def take(self, size: int) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{size}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def give_back(self) -> None:
        assert self.take(-1) == "done"

    def limit(self, more: int) -> int:
        """Let it have so many bytes more; returns the limit."""
        limit = memory_sizes(self.pid).data + more
        resource.prlimit(self.pid, resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
        return limit


@contextmanager
def holder() -> Iterator[Holder]:
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        found = Holder(process)
        assert found.take(4096) == "done"
        yield found
        assert process.stdin is not None
        process.stdin.close()


async def _watched(more: int, *takes: int) -> tuple[int, int, str]:
    """The limit, what was seen at it, and what the last request came to."""
    with holder() as program:
        limit = program.limit(more)
        watch = MemoryWatch(program.pid, limit)
        watch.look()
        said = ""
        for size in takes:
            said = program.take(size)
            watch.look()
        watch.stop()
        return limit, watch.at_limit, said


def test_a_limit_that_is_never_reached_is_not_hit() -> None:
    _, at_limit, said = asyncio.run(_watched(64 * MIB, MIB, MIB))
    assert (at_limit, said) == (0, "done")


@pytest.mark.parametrize("more", [0, 24 * MIB])
def test_a_program_that_can_get_no_more_is_at_its_limit(more: int) -> None:
    takes = [MIB] * (more // MIB + 1)
    limit, at_limit, said = asyncio.run(_watched(more, *takes))
    assert said == "Cannot allocate memory"
    assert limit - max(SMALLEST_ROOM, limit // 16) <= at_limit <= limit


def test_what_it_had_between_two_looks_counts() -> None:
    async def peak() -> tuple[int, int]:
        with holder() as program:
            limit = program.limit(24 * MIB)
            watch = MemoryWatch(program.pid, limit)
            watch.look()
            for _ in range(24):
                program.take(MIB)
            program.give_back()
            watch.look()
            watch.stop()
            return limit, watch.at_limit

    limit, at_limit = asyncio.run(peak())
    assert at_limit >= limit - max(SMALLEST_ROOM, limit // 16)


def test_what_it_had_before_the_limit_does_not_count() -> None:
    async def before() -> int:
        with holder() as program:
            program.take(64 * MIB)
            program.give_back()
            watch = MemoryWatch(program.pid, program.limit(32 * MIB))
            watch.look()
            program.take(MIB)
            watch.look()
            watch.stop()
            return watch.at_limit

    assert asyncio.run(before()) == 0


def test_nobody_looks_at_a_process_that_is_gone() -> None:
    async def gone() -> bool:
        with holder() as program:
            watch = MemoryWatch(program.pid, 1 << 40)
        watch.stop()
        return watch.look()

    assert asyncio.run(gone()) is False
