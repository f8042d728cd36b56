"""`--pcap`: files that read, whose comments say what the firewall dropped; also of a killed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from halfopen.pcap.files import read_capture
from tests.lab.processes import wait_until, with_marker
from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TEXT = """\
scenario: what became of it
scale: 1800
hosts:
  sender: { run: relpio send, to: receiver, keepalive: off }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait until: 20 acked
  - fault: forget flows
    at: firewall
  - wait until: flows at firewall = 0
  - send: 20 messages
  - wait until: connections at receiver > 1
  - wait until: 40 acked
expect:
  - delivery: { lost: 0, corrupted: 0 }
variants:
  conntrack: {}
  userspace:
    hosts: { firewall: { engine: userspace } }
  translated:
    hosts: { firewall: { nat: source } }
  ipv6:
    family: ipv6
"""
LINKS = ["firewall-receiver.pcapng", "sender-firewall.pcapng"]


def test_what_the_firewall_dropped_is_said_at_the_link_on_which_it_came(tmp_path: Path) -> None:
    path = write_short(tmp_path, TEXT)
    done = halfopen("run", path, "--pcap", "--json", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for result in json.loads((tmp_path / "r.json").read_text())["results"]:
        directory = tmp_path / result["captures"]["directory"]
        assert sorted(each.name for each in directory.iterdir()) == LINKS
        outside, inside = (read_capture(directory / name) for name in LINKS)
        assert any(frame.comment for frame in inside.frames)
        # On a busy machine the receiver may still wait for an ACK when its flow is forgotten.
        said = [f.comment for each in (inside, outside) for f in each.frames if f.comment]
        for comment in said:
            assert comment.startswith("dropped by firewall: no such flow (forgotten "), comment
        # What was passed on before and after is on both links, and nothing is said of it.
        for capture in (inside, outside):
            assert len(capture.frames) >= 10
            assert not any(frame.comment for frame in capture.frames[:5])
        assert result["captures"]["frames"] == len(inside.frames) + len(outside.frames)
        assert result["captures"]["dropped"] == {"firewall": len(said)}
        assert result["captures"]["missed"] == 0
        assert f"{len(said)} dropped by firewall" in done.stdout


def test_a_killed_run_leaves_captures_that_read_and_are_commented_when_it_is_judged(
    tmp_path: Path,
) -> None:
    path = write_short(tmp_path)
    marker = f"captured-{os.getpid()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "halfopen", "run", str(path), "--pcap", "--variant", "leaks"],
        cwd=tmp_path,
        env={**os.environ, "HALFOPEN_TEST_MARKER": marker},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    directory = tmp_path / "out/short/leaks"
    history = directory / "history.jsonl"
    try:
        assert wait_until(
            lambda: history.exists() and b'"destroyed"' in history.read_bytes(), timeout=60
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert wait_until(lambda: not with_marker(marker), timeout=60)
    before = {name: read_capture(directory / "captures" / name) for name in LINKS}
    assert all(len(capture.frames) > 5 for capture in before.values())
    done = halfopen("check", directory, "--no-report", cwd=tmp_path)
    assert done.returncode == 1
    frames = sum(len(capture.frames) for capture in before.values())
    assert f"captures: {directory}/captures: {frames} frames" in done.stdout
