"""The netns lab leaves nothing behind and touches nothing of the machine, however it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.crashes import SOAK
from tests.lab.processes import machine_network, network_namespaces, wait_until, with_marker
from tests.lab.scenarios import told, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

MARKER = "HALFOPEN_TEST_MARKER"
LOOK_S = 0.1
BATCHES = 30 if SOAK else 3


def _start(directory: Path, marker: str) -> subprocess.Popen[bytes]:
    scenario = write_short(directory)
    return subprocess.Popen(
        # Under nohup and the like an interrupt is ignored, and children inherit that.
        [
            "env",
            "--default-signal=INT",
            sys.executable,
            "-m",
            "halfopen",
            "run",
            str(scenario),
            "--out",
            "out",
            "--no-report",
        ],
        cwd=directory,
        env={**os.environ, MARKER: marker},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )


def _gone(marker: str) -> Callable[[], bool]:
    return lambda: not with_marker(marker)


def _has_history(out: Path) -> Callable[[], bool]:
    return lambda: any(b"\n" in each.read_bytes() for each in out.rglob("history.jsonl"))


@pytest.mark.timeout(600)
def test_sigkill_at_random_moments_leaves_nothing_but_the_history(tmp_path: Path) -> None:
    """Six runs at a time."""
    rng = random.Random(20261121)
    before = machine_network()
    namespaces = network_namespaces()
    judged = 0
    for batch in range(BATCHES):
        running = []
        for number in range(6):
            directory = tmp_path / f"{batch}-{number}"
            directory.mkdir()
            marker = f"kill-{os.getpid()}-{batch}-{number}"
            running.append((directory, marker, _start(directory, marker)))
        for number, (directory, _, process) in enumerate(running):
            # The moment of death is what is tested: it is random, and waits for nothing; but some
            # get so far that there is something to judge, however busy the machine is.
            moment = rng.uniform(0.0, 1.2)
            if number % 3 == 0:
                assert wait_until(_has_history(directory / "out"))
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.wait()
        for directory, marker, _ in running:
            assert wait_until(_gone(marker), pause=LOOK_S), with_marker(marker)
            for history in (directory / "out").rglob("history.jsonl"):
                done = told("check", history.parent, "--no-report", cwd=directory)
                # Killed runs are unknown at best; a history torn in its first line is said so.
                assert done.returncode in (1, 2), done.stdout + done.stderr
                judged += done.returncode == 1
    assert wait_until(lambda: network_namespaces() <= namespaces, pause=LOOK_S)
    assert machine_network() == before
    assert judged > 3


def test_interrupt_ends_in_order(tmp_path: Path) -> None:
    process = _start(tmp_path, "interrupted")
    history = tmp_path / "out/short/leaks/history.jsonl"
    assert wait_until(lambda: history.exists() and b'"delivered"' in history.read_bytes())
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert b'"interrupted"' in history.read_bytes().splitlines()[-1]
    assert wait_until(_gone("interrupted"), pause=LOOK_S)


def test_a_finished_run_leaves_nothing(tmp_path: Path) -> None:
    before, namespaces = machine_network(), network_namespaces()
    process = _start(tmp_path, "finished")
    assert process.wait(60) == 1  # one of its two variants is meant to fail
    assert wait_until(_gone("finished"), pause=LOOK_S)
    assert wait_until(lambda: network_namespaces() <= namespaces, pause=LOOK_S)
    assert machine_network() == before
