"""A small scenario for tests: the FortiGate incident in a few seconds."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from halfopen.cli.main import main

SHORT = """\
scenario: short silence
scale: 1800
hosts:
  sender: { run: relpio send, to: receiver, keepalive: off }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 2 h
  - send: 20 messages
expect:
  - delivery: { lost: 0, corrupted: 0, duplicated: at most 20 }
  - half-open: { at: receiver, at end: 0 }
variants:
  leaks:
    reproduces: { half-open: 1 }
  fails:
    about: The same, without saying that it must fail.
"""

CONTROLLED = (
    SHORT[: SHORT.index("  fails:")]
    + """\
  unnoticed:
    hosts:
      receiver: { keepalive: { idle: 30 min, interval: 75 s, probes: 9 } }
  explained:
    control: The probes keep the flow.
    hosts:
      receiver: { keepalive: { idle: 30 min, interval: 75 s, probes: 9 } }
"""
)
"""A variant that notices its fault, one that does not, and one that says why."""

INCIDENT = Path(__file__).parents[2] / "scenarios/incidents/fortigate-idle-relp.scenario.yaml"


def write_short(directory: Path, text: str = SHORT) -> Path:
    """The short scenario as a file in `directory`."""
    path = directory / "short.scenario.yaml"
    path.write_text(text)
    return path


def halfopen(
    *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would; a variant that a busy machine spoiled runs again."""
    return subprocess.run(
        [sys.executable, "-m", "halfopen", *map(str, arguments)],
        cwd=cwd,
        env={"HALFOPEN_LATE_RETRIES": "2", **os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def told(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process: for what it says, where nothing is played.

    A process of its own takes half a second of a processor to start.
    """
    words = ["halfopen", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    status: object = 0
    with (
        contextlib.chdir(cwd),
        patch("sys.argv", words),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    assert isinstance(status, int), status
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())
