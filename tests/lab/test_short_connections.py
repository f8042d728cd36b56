"""Connections that no sample can show are counted: the kernel reports the end of each socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TEXT = """\
scenario: a client that opens a connection for each message
scale: 1
hosts:
  sender:
    run: command send
    start: [python3, -u, client.py, "${receiver}"]
    files:
      client.py: |
        import socket, sys
        for line in sys.stdin.buffer:
            connection = socket.create_connection((sys.argv[1], 9000))
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
            connection.close()
  firewall: { profile: fortigate }
  receiver:
    run: command receive
    start: [python3, -u, server.py]
    env: { LISTEN: "${receiver}" }
    files:
      server.py: |
        import os, socket, sys
        listener = socket.create_server((os.environ["LISTEN"], 9000), backlog=128)
        while True:
            connection, _ = listener.accept()
            while data := connection.recv(4096):
                sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            connection.close()
    ready: { listening: 9000 }
path: [sender, firewall, receiver]
steps:
  - send: 385 messages
  - wait until: 385 delivered
expect:
  - delivery: { lost: 0 }
  - connections: { at: sender, opened: 385, at end: 0 }
  - connections: { at: receiver, opened: 385, at end: 0 }
"""


def test_each_of_385_connections_is_counted_though_no_sample_shows_most(tmp_path: Path) -> None:
    done = halfopen("run", write_short(tmp_path, TEXT), "--json", "r.json", cwd=tmp_path)
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert done.returncode == 0, result
    history = (tmp_path / result["directory"] / "history.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in history]
    missed = [r for r in records if r["kind"] == "unsampled" and r["host"] == "sender"]
    assert sum(len(each["connections"]) for each in missed) > 300
    assert not any(each.get("lost") for each in missed)
