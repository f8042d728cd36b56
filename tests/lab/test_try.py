"""`halfopen try` plays two commands of somebody's own, and writes the scenario that it played."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from halfopen.products.libkeepalive import library

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

CLIENT = """\
import socket, sys
connection = socket.create_connection((sys.argv[1], 9000))
for line in sys.stdin.buffer:
    connection.sendall(line)
"""
SERVER = """\
import socket, sys
listener = socket.create_server(("0.0.0.0", 9000))
connection, _ = listener.accept()
for line in connection.makefile():
    print("received", line, end="", flush=True)
"""


def halfopen(directory: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "halfopen", *words],
        cwd=directory,
        env={"HALFOPEN_LATE_RETRIES": "2", **os.environ},
        capture_output=True,
        text=True,
        timeout=200,
    )
    return done.returncode, done.stdout + done.stderr


def test_keepalive_is_what_tells_the_two_variants_apart(tmp_path: Path) -> None:
    if library() is None:
        pytest.skip("libkeepalive is not installed: `halfopen doctor` says how")
    (tmp_path / "client.py").write_text(CLIENT)
    (tmp_path / "server.py").write_text(SERVER)
    client = [sys.executable, "client.py", "server"]
    server = [sys.executable, "./server.py"]
    status, said = halfopen(
        tmp_path,
        *("try", "--lab", "netns", "--firewall", "350", "--silence", "10min", "--port", "9000"),
        *("--keepalive", "2min/60s/3", "--", *client, "::", *server),
    )
    assert status == 1, said
    assert "/ as-it-is [netns]" in said and "lost 10 instead of 0" in said
    assert "pass" in next(line for line in said.splitlines() if "/ with-keepalive [netns]" in line)
    written = tmp_path / "out" / "try" / "try.scenario.yaml"
    assert f"`halfopen run {written.relative_to(tmp_path)}` plays it again" in said
    status, said = halfopen(tmp_path, "validate", str(written))
    assert status == 0 and "2 variants" in said, said
