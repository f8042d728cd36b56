"""A run in which nothing is sent, and no connection is refused, does not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

TEXT = """\
scenario: connections would be refused, but none is opened, and nothing is sent
scale: 20
hosts:
  sender: { run: relpio send, to: receiver, ack timeout: 40 s, keepalive: off }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - fault: connect failure
    at: firewall
    with: reset
    stays: true
  - fault: forget flows
    at: firewall
    may miss: true
  - wait: 2 min
expect:
  - half-open: { at: sender, at end: 0 }
  - idle drops: { at: firewall, count: 0 }
  - reconnect: { at: sender, within: 60 s }
  - keepalive probes: { at: sender, count: 0 }
"""


def test_expectations_that_hold_because_nothing_happens_are_unknown(tmp_path: Path) -> None:
    done = halfopen("run", write_short(tmp_path, TEXT), "--json", "r.json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    assert result["verdict"] == "unknown", result
    *_, effect = result["checks"]
    assert (effect["label"], effect["verdict"]) == ("effect of connect failure", "unknown")
    assert "the fault 'connect failure' (line 9) had no effect: 0 packets touched" in result["why"]
    # Whatever the scenario expects holds: nothing was at stake.
    expected = [check["verdict"] for check in result["checks"] if check is not effect]
    assert expected == ["pass"] * 4
