"""Disks that become full, SIGKILL at random moments: what was accepted arrives."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

from tests.lab.crashes import (
    ROUNDS,
    WINDOW,
    Program,
    check,
    message,
    pause,
    seed_of_this_run,
    street,
)
from tests.lab.disks import PAGE, small_disk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600), pytest.mark.usefixtures("netns")]

BATCH = 128 * 1024 // len(message(10_000))
"""Messages of one batch of a followed file, 128 KiB; about as many as there may be."""

ERRORS = ("queue-error", "state-error", "output-error")
"""Events that a full disk may repeat."""


def alive(program: Program) -> bool:
    return program.process is not None and program.process.poll() is None


@pytest.mark.parametrize("sync", ["off", "on"])
def test_killed_while_disks_are_full(tmp_path: Path, sync: str) -> None:
    """The sender's disk has its queue and its state file, the receiver's has the output."""
    seed = seed_of_this_run()
    rng = random.Random(f"{seed}{sync}")
    log, made = tmp_path / "app.log", 0
    log.touch()
    with small_disk(tmp_path, "1m") as near, small_disk(tmp_path, "128m") as far:
        options = [
            "--follow", str(log), "--state-file", str(near.path / "state"),
            "--queue-type", "disk", "--queue-spool-directory", str(near.path),
            "--queue-filename", "q", "--queue-max-file-size", "16k",
            "--queue-sync-queue-files", sync,
        ]  # fmt: skip
        receive = ["--ack", "synced"] if sync == "on" else []
        with street(tmp_path, *options, receive=receive, output_in=far.path) as (
            sender, network, receiver, output,
        ):  # fmt: skip
            happened: list[str] = []

            def why() -> object:
                return seed, happened[-10:], sender.events()[-5:], receiver.events()[-5:]

            def write(most: int) -> None:
                nonlocal made
                count = rng.randrange(1, most)
                with log.open("ab", buffering=0) as stream:
                    stream.write(b"".join(message(made + at) + b"\n" for at in range(1, count + 1)))
                made += count

            receiver.start()
            sender.start()
            write(100)
            output.wait_for(made, why)
            for _ in range(ROUNDS):
                full = rng.choice([[near], [near], [far], [near, far]])
                fault = rng.choice(["sender", "sender", "receiver", "both", "cut"])
                early = rng.random() < 0.5
                happened.append(f"{'+'.join(d.path.name for d in full)} {fault} {early}")
                write(800)
                pause(rng, 0.2)
                for disk in full:
                    disk.fill(rng.choice([0, 0, PAGE, rng.randrange(64 * 1024)]))
                write(3000)
                pause(rng, 0.3)
                for program in (sender, receiver):
                    assert alive(program), (seed, happened[-5:], program.last_words())
                if fault in ("receiver", "both"):
                    receiver.kill()
                if fault in ("sender", "both"):
                    sender.kill()
                if fault == "cut":
                    network.cut()
                if early:
                    for disk in full:
                        disk.heal()
                if fault in ("receiver", "both"):
                    receiver.start()
                if fault in ("sender", "both"):
                    sender.start()
                write(800)
                pause(rng, 0.4)
                for disk in full:
                    disk.heal()
                if rng.random() < 0.5:
                    output.wait_for(rng.randrange(made), why)
            write(10)
            output.wait_for(made, why)
            assert sender.terminate() == 0
            assert receiver.terminate() == 0
            numbers = output.numbers()
            sessions = len(receiver.events("session-open"))
            kills = sum("sender" in each or "both" in each for each in happened)
            events = {e: len(sender.events(e)) + len(receiver.events(e)) for e in ERRORS}
            logging.getLogger(__name__).info(
                "%d rounds, %d messages, %d of them twice, %d kills of the sender, %d sessions, %s",
                ROUNDS, made, len(numbers) - made, kills, sessions, events,
            )  # fmt: skip
            # Full disks were met, and each said about once, however often a write was tried.
            assert 0 < sum(events.values()) < 3 * ROUNDS, events
            # A kill may leave a torn end, which was not accepted.
            lost = [each for each in sender.events("queue-damage") if each["count"]]
            assert not lost and not sender.events("state-damaged"), lost
            check(
                numbers, made,
                sessions=sessions + kills,
                duplicates=WINDOW * sessions + 2 * BATCH * kills,
            )  # fmt: skip
