"""A feeder with a ledger, SIGKILL at random moments, a network that is cut: nothing is lost."""

from __future__ import annotations

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

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]


class Feeder:
    """Keeps each message until the ledger says that it is safe, and feeds it again if not."""

    def __init__(self, sender: Program, directory: Path, safe: str) -> None:
        self.sender = sender
        self.directory = directory
        self.safe = safe
        self.made = 0
        self.fed: list[int] = []  # of this run, in order: the ledger counts them from 1
        self.start([])

    def start(self, again: list[int]) -> None:
        self.ledger = self.directory / f"ledger-{self.sender.starts}"
        self.sender.start("--ledger", str(self.ledger))
        self.fed = []
        self.write(again)

    def feed(self, count: int) -> None:
        numbers = list(range(self.made + 1, self.made + count + 1))
        self.made += count
        self.write(numbers)

    def write(self, numbers: list[int]) -> None:
        assert self.sender.process is not None
        assert self.sender.process.stdin is not None
        self.fed += numbers
        self.sender.process.stdin.write(b"".join(message(number) + b"\n" for number in numbers))
        self.sender.process.stdin.flush()

    def crash(self) -> int:
        """Kill the sender and start it again; return how many messages are fed again."""
        self.sender.kill()
        safe = self.safe_ones()
        again = [number for at, number in enumerate(self.fed, 1) if at not in safe]
        self.start(again)
        return len(again)

    def safe_ones(self) -> set[int]:
        text = self.ledger.read_text() if self.ledger.exists() else ""
        found: set[int] = set()
        for line in text.splitlines(keepends=True):
            word, _, span = line.partition(" ")
            if word == self.safe and line.endswith("\n"):
                first, _, last = span.strip().partition("-")
                found |= set(range(int(first), int(last or first) + 1))
        return found


def play(tmp_path: Path, options: list[str], safe: str, batch: int = 0) -> None:
    """Run the rounds; `batch`: messages that may be fed again although they were accepted."""
    seed = seed_of_this_run()
    rng = random.Random(seed)
    with street(tmp_path, *options, stdin=-1) as (sender, network, receiver, output):
        receiver.start()
        feeder = Feeder(sender, tmp_path, safe)
        happened: list[str] = []
        for _ in range(ROUNDS):
            feeder.feed(rng.randrange(1, 800))
            if rng.random() < 0.7:  # otherwise the fault meets a sender that is still starting
                output.wait_for(rng.randrange(feeder.made), lambda: happened[-5:])
            pause(rng, 0.03)
            fault = rng.choice(["sender", "sender", "receiver", "receiver", "both", "cut", "stall"])
            happened.append(fault)
            if fault in ("receiver", "both"):
                receiver.kill()
            if fault in ("sender", "both"):
                feeder.crash()
            if fault in ("receiver", "both"):
                receiver.start()
            if fault == "cut":
                network.cut()
            if fault == "stall":
                network.stall()
                feeder.feed(rng.randrange(1, 300))
                pause(rng, 0.1)
                network.cut()
                network.flow()
        output.wait_for(feeder.made, lambda: (seed, happened[-10:], sender.events()[-5:]))
        assert sender.process is not None and sender.process.stdin is not None
        sender.process.stdin.close()
        assert sender.process.wait(60) == 0, sender.events()[-5:]
        assert receiver.terminate() == 0
        kills = happened.count("sender") + happened.count("both")
        check(
            output.numbers(), feeder.made,
            # What is fed again although it was accepted comes twice in one session.
            sessions=len(receiver.events("session-open")) + (kills if batch else 0),
            # A window for each lost session; and again what was acknowledged in the very turn
            # whose end the sender did not live to write down.
            duplicates=2 * WINDOW * len(happened) + batch * kills,
        )  # fmt: skip


def test_a_feeder_that_keeps_what_is_not_acked_loses_nothing(tmp_path: Path) -> None:
    play(tmp_path, [], "acked")


@pytest.mark.parametrize("sync", ["off", "on"])
def test_with_a_disk_queue_a_feeder_may_forget_what_is_accepted(tmp_path: Path, sync: str) -> None:
    (tmp_path / "spool").mkdir()
    options = [
        "--queue-type", "disk", "--queue-spool-directory", str(tmp_path / "spool"),
        "--queue-filename", "q", "--queue-max-file-size", "64k", "--queue-sync-queue-files", sync,
    ]  # fmt: skip
    # One chunk of standard input, 64 KiB, is accepted at a time.
    play(tmp_path, options, "accepted", batch=64 * 1024 // len(message(1)))
