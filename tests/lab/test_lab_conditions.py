"""A condition that is never met makes a run unknown: what it was to show was not brought about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TEXT = """\
scenario: moments that never come
scale: 1800
hosts:
  sender: { run: relpio send, to: receiver, keepalive: off }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
expect:
  - delivery: { lost: 0 }
variants:
  waits:
    steps:
      - send: 20 messages
      - wait until: event miracle at sender
        at most: 1 s
  does-not-begin:
    steps:
      - fault: silent drop
        at: firewall
        when: 9 connections at sender
        background: true
        at most: 1 s
      - send: 20 messages
  does-not-end:
    steps:
      - fault: silent drop
        at: firewall
        towards: sender
        until: 9 connections at sender
        at most: 1 s
      - send: 20 messages
  must-fail:
    about: Nothing is to be seen of the failure either; an unmet condition outweighs it.
    steps:
      - send: 20 messages
      - wait until: event miracle at sender
        at most: 1 s
    expect:
      - connections: { at: sender, opened: 7 }
    reproduces: { connections: at least 2 }
"""


def test_a_condition_that_is_never_met_is_unknown_and_never_a_pass(tmp_path: Path) -> None:
    done = halfopen("run", write_short(tmp_path, TEXT), "--json", "r.json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    whys = {result["variant"]: result["why"] for result in results}
    for result in results:
        assert result["verdict"] == "unknown", result["why"]
    wait, connections = (
        f"the condition '{text}' was not met within 1 s in the lab: the last value was "
        for text in ("event miracle at sender", "connections at sender >= 9")
    )
    assert f"line 16: {wait}" in whys["waits"]
    assert f"line 20: {connections}" in whys["does-not-begin"]
    assert f"line 28: {connections}" in whys["does-not-end"]
    assert wait in whys["must-fail"]
    for result in results:
        records = (Path(tmp_path, result["directory"]) / "history.jsonl").read_text().splitlines()
        states = [r["state"] for r in map(json.loads, records) if r["kind"] == "condition"]
        assert states == ["waiting", "unmet"]
        assert json.loads(records[-1])["reason"] == "unmet"
