"""The history of real runs: every record and every field is one that is defined."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import pytest

from halfopen.model.history import History, read_history
from halfopen.model.records import KINDS, ConntrackRecord, SocketsRecord
from halfopen.model.records.network import FlowEntry, SocketFields

from .scenarios import halfopen

SCENARIO = """\
scenario: all kinds of records
scale: 60
hosts:
  sender:
    run: relpio send
    to: receiver
    keepalive: { idle: 600 s, interval: 60 s, probes: 3 }
  firewall: { profile: fortigate, engine: ENGINE }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait until: 20 acked
    at most: 1 h
  - fault: silent drop
    at: firewall
    for: 2 min
  - wait: 1 min
  - send: 5 messages
  - fault: forget flows
    at: firewall
  - wait: 4 min
  - stop: sender
expect:
  - delivery: { duplicated: at most 24 }
"""
ALWAYS = {
    "header", "engine", "process", "log", "step", "fault", "condition", "sent", "accepted", "acked",
    "delivered", "fds", "sockets", "keepalives", "conntrack", "flow", "drops", "capture", "end",
}  # fmt: skip


def play(directory: Path, engine: str) -> History:
    path = directory / "all.scenario.yaml"
    path.write_text(SCENARIO.replace("ENGINE", engine))
    out = directory / "out"
    done = halfopen("run", path, "--out", out, "--no-report", "--pcap", cwd=directory)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return read_history(out / "all/default")


@pytest.mark.parametrize("engine", ["conntrack", "userspace"])
def test_every_record_and_field_of_a_run_is_defined(tmp_path: Path, engine: str) -> None:
    history = play(tmp_path, engine)
    assert {record["kind"] for record in history.records} >= ALWAYS
    defined = {kind: set(get_type_hints(each)) for kind, each in KINDS.items()}
    strange = {
        (record["kind"], field)
        for record in history.records
        for field in record.keys() - defined[record["kind"]]
    }
    assert strange == set()
    sockets = [each for record in history.of(SocketsRecord) for each in record["sockets"]]
    assert {field for each in sockets for field in each} <= set(get_type_hints(SocketFields))
    entries = [each for record in history.of(ConntrackRecord) for each in record["entries"]]
    assert {field for each in entries for field in each} <= set(get_type_hints(FlowEntry))
