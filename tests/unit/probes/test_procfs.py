"""Files of /proc, beside what psutil makes of them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from halfopen.probes.procfs import idle_seconds, process_times, read_text


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("line\n" * 50_000)  # more than one read gives
    assert read_text(str(path)) == path.read_text()


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        read_text("/proc/self/nothing")


def test_the_times_of_a_process_are_those_of_psutil() -> None:
    before = psutil.Process().cpu_times()
    mine = process_times(os.getpid())
    after = psutil.Process().cpu_times()
    rounded = 0.001  # a tick is 0.01, and sums of floats are not exact
    assert before.user + before.system - rounded <= mine.cpu_s
    assert mine.cpu_s <= after.user + after.system + rounded
    assert (mine.state, mine.parent) == ("R", os.getppid())


def test_a_stopped_process_is_told_from_a_zombie() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert process_times(process.pid).state == "T"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process_times(process.pid).state == "Z"


def test_a_command_may_hold_parentheses_and_spaces(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 7 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        assert process_times(process.pid).parent == os.getpid()
        process.kill()


def test_a_process_that_is_gone_is_an_error() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    with pytest.raises(OSError, match=str(process.pid)):
        process_times(process.pid)


def test_processors_are_as_idle_as_psutil_says() -> None:
    def theirs() -> float:
        times = psutil.cpu_times()
        return float(times.idle + times.iowait)

    before, idle, after = theirs(), idle_seconds(), theirs()
    assert before - 0.5 <= idle <= after + 0.5  # iowait may fall, see proc_stat(5)
