"""A queue on disk whose process is killed for real, at any moment; and a very long one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import relpio
from relpio.queue.disk import DiskQueue
from relpio.queue.settings import QueueSettings, QueueType

pytestmark = pytest.mark.lab

SOAK = bool(os.environ.get("HALFOPEN_SOAK"))
ROUNDS = 200 if SOAK else 8

WRITER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from relpio.queue.disk import DiskQueue
    from relpio.queue.settings import QueueSettings, QueueType

    path, number, sync = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "sync"
    queue = DiskQueue(path, QueueSettings(
        type=QueueType.DISK, filename="q", size=10**9, max_file_size=4096, sync_queue_files=sync))
    os.write(1, b"opened 0 0\\n")
    while True:
        batch = [b"%d " % n + b"x" * (n % 50) for n in range(number, number + 1 + number % 9)]
        assert queue.put(batch) == len(batch)
        if sync:
            queue.sync()
        os.write(1, b"accepted %d %d\\n" % (number, number + len(batch) - 1))
        number += len(batch)
        lease = queue.lease(5)
        for n, message in zip(lease.numbers, lease.messages):
            text = int(message.split()[0])
            os.write(1, b"acking %d %d\\n" % (text, text))
        queue.ack(lease.numbers[::-1])
        os.write(1, b"acked 0 0\\n")
    """
)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(relpio.__file__).parent.parent)}


@pytest.mark.parametrize("policy", ["nosync", "sync"])
def test_killed_at_random_moments(policy: str, tmp_path: Path) -> None:
    rng = random.Random(4711)
    path = tmp_path / "q"
    due: set[int] = set()  # accepted, and not acknowledged for sure
    acked: set[int] = set()
    number = 1
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number), policy],
            stdout=subprocess.PIPE,
            env=environment(),
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"opened 0 0\n"
        lines = rng.randrange(200)
        seen = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        seen += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        unsettled: set[int] = set()
        for line in seen:
            word, first, last = line.split()
            numbers = set(range(int(first), int(last) + 1))
            if word == b"accepted":
                due |= numbers
                number = max(number, int(last) + 1)
            elif word == b"acking":
                unsettled |= numbers
            else:
                acked |= unsettled
                unsettled.clear()
        due -= acked | unsettled
        # A batch that was put, but not yet called accepted, may be there.
        number += 10
        if rng.random() < 0.3:
            number = max(number, check(path, due, acked) + 1)
            due.clear()
    check(path, due, acked)


def check(path: Path, due: set[int], acked: set[int]) -> int:
    """Drain the queue, and compare; return the highest number found."""
    queue = DiskQueue(path, QueueSettings(type=QueueType.DISK, filename="q", size=10**9))
    out: list[int] = []
    while len(queue):
        lease = queue.lease(100)
        for message in lease.messages:
            number, rest = message.split(b" ", 1)
            assert rest == b"x" * (int(number) % 50)
            out.append(int(number))
        queue.ack(lease.numbers)
    assert out == sorted(set(out)), "order"
    assert due <= set(out), "lost"
    assert not acked & set(out), "delivered again"
    assert not any(finding.lost for finding in queue.damage)
    queue.close()
    return max(out, default=0)


OPENER = textwrap.dedent(
    """
    import json, os, resource, sys, time
    from pathlib import Path
    from relpio.queue.disk import DiskQueue
    from relpio.queue.settings import QueueSettings, QueueType

    path, count = Path(sys.argv[1]), int(sys.argv[2])
    settings = QueueSettings(type=QueueType.DISK, filename="q", size=10**9)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    queue = DiskQueue(path, settings)
    opened = time.perf_counter() - began
    held = len(queue)
    batch = [b"y" * 200] * 1000
    for _ in range(count // 1000):
        queue.put(batch)
    taken = 0
    while taken < min(held, 200_000):
        lease = queue.lease(1000)
        taken += len(lease.numbers)
        queue.ack(lease.numbers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"opened": opened, "held": held, "grown": (peak - start) * 1024}))
    sys.stdout.flush()
    os._exit(0)  # as if killed
    """
)


def open_and_put(path: Path, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", OPENER, str(path), str(count)],
        capture_output=True,
        check=True,
        env=environment(),
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_a_long_queue_needs_constant_memory_and_opens_at_once(tmp_path: Path) -> None:
    count = 10_000_000 if SOAK else 400_000
    made = open_and_put(tmp_path / "q", count)
    again = open_and_put(tmp_path / "q", 0)
    assert again["held"] == count
    # The messages themselves are 2 GB, or 80 MB.
    assert made["grown"] < 48 * 1024 * 1024
    assert again["grown"] < 48 * 1024 * 1024
    if SOAK:  # the promise; on a short queue the time says nothing
        assert again["opened"] < 2.0
