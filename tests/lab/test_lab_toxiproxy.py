"""The real Toxiproxy, told by toxiproxy-python: what its toxics do to messages."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest

from halfopen import open_lab
from halfopen.errors import LabError
from halfopen.model.history import History, expand, read_history
from halfopen.model.records import AckedRecord, SentRecord, SocketsRecord
from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SLOW = """\
scenario: slower and slower
hosts:
  sender: { run: tcp client, to: proxy, port: 7100, echo: true }
  proxy: { run: toxiproxy, forwards: receiver, port: 7100, target port: 7200 }
  receiver: { run: tcp server, port: 7200, echo: true }
path: [sender, proxy, receiver]
steps:
  - send: 5 messages
    every: 100 ms
  - wait: 500 ms
  - fault: toxic latency
    at: proxy
    latency: 150 ms
  - send: 5 messages
    every: 100 ms
  - wait: 500 ms
  - fault: toxic latency
    at: proxy
    stream: both
    latency: 600 ms
  - send: 5 messages
    every: 100 ms
  - wait: 2 s
  - heal: toxic latency
  - send: 5 messages
    every: 100 ms
expect:
  - delivery: { lost: 0, duplicated: 0 }
  - connections: { at: sender, opened: 1, at end: 1 }
  - connections: { at: proxy, opened: 2, at end: 2 }
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Of a run that passed."""
    directory = tmp_path_factory.mktemp("toxic")
    path = directory / "toxic.scenario.yaml"
    path.write_text(SLOW)
    done = halfopen("run", path, "--out", directory / "out", "--no-report", cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (directory / "out").rglob("history.jsonl")
    return read_history(found.parent)


def delays(history: History) -> dict[int, float]:
    """Message -> seconds from when it was sent to when it was acknowledged."""
    sent: dict[int, float] = {}
    for record in history.of(SentRecord):
        sent.update(dict.fromkeys(expand(record["seqs"]), record["t"]))
    return {
        number: record["t"] - sent[number]
        for record in history.of(AckedRecord)
        for number in expand(record["seqs"])
    }


def test_a_toxic_is_added_changed_and_removed_while_messages_flow(history: History) -> None:
    took = delays(history)
    plain, slow, slower, healed = (
        median(took[n] for n in range(first, first + 5)) for first in (1, 6, 11, 16)
    )
    # A delay is never too short; how long anything takes beyond it is the machine's affair.
    assert min(took[n] for n in range(6, 11)) >= 0.15
    assert min(took[n] for n in range(11, 16)) >= 1.2, "in both directions"
    assert plain < slow < slower
    assert healed < slower / 2


def test_the_proxy_asks_for_keepalive_by_itself(history: History) -> None:
    timers = {
        (record["host"], str(socket["timer"]))
        for record in history.of(SocketsRecord)
        for socket in record["sockets"]
        if socket["state"] == "ESTABLISHED"
    }
    assert ("proxy", "keepalive") in timers
    assert ("sender", "keepalive") not in timers


def test_what_the_server_does_not_take_is_told(tmp_path: Path) -> None:
    def toxic(lab: Any) -> None:
        lab.fault("toxic limit data", at="proxy", limit=100)

    with open_lab(tmp_path) as lab:
        lab.path("sender", "proxy", "receiver")
        lab.run("receiver", "tcp server")
        lab.run("proxy", "toxiproxy", forwards="receiver", port=7000)
        lab.run("sender", "tcp client", to="proxy")
        toxic(lab)
        lab.fault("kill", at="proxy")
        with pytest.raises(LabError, match="proxy: Toxiproxy reports"):
            toxic(lab)
