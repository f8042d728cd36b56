"""A followed file that rotates, a disk queue, SIGKILL at random moments: nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.lab.crashes import (
    ROUNDS,
    WINDOW,
    check,
    message,
    pause,
    seed_of_this_run,
    street,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]

BATCH = 128 * 1024 // len(message(10_000))
"""Messages of one batch of a followed file, 128 KiB; about as many as there may be."""


class Writer:
    """A program that logs to a file, and a logrotate that knows both ways."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = 0
        self.rotations = 0

    def write(self, count: int, rng: random.Random) -> None:
        lines = b"".join(message(self.made + at) + b"\n" for at in range(1, count + 1))
        self.made += count
        with self.path.open("ab", buffering=0) as stream:
            while lines:  # lines are not written whole, as with any buffered writer
                size = rng.randrange(1, 20_000)
                stream.write(lines[:size])
                lines = lines[size:]

    def rename(self) -> None:
        self.rotations += 1
        self.path.rename(self.path.with_name(f"{self.path.name}-{self.rotations:05d}"))

    def copy_and_truncate(self) -> None:
        self.rotations += 1
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}-{self.rotations:05d}"))
        os.truncate(self.path, 0)


@pytest.mark.parametrize("sync", ["off", "on"])
def test_followed_files_and_a_disk_queue_lose_nothing(tmp_path: Path, sync: str) -> None:
    seed = seed_of_this_run()
    rng = random.Random(f"{seed}{sync}")
    logs, spool = tmp_path / "logs", tmp_path / "spool"
    logs.mkdir()
    spool.mkdir()
    writer = Writer(logs / "app.log")
    writer.write(10, rng)
    options = [
        "--follow", str(writer.path), "--state-file", str(tmp_path / "state"),
        "--queue-type", "disk", "--queue-spool-directory", str(spool),
        "--queue-filename", "q", "--queue-max-file-size", "64k", "--queue-sync-queue-files", sync,
    ]  # fmt: skip
    with street(tmp_path, *options) as (sender, network, receiver, output):
        receiver.start()
        sender.start()
        happened: list[str] = []

        def why() -> object:
            return seed, happened[-10:], sender.events()[-5:]

        output.wait_for(writer.made, why)
        for _ in range(ROUNDS):
            writer.write(rng.randrange(1, 800), rng)
            if rng.random() < 0.6:
                output.wait_for(rng.randrange(writer.made), why)
            pause(rng, 0.05)
            fault = rng.choice(
                ["sender", "sender", "receiver", "both", "cut", "stop", "rename", "copytruncate"]
            )
            happened.append(fault)
            if fault in ("receiver", "both"):
                receiver.kill()
            if fault in ("sender", "both"):
                sender.kill()
                if rng.random() < 0.5:  # rotation while nobody looks
                    writer.rename()
                    writer.write(rng.randrange(1, 300), rng)
            if fault == "stop":
                # -15: it was still starting, and had nothing to finish.
                assert sender.terminate() in (0, 1, -signal.SIGTERM), sender.events()[-5:]
            if fault in ("receiver", "both"):
                receiver.start()
            if fault in ("sender", "both", "stop"):
                sender.start()
            if fault == "cut":
                network.cut()
            if fault == "rename" and writer.path.exists():
                writer.rename()
            if fault == "copytruncate":
                # A copy is recognised by what was read of it before.
                writer.write(1, rng)
                output.wait_for(writer.made, why)
                writer.write(rng.randrange(1, 500), rng)
                pause(rng, 0.05)
                writer.copy_and_truncate()
        writer.write(1, rng)
        output.wait_for(writer.made, why)
        assert sender.terminate() == 0
        assert receiver.terminate() == 0
        kills = happened.count("sender") + happened.count("both")
        assert not sender.events("follow-missing") and not sender.events("state-damaged")
        check(
            output.numbers(), writer.made,
            # A batch that was accepted but not written down comes again in the same session.
            sessions=len(receiver.events("session-open")) + kills,
            duplicates=WINDOW * len(happened) + BATCH * kills,
        )  # fmt: skip
