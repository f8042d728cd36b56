"""Followed files: any lines in any pieces, any rotations, restarts and crashes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relpio.inputs import tail

from .follower import Follower, append, copy_and_truncate


class Rotations(RuleBasedStateMachine):
    """Whatever a writer, logrotate and the operator do: every line once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "app.log"
        self.follower = Follower(self.path)
        self.running = True
        self.written: list[bytes] = []
        self.rotations = 0
        self.clock = 1_000_000_000

    def line(self) -> bytes:
        line = b"line %d %s" % (len(self.written), b"." * (len(self.written) % 70))
        self.written.append(line)
        return line

    def known(self) -> bool:
        """Whether the follower has seen any file: what was rotated before that is not its own."""
        return bool(self.follower.state.positions(str(self.path)))

    def recognised(self) -> bool:
        """Whether it has seen enough of the present contents to tell a copy of them."""
        places = self.follower.state.positions(str(self.path))
        if not places or places[-1].head < 32 or not self.path.exists():
            return False
        with self.path.open("rb") as stream:
            return places[-1].is_in(stream.fileno())

    def touch(self) -> None:
        """Give each file that is done with a time of its own, as real time would."""
        self.clock += 10
        os.utime(self.path, (self.clock, self.clock))

    @rule(count=st.integers(1, 30))
    def write(self, count: int) -> None:
        append(self.path, b"".join(self.line() + b"\n" for _ in range(count)))

    @rule()
    def write_in_two(self) -> None:
        line = self.line() + b"\n"
        append(self.path, line[:5])
        if self.running:
            self.follower.read()
        append(self.path, line[5:])

    @precondition(lambda self: self.known() and self.path.exists() and self.path.stat().st_size)
    @rule()
    def rename(self) -> None:
        self.touch()
        self.rotations += 1
        self.path.rename(self.path.with_name(f"app.log-{self.rotations:05d}"))

    @precondition(lambda self: self.recognised())
    @rule()
    def copy_and_truncate(self) -> None:
        self.rotations += 1
        copy_and_truncate(self.path, f"app.log-{self.rotations:05d}")
        self.clock += 10
        os.utime(self.path.with_name(f"app.log-{self.rotations:05d}"), (self.clock, self.clock))

    @precondition(lambda self: self.running)
    @rule()
    def read(self) -> None:
        self.follower.read()

    @precondition(lambda self: self.running)
    @rule()
    def stop(self) -> None:
        self.follower.stop()
        self.running = False

    @precondition(lambda self: not self.running)
    @rule()
    def start(self) -> None:
        self.follower.start()
        self.running = True

    @invariant()
    def everything_that_was_read_was_written_in_this_order(self) -> None:
        assert self.follower.messages == self.written[: len(self.follower.messages)]

    def teardown(self) -> None:
        if not self.running:
            self.follower.start()
        # What was rotated away unseen is found when the next file takes its place.
        self.write(1)
        self.follower.read()
        messages, events = self.follower.messages, self.follower.events
        self.follower.stop()
        shutil.rmtree(self.directory)
        assert messages == self.written, events


SOAK = os.environ.get("HALFOPEN_SOAK") == "1"

TestRotations = pytest.mark.filterwarnings("ignore::ResourceWarning")(Rotations.TestCase)
TestRotations.settings = settings(
    max_examples=2000 if SOAK else 60, stateful_step_count=25, deadline=None
)


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=30),
       st.integers(1, 64), st.integers(1, 40), st.data())  # fmt: skip
@settings(max_examples=60)
def test_any_lines_in_any_pieces(
    lines: list[bytes], chunk: int, longest: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail, "CHUNK", chunk)
        path = Path(name) / "app.log"
        follower = Follower(path, max_line=longest)
        octets = b"".join(line + b"\n" for line in lines)
        while octets:
            size = data.draw(st.integers(1, len(octets)))
            append(path, octets[:size])
            octets = octets[size:]
            follower.read()
            if data.draw(st.booleans()):
                follower.restart()
        follower.stop()
    expected = [
        line[at : at + longest] for line in lines for at in range(0, max(1, len(line)), longest)
    ]
    assert follower.messages == expected
