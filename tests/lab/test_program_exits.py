"""A program that ends though nothing asked it to fails its variant, with its last words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCENARIO = """\
scenario: a sender that dies after its first message
scale: 10
hosts:
  sender:
    run: command send
    start:
      - python3
      - -c
      - |
        import socket, sys
        c = socket.create_connection(("${receiver}", 7000))
        c.sendall(sys.stdin.readline().encode())
        c.close()
        sys.exit("out of luck" if STATUS else 0)
  firewall: { profile: fortigate }
  receiver: { run: tcp server }
path: [sender, firewall, receiver]
steps:
  - send: 1 message
  - wait until: 1 delivered
  - wait: 10 s
expect:
  - delivery: { lost: 0 }
variants:
  dies: { about: Nobody expects it. }
  expected:
    expect:
      - exits: { at: sender }
  another-status:
    expect:
      - exits: { at: sender, status: 70 }
"""


def test_an_end_that_nothing_asked_for_fails_the_variant(tmp_path: Path) -> None:
    (tmp_path / "s.scenario.yaml").write_text(SCENARIO.replace("STATUS", "1"))
    done = halfopen("run", "s.scenario.yaml", "--json", "r.json", "--no-report", cwd=tmp_path)
    assert done.returncode == 1
    results = {
        each["variant"]: each for each in json.loads((tmp_path / "r.json").read_text())["results"]
    }
    assert {name: each["verdict"] for name, each in results.items()} == {
        "dies": "fail",
        "expected": "pass",
        "another-status": "fail",
    }
    why = results["dies"]["why"]
    assert "exits at sender" in why
    assert "ended by itself" in why
    assert "with status 1" in why
    assert "out of luck" in why


def test_a_program_that_is_gone_is_not_fed(tmp_path: Path) -> None:
    gone = SCENARIO.replace("STATUS", "1").replace(
        "  - wait: 10 s\n", "  - wait: 10 s\n  - send: 1 message\n"
    )
    (tmp_path / "s.scenario.yaml").write_text(gone)
    done = halfopen("run", "s.scenario.yaml", "--variant", "expected", "--no-report", cwd=tmp_path)
    assert done.returncode == 1
    assert "is not running: it takes no messages" in " ".join(done.stdout.split())
