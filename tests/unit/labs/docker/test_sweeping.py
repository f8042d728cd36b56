"""Processes of a run are found by the run's id, and none of another."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from halfopen.labs.docker.sweeping import VARIABLE, processes_of, sweep

RUN = f"run-{os.getpid()}"


@contextmanager
def sleeper(run: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, VARIABLE: run})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_those_of_the_run_die_also_if_they_come_late_and_others_stay() -> None:
    with sleeper(f"{RUN}0") as other, sleeper(RUN) as first:
        assert processes_of(RUN) == [first.pid]
        sweeping = threading.Thread(target=sweep, args=(RUN, 3.0))
        sweeping.start()
        assert first.wait(20) == -9
        time.sleep(0.5)  # a container that the engine is only now about to start
        with sleeper(RUN) as late:
            assert late.wait(20) == -9
        sweeping.join(60)
        assert not sweeping.is_alive()
        assert other.poll() is None


def test_nobody_kills_itself() -> None:
    script = f"from halfopen.labs.docker.sweeping import sweep; sweep({RUN!r}, 0.1); print(1)"
    done = subprocess.run(
        ["python3", "-c", script],
        env={**os.environ, VARIABLE: RUN, "PYTHONPATH": "harness"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1\n", done.stderr
