"""A condition that is never met makes a run unknown: what it was to show was not brought about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, write_short
from tests.mutants.model import load_catalogue

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


LOSES = """\
scenario: a receiver that acknowledges what it drops
scale: 1800
hosts:
  sender: { run: relpio send, to: receiver, keepalive: off }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 200 messages
  - wait until: 200 delivered
    at most: 1 s
  - fault: forget flows
    at: firewall
  - wait: 1 h
expect:
  - delivery: { lost: 0 }
  - half-open: { at: receiver, at end: 0 }
variants:
  undisturbed: {}
  behind-a-fault:
    steps:
      - fault: silent drop
        at: firewall
        towards: sender
        for: 12 h
        may miss: true
      - send: 200 messages
      - wait until: 200 delivered
        at most: 1 s
"""


def test_what_was_acknowledged_before_a_condition_was_given_up_is_judged(tmp_path: Path) -> None:
    (mutant,) = [each for each in load_catalogue() if each.name == "rest-of-a-batch-dropped"]
    env = {"PYTHONPATH": str(mutant.breed(tmp_path / "mutant"))}
    run = ("run", write_short(tmp_path, LOSES), "--json", "r.json")
    done = halfopen(*run, cwd=tmp_path, env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    open_fault, plain = sorted(
        json.loads((tmp_path / "r.json").read_text())["results"], key=lambda each: each["variant"]
    )
    delivery, half_open = plain["checks"]
    assert (plain["verdict"], delivery["verdict"]) == ("fail", "fail"), plain
    assert "was not met within" in plain["why"]
    assert "of the lost were acknowledged" in plain["why"]
    # How the rest of the steps would have left its connections nobody knows.
    assert half_open["verdict"] == "unknown"
    # The fault is healed early: whoever kept the messages may still have delivered them.
    assert open_fault["verdict"] == "unknown"
    history = (tmp_path / open_fault["directory"] / "history.jsonl").read_text().splitlines()
    faults = [r["state"] for r in map(json.loads, history) if r["kind"] == "fault"]
    assert faults == ["begin", "end"]
