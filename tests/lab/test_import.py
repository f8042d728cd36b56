"""`halfopen import`: a capture of a lab tells what happened in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, told

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

PROFILE = """\
profile: quick
title: a firewall that forgets after four seconds
idle timeout: 4 s
"""
SCENARIO = """\
scenario: eight seconds of silence
hosts:
  client: { run: tcp client, to: server, port: 7012 }
  firewall: { profile: ./quick.yaml }
  server: { run: tcp server, port: 7012, keepalive: { idle: 2 s, interval: 1 s, probes: 9 } }
path: [client, firewall, server]
steps:
  - send: 5 messages
  - wait: 8 s
  - send: 5 messages
  - wait: 4 s
expect:
  - connections: { at: client, at end: 1 }
variants:
  silent:
    hosts: { server: { keepalive: off } }
  probed: {}
"""


def test_a_capture_tells_the_silence_the_port_and_the_probes(tmp_path: Path) -> None:
    (tmp_path / "quick.yaml").write_text(PROFILE)
    path = tmp_path / "played.scenario.yaml"
    path.write_text(SCENARIO)
    words = ("run", path.name, "--lab", "netns", "--pcap", "--no-report")
    done = halfopen(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    captures = {path.parents[1].name: path for path in tmp_path.rglob("client-firewall.pcapng")}

    told_of = told("import", "--pcap", captures["silent"], cwd=tmp_path)
    assert told_of.returncode == 0, told_of.stderr
    assert re.search(r"port 7012, firewall \S+, [89] s of silence", told_of.stdout), told_of.stdout
    text = (tmp_path / "imported.scenario.yaml").read_text()
    assert re.search(r"# after [89] s late data got no answer: \S+:packet \d+", text), text
    assert re.search(r"idle timeout: [67] s", text) and "late packets: drop" in text
    assert told("validate", "imported.scenario.yaml", cwd=tmp_path).returncode == 0

    told_of = told(
        *("import", "--pcap", captures["probed"], "--out", "probed.scenario.yaml"), cwd=tmp_path
    )
    assert told_of.returncode == 0, told_of.stderr
    text = (tmp_path / "probed.scenario.yaml").read_text()
    assert "keepalive: { idle: 2 s," in text and "data got no answer" not in text, text
