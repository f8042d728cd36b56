"""What is done before a program is started."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from halfopen.errors import UnsupportedError
from halfopen.labs.agent import programs
from halfopen.labs.agent.actions.programs import signal_program
from halfopen.labs.agent.follower import Follower
from halfopen.labs.agent.programs import Program, Running
from halfopen.model.program import ProgramSpec
from halfopen.verbs import SignalProgram
from halfopen.workloads.numbered import Messages


class ThisProcess:
    """This process, as a program that was started."""

    pid = os.getpid()
    returncode = None
    stdin = None

    async def wait(self) -> int:
        """It does not end."""
        raise NotImplementedError


def test_a_limit_above_the_hard_one_is_not_supported(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def limit() -> None:
        spec = ProgramSpec(name="mine", argv=("/bin/true",), env={})
        program = Program("host", spec, tmp_path, Messages("token"), lambda _: None, Follower)
        program._process = ThisProcess()
        program.limit(resource.RLIMIT_NOFILE, "file descriptors", hard + 1)

    with pytest.raises(UnsupportedError, match=f"may have {hard} file descriptors at most"):
        asyncio.run(limit())


class NotStartedError(Exception):
    """The test has seen enough."""


class Watched(Program):
    """Looks at its files when its process would be started."""

    found: dict[str, str]

    async def launch(self, *, reads: bool) -> Running:
        self.found = {path.name: path.read_text() for path in self._directory.iterdir()}
        raise NotStartedError


def test_files_are_written_and_stale_files_removed_before_a_start(tmp_path: Path) -> None:
    """A pid file of a killed rsyslogd keeps its successor from starting where both are pid 1."""
    for name in ("mine.pid", "mine.conf", "spool", "other.pid"):
        (tmp_path / name).write_text("before")
    spec = ProgramSpec(
        name="mine",
        argv=("/bin/true",),
        env={},
        files={str(tmp_path / "mine.conf"): "now", str(tmp_path / "spool"): ""},
        stale_files=(str(tmp_path / "mine.pid"), str(tmp_path / "never-there")),
    )

    async def start() -> dict[str, str]:
        program = Watched("host", spec, tmp_path, Messages("token"), lambda _: None, Follower)
        try:
            await program.start()
        except NotStartedError:
            return program.found
        raise AssertionError("launch was not called")

    assert asyncio.run(start()) == {"mine.conf": "now", "spool": "before", "other.pid": "before"}


class Ending:
    """A process that takes a while to end."""

    pid = os.getpid()
    returncode = None
    stdin = None

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def wait(self) -> int:
        """It ends after its time."""
        await asyncio.sleep(self._seconds)
        return 0


@pytest.mark.parametrize(
    ("takes", "waits_for_a_cpu", "ends"),
    [(0.0, 0.0, True), (0.15, 0.0, False), (0.15, 0.2, True), (1.0, 100.0, False)],
)
def test_a_program_without_a_cpu_has_longer_to_end(
    takes: float,
    waits_for_a_cpu: float,
    ends: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings = iter([0.0])
    monkeypatch.setattr(programs, "waited", lambda _: next(readings, waits_for_a_cpu))

    async def wait() -> bool:
        spec = ProgramSpec(name="mine", argv=("/bin/true",), env={})
        program = Program("host", spec, tmp_path, Messages("token"), lambda _: None, Follower)
        program._process = Ending(takes)
        return await program.ended_within(0.05)

    assert asyncio.run(wait()) is ends


def test_a_killed_program_is_gone_when_the_fault_is_done(tmp_path: Path) -> None:
    """So a step that starts it again finds nothing that runs already."""

    class Context:
        program: object

    async def play() -> tuple[int | None, int | None]:
        spec = ProgramSpec(name="mine", argv=("/bin/sleep", "60"), env={})
        program = Program("host", spec, tmp_path, Messages("token"), lambda _: None, Follower)
        program._process = await asyncio.create_subprocess_exec(*spec.argv, start_new_session=True)
        before = program.pid
        context: Any = Context()
        context.program = lambda _: program
        await signal_program(SignalProgram("host", "KILL"), context)
        return before, program.pid

    before, after = asyncio.run(play())
    assert before is not None
    assert after is None
