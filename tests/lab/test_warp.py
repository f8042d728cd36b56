"""The lab in virtual time: production values, judged as in real time, and the same each time."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from halfopen.labs.warp import machine
from halfopen.labs.warp.lab import LAB, WarpLab
from halfopen.model.history import FILE_NAME
from halfopen.products.uml import kernel
from halfopen.runner.twice import first_difference
from tests.lab.crashes import SOAK

INCIDENT = "scenarios/incidents/fortigate-idle-relp.scenario.yaml"
ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.lab, pytest.mark.warp]


@pytest.fixture(autouse=True)
def warp() -> None:
    if problems := LAB.missing():
        pytest.skip(f"needs the warp lab: {'; '.join(problems)}")


def _command(out: Path, *words: str, scenario: str = INCIDENT) -> list[str]:
    options = ["--lab", "warp", "--seed", "7", "--no-report", "--quiet", "--out", str(out)]
    return [sys.executable, "-m", "halfopen.cli.main", "run", *options, *words, scenario]


def _run(out: Path, *words: str, scenario: str = INCIDENT, **env: str) -> Any:
    done = subprocess.run(
        [*_command(out, *words, scenario=scenario), "--json", str(out / "results.json")],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (out / "results.json").exists(), done.stderr + done.stdout
    return json.loads((out / "results.json").read_text())


def _records(out: Path) -> list[dict[str, Any]]:
    (history,) = out.rglob(FILE_NAME)
    return [json.loads(line) for line in history.read_text().splitlines()]


def test_the_incident_is_judged_at_production_values(tmp_path: Path) -> None:
    found = _run(tmp_path)["results"]
    assert {each["variant"]: each["verdict"] for each in found} == {
        "keepalive-off": "reproduced",
        "sysctl-only": "reproduced",
        "keepalive-7200": "pass",
        "keepalive-1800": "pass",
        "sender-busy": "pass",
        "sender-busy-user-timeout": "pass",
    }
    header = json.loads(next(tmp_path.rglob(FILE_NAME)).read_text().splitlines()[0])
    assert header["scale"] == 1
    assert header["kernel"] == kernel.release(kernel.kernel_path())
    assert header["hz"] == kernel.ticks(kernel.kernel_path()) > 0


def test_the_same_seed_gives_the_same_history_wherever_it_is_written(tmp_path: Path) -> None:
    histories: list[Path] = []
    for place in ("a", "b/much/longer/path"):
        out = tmp_path / place
        out.mkdir(parents=True)
        _run(out, "--variant", "keepalive-7200")
        histories += out.rglob(FILE_NAME)
    assert first_difference(*histories) is None


def test_programs_that_were_never_compiled_have_the_same_history(tmp_path: Path) -> None:
    """The first run would compile them, and the second find them compiled."""
    fresh = tmp_path / "fresh"
    shutil.copytree(
        ROOT / "impl/relpio", fresh / "relpio", ignore=shutil.ignore_patterns("__pycache__")
    )
    env = {"PYTHONPATH": str(fresh), "PYTHONDONTWRITEBYTECODE": ""}
    _run(tmp_path, "--twice", "--variant", "keepalive-7200", **env)
    assert first_difference(*tmp_path.rglob(FILE_NAME)) is None
    assert list(fresh.rglob("*.pyc"))


def test_another_user_has_the_same_history(tmp_path: Path) -> None:
    environments = (
        {"LC_ALL": "C"},
        {"LC_ALL": "de_DE.UTF-8", "PATH": f"/nonexistent/a:/nonexistent/b:{os.environ['PATH']}"},
    )
    for number, env in enumerate(environments):
        _run(tmp_path / str(number), "--variant", "keepalive-7200", **env)
    assert first_difference(*tmp_path.rglob(FILE_NAME)) is None


def test_a_wait_is_exact(tmp_path: Path) -> None:
    _run(tmp_path, "--variant", "keepalive-7200")
    steps = [r for r in _records(tmp_path) if r["kind"] == "step" and r["text"].startswith("wait")]
    took = [b["t"] - a["t"] for a, b in zip(steps[::2], steps[1::2], strict=True)]
    assert took == pytest.approx([4500.0] * 3, abs=0.001)


def test_what_the_lab_cannot_do_is_unsupported(tmp_path: Path) -> None:
    scenario = tmp_path / "cpu.scenario.yaml"
    text = (ROOT / INCIDENT).read_text()
    check = "  - cpu: { at: sender, at most: 50 % }"
    scenario.write_text(text.replace("  - connections: { at: sender, at end: 1 }", check))
    (found,) = _run(tmp_path, "--variant", "keepalive-1800", scenario=str(scenario))["results"]
    assert found["verdict"] == "unsupported"
    assert found["why"] == (
        "the lab warp does not support the check 'cpu': on virtual time, computing takes no time"
    )


def test_a_loop_in_real_time_is_refused(tmp_path: Path) -> None:
    async def play() -> None:
        async with WarpLab(tmp_path, "token", lambda _: None):
            pass

    with pytest.raises(RuntimeError, match="needs a loop whose time is the guest's"):
        asyncio.run(play())


def test_a_guest_that_panics_ends_the_run_with_the_words_of_its_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = tmp_path / "kernel"
    guest.write_text(f'#!/bin/sh\nexec {kernel.kernel_path()} "$@" init=/there/is/none\n')
    guest.chmod(0o755)
    (found,) = _run(tmp_path, "--variant", "keepalive-1800", HALFOPEN_UML=str(guest))["results"]
    assert found["verdict"] in ("error", "unsupported")
    assert "panic" in found["why"].lower()
    assert not _guests(tmp_path)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("after", [0.8, 2.0, 3.5])
def test_who_is_killed_leaves_no_guest(end: signal.Signals, after: float, tmp_path: Path) -> None:
    _kill(end, after, tmp_path)


@pytest.mark.skipif(not SOAK, reason="twenty kills are part of make soak")
@pytest.mark.timeout(600)
def test_twenty_kills_at_any_moment_leave_nothing(tmp_path: Path) -> None:
    """Each history is whole lines, no guest goes on, and no memory of one stays in /dev/shm."""
    began = time.monotonic()
    _run(tmp_path / "whole")
    whole = time.monotonic() - began
    at_random = random.Random(20)
    memory = set(Path("/dev/shm").glob("vm_file-*"))
    for number in range(20):
        end = (signal.SIGKILL, signal.SIGINT)[number % 2]
        after = at_random.uniform(0.1, whole)
        _kill(end, after, tmp_path / str(number))
        for history in (tmp_path / str(number)).rglob(FILE_NAME):
            lines = history.read_text().splitlines()
            assert all(json.loads(line)["kind"] for line in lines), (number, end, after)
    assert set(Path("/dev/shm").glob("vm_file-*")) <= memory
    assert not _guests(tmp_path)


def _kill(end: signal.Signals, after: float, tmp_path: Path) -> None:
    """Play the incident, end it after some seconds, and see that no guest goes on."""
    # In the background of a shell an interrupt is ignored, and children inherit that.
    command = ["env", "--default-signal=INT", *_command(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            time.sleep(after)
            running.send_signal(end)
            running.wait(60)
        finally:
            running.kill()
    # It may have been at its end.
    assert running.returncode in (-end, 128 + end, 0)
    deadline = time.monotonic() + 10
    while (left := _guests(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def _guests(out: Path) -> list[list[str]]:
    """The command lines of all processes of guests of runs below `out`, stubs included."""
    found = []
    for process in psutil.process_iter(["cmdline", "exe"]):
        words = process.info["cmdline"] or []
        if any(str(out) in word for word in words) and any("uml_dir=" in w for w in words):
            found.append(words)
    return found


def test_its_memory_is_what_the_page_says() -> None:
    page = (ROOT / "docs/warp.md").read_text()
    assert machine.MEMORY.removesuffix("M") + " MB" in page


@pytest.mark.parametrize(
    ("scenario", "simulated_s"), [("rsyslog-day", 24 * 3600), ("thousand-flows", 150 * 60)]
)
def test_what_the_benchmark_measures_is_played_as_expected(
    scenario: str, simulated_s: float, tmp_path: Path
) -> None:
    told = _run(tmp_path, scenario=f"bench/scenarios/{scenario}.scenario.yaml")
    (result,) = told["results"]
    assert result["verdict"] == "pass", result["why"]
    assert result["virtual_s"] == pytest.approx(simulated_s, rel=0.01)
