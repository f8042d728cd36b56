"""A client that has shut down its sending side, and is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.scenarios import halfopen

pytestmark = pytest.mark.lab

# One line of Python, since a scenario has it in one value.
CLIENT = (
    "import socket, sys; s = socket.create_connection(('${server}', 7000)); "
    "s.sendall(sys.stdin.readline().encode()); s.shutdown(socket.SHUT_WR); s.recv(1)"
)
SCENARIO = """\
scenario: a client that has shut down its sending side
scale: 20
hosts:
  client:
    run: command send
    start: [python3, -u, -c, "{client}"]
    ready: {{ connected: 7000 }}
  firewall: {{ profile: fortigate }}
  server: {{ run: tcp server }}
path: [client, firewall, server]
steps:
  - fault: pause
    at: server                     # its kernel takes the FIN, the program does not answer
  - send: 1 message
  - wait: 20 s
{then}
expect:
  - {check}
variants:
  waits: {{ reproduces: {{ {fails}: 1 }} }}
"""
GONE = """\
  - fault: silent drop
    at: firewall
    stays: true
  - fault: kill
    at: server
  - wait: 1 min"""


def first_check(tmp_path: Path, then: str, check: str) -> dict[str, Any]:
    fails = check.partition(":")[0]
    path = tmp_path / "half-closed.scenario.yaml"
    path.write_text(SCENARIO.format(client=CLIENT, then=then, check=check, fails=fails))
    done = halfopen("run", path, "--json", "r.json", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads((tmp_path / "r.json").read_text())["results"]
    found: dict[str, Any] = result["checks"][0]
    return found


@pytest.mark.usefixtures("netns")
def test_a_program_that_waits_for_the_rest_is_half_open_when_the_server_is_gone(
    tmp_path: Path,
) -> None:
    found = first_check(tmp_path, GONE, "half-open: { at: client, at end: 0 }")
    assert found["why"].endswith("left in FIN_WAIT2: 1")
    assert "is FIN_WAIT2 and has no live peer" in found["evidence"][0]["text"]


@pytest.mark.usefixtures("netns")
def test_a_half_closed_flow_that_a_firewall_forgets_is_an_idle_drop(tmp_path: Path) -> None:
    # FortiOS forgets a half-closed flow after two minutes.
    found = first_check(tmp_path, "  - wait: 4 min", "idle drops: { at: firewall, count: 0 }")
    assert "half-closed" in found["evidence"][0]["text"]
