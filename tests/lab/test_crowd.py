"""Many senders through one firewall to three receivers: every verdict, at what cost.

There are two hundred of them in `make soak`, and twenty in `make test`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import psutil
import pytest

from halfopen.model.history import History, read_history
from halfopen.model.records import FdsRecord

from .crashes import SOAK

pytestmark = [
    pytest.mark.lab,
    pytest.mark.usefixtures("netns"),
    pytest.mark.xdist_group("crowds"),
    pytest.mark.timeout(600),
]

GROUPS = {"first": 67, "second": 67, "third": 66} if SOAK else {"first": 7, "second": 7, "third": 6}
SENDERS = sum(GROUPS.values())
RECEIVERS = ("one", "two", "three")

# The receivers' probes keep every flow known, however long so many programs take to start.
CROWD = """\
scenario: many senders and three receivers
scale: 60
hosts:
  first: {{ run: relpio send, to: [one, two, three], count: {first} }}
  second: {{ run: relpio send, to: [two, three, one], count: {second} }}
  third: {{ run: relpio send, to: [three, one, two], count: {third} }}
  firewall: {{ profile: fortigate }}
  one: {{ run: relpio receive, keepalive: {{ idle: 2 min, interval: 30 s, probes: 9 }} }}
  two: {{ run: relpio receive, keepalive: {{ idle: 2 min, interval: 30 s, probes: 9 }} }}
  three: {{ run: relpio receive, keepalive: {{ idle: 2 min, interval: 30 s, probes: 9 }} }}
paths:
  - [first, firewall, one]
  - [second, firewall, two]
  - [third, firewall, three]
steps:
  - send: 5 messages
    from: first
  - send: 5 messages
    from: second
  - send: 5 messages
    from: third
  - wait until: {messages} delivered
  - wait: 10 min
  - send: 5 messages
    from: first
  - wait: 2 min
expect:
  - delivery: {{ lost: 0, duplicated: 0 }}
  - half-open: {{ sum over: [one, two, three], at end: 0 }}
  - connections:
      sum over: [first, second, third]
      at end: {senders}
      opened: {senders}
      peak: {senders}
  - connections: {{ sum over: [one, two, three], at end: {senders} }}
"""

# A program that does nothing must not take more: Python itself needs about 10 MiB.
MOST_MEMORY = 32 << 20


def test_the_senders_and_what_each_of_them_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, results = tmp_path / "crowd.scenario.yaml", tmp_path / "results.json"
    path.write_text(CROWD.format(messages=5 * SENDERS, senders=SENDERS, **GROUPS))
    command = [sys.executable, "-m", "halfopen", "run", str(path)]
    command += ["--out", str(tmp_path), "--json", str(results)]
    begun = time.monotonic()
    with (tmp_path / "said").open("wb") as said:
        caller = subprocess.Popen(command, stdout=said, stderr=said)
    memory: dict[int, int] = {}
    while caller.poll() is None:
        memory |= dict(memory_of_senders(caller.pid))
        time.sleep(2)
    took = time.monotonic() - begun
    assert caller.returncode == 0, (tmp_path / "said").read_text()[-4000:]
    assert [each["verdict"] for each in json.loads(results.read_text())["results"]] == ["pass"]
    cpu = cpu_of_senders(read_history(tmp_path / "crowd" / "default"))
    each_s, each_octets = mean(cpu.values()), mean(memory.values())
    words = f"{each_s:.2f} s of CPU and {each_octets / 2**20:.1f} MiB (proportional set size)"
    with capsys.disabled():
        print(f"\n{len(cpu)} senders took {words} each; run and verdicts took {took:.0f} s")  # noqa: T201
    assert len(cpu) == len(memory) == SENDERS
    assert each_octets < MOST_MEMORY


def memory_of_senders(caller: int) -> Iterator[tuple[int, int]]:
    """Process id and proportional set size of each sender that runs."""
    for process in psutil.Process(caller).children(recursive=True):
        try:
            words = process.cmdline()
            if "send" in words and any("relpio" in word for word in words):
                yield process.pid, process.memory_full_info().pss
        except psutil.Error:  # it has ended meanwhile
            continue


def cpu_of_senders(history: History) -> dict[str, float]:
    """Seconds of CPU of each sender's program at its last sample."""
    return {
        record["host"]: record["cpu_s"]
        for record in history.of(FdsRecord)
        if record["host"].partition(".")[0] in GROUPS and "cpu_s" in record
    }
