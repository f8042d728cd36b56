"""The longest runs begin first."""

from __future__ import annotations

from pathlib import Path

from halfopen.cli.loading import load_plans
from halfopen.labs import all_labs
from halfopen.runner.estimate import expected_seconds

SCENARIO = """\
scenario: of some length
scale: 60
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
STEPS
expect:
  - delivery: { lost: 0 }
"""


def _expected(directory: Path, *steps: str) -> float:
    path = directory / "length.scenario.yaml"
    path.write_text(SCENARIO.replace("STEPS", "\n".join(f"  - {step}" for step in steps)))
    (plan,) = load_plans([path], lab=all_labs()["netns"])
    return expected_seconds(plan)


def test_waits_and_paces_take_their_time_and_a_burst_none(tmp_path: Path) -> None:
    assert _expected(tmp_path, "send: 20 messages") == 0
    assert _expected(tmp_path, "send: 20 messages", "wait: 20 min") == 20
    assert _expected(tmp_path, "{ send: 20 messages, every: 1 min }") == 20


def test_what_may_take_long_is_expected_to_take_longer_than_what_may_not(tmp_path: Path) -> None:
    send = "send: 1 message"
    short = _expected(tmp_path, send, "wait until: 1 delivered")
    long = _expected(tmp_path, send, "{ wait until: 1 delivered, at most: 8 h }")
    assert 0 < short < long < 480
