"""Timers of the kernel that decide though no scenario names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.kernel.scaled import RTO_MAX_MS
from halfopen.ports import Vocabulary
from halfopen.runner.requirements import needs
from halfopen.scenario import Scenario, load_scenario, make_plans
from halfopen.vocabulary import default_vocabulary

from .kinds import NETNS, Load

OUTAGE = """\
scenario: an outage behind Linux' conntrack
hosts:
  sender: { run: relpio send, to: receiver, ack timeout: off, keepalive: off }
  firewall: { profile: linux-conntrack }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - fault: partition
    between: [firewall, receiver]
    for: LASTS
  - send: 20 messages
  - wait: AFTER
expect:
  - delivery: { lost: 0 }
"""


def outage(lasts: str = "10 min", after: str = "30 min") -> str:
    return OUTAGE.replace("LASTS", lasts).replace("AFTER", after)


def refused(load: Load, text: str, scale: float) -> str:
    try:
        make_plans(load(text), lab=NETNS, scale=scale, seed=0)
    except InputError as error:
        return str(error)
    return ""


def test_the_kernel_is_told_of_the_scale(load: Load) -> None:
    (plan,) = make_plans(load(outage()), lab=NETNS, scale=20, seed=0)
    for host in ("sender", "receiver"):
        assert plan.host(host).sysctls["net.ipv4.tcp_retries2"] == "11"
    assert not plan.host("firewall").sysctls
    (plan,) = make_plans(load(outage()), lab=NETNS, scale=1, seed=0)
    assert not plan.host("sender").sysctls


def test_an_outage_that_the_connection_survives_must_not_end_it_in_the_lab(load: Load) -> None:
    assert refused(load, outage(), 20) == ""
    text = refused(load, outage("15 min"), 60)
    assert "end of partition (15 min) comes before sender last retransmission (928.69 s)" in text
    assert "the largest scale that works is" in text


def test_a_middlebox_must_not_forget_between_two_retransmissions(load: Load) -> None:
    assert refused(load, outage("2 min"), 100) == ""
    text = refused(load, outage("2 min"), 600)
    assert "sender wait between retransmissions (120 s)" in text
    assert "firewall unacknowledged (300 s)" in text


def test_without_a_fault_nothing_is_outstanding(load: Load) -> None:
    lines = outage().splitlines()
    del lines[8:11]
    assert refused(load, "\n".join(lines), 600) == ""


def _with_all_systems(directory: Path) -> Load:
    def load(text: str) -> Scenario:
        path = directory / "s.scenario.yaml"
        path.write_text(text)
        return load_scenario(path, default_vocabulary())

    return load


FORGOTTEN = """\
scenario: a program that goes on after its flow was forgotten
hosts:
  sender: { run: tcp client, to: receiver }
  firewall: { profile: PROFILE }
  receiver: { run: tcp server, keepalive: KEEPALIVE }
path: [sender, firewall, receiver]
steps:
  - send: 5 messages
  - wait: SILENCE
  - send: 1 message
  - wait: AFTER
expect:
  - delivery: { lost: 0 }
"""


@pytest.mark.parametrize(
    ("profile", "keepalive", "silence", "after", "scale", "refuses"),
    [
        ("fortigate", "off", "8 h", "4 h", 10_800, True),
        ("fortigate", "off", "8 h", "4 h", 7200, False),
        ("fortigate", "off", "8 h", "20 min", 7200, True),
        ("fortigate", "off", "8 h", "10 min", 60, False),
        ("fortigate", "off", "30 min", "4 h", 10_800, False),
        ("aws-nlb-tcp", "off", "8 h", "4 h", 10_800, False),
        ("fortigate", "{ idle: 30 min, interval: 75 s, probes: 9 }", "8 h", "4 h", 600, False),
    ],
    ids=["too large", "right", "too soon", "before", "kept in the table", "reset", "kept alive"],
)
def test_the_kernel_gives_up_what_was_sent_into_a_forgotten_flow_when_it_would(
    tmp_path: Path,
    profile: str,
    keepalive: str,
    silence: str,
    after: str,
    scale: float,
    *,
    refuses: bool,
) -> None:
    written = {"PROFILE": profile, "KEEPALIVE": keepalive, "SILENCE": silence, "AFTER": after}
    text = FORGOTTEN
    for name, value in written.items():
        text = text.replace(name, value)
    found = refused(_with_all_systems(tmp_path), text, scale)
    about = "sender last retransmission (928.69 s) comes before time after sender sends into a"
    assert (about in found, bool(found)) == (refuses, refuses)


def test_a_program_that_waits_for_answers_is_not_held_to_the_kernels_timer(load: Load) -> None:
    text = FORGOTTEN.replace(
        "tcp client, to: receiver", "relpio send, to: receiver, keepalive: off"
    )
    for name, value in {"PROFILE": "fortigate", "SILENCE": "8 h", "AFTER": "4 h"}.items():
        text = text.replace(name, value)
    text = text.replace("tcp server, keepalive: KEEPALIVE", "relpio receive")
    assert refused(load, text, 1800) == ""


def test_an_older_kernel_cannot_play_it(load: Load, vocabulary: Vocabulary) -> None:
    older = replace(NETNS, knows_sysctl=lambda key: key != RTO_MAX_MS)
    (plan,) = make_plans(load(outage()), lab=older, scale=20, seed=0)
    reason = needs(plan, vocabulary, older)
    assert reason is not None
    assert "sysctl net.ipv4.tcp_rto_max_ms, Linux 6.15" in reason
    assert "sender wait between retransmissions" in reason
    (plan,) = make_plans(load(outage()), lab=NETNS, scale=20, seed=0)
    assert plan.unsupported == "" or not NETNS.knows_sysctl(RTO_MAX_MS)
    (plan,) = make_plans(load(outage("20 s", "30 s")), lab=older, scale=20, seed=0)
    assert plan.unsupported == ""


AGAIN = """\
scenario: a program that needs its port again
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: SYSTEM }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - stop: receiver
  - wait: PAUSE
  - start: receiver
expect:
  - delivery: { lost: 0 }
"""
COMMAND = "command receive, start: [python3, s.py], ready: { listening: 7000 }"


@pytest.mark.parametrize(
    ("system", "pause", "scale", "refuses"),
    [
        (COMMAND, "5 min", 60, True),
        (COMMAND, "5 min", 2, False),
        (COMMAND, "30 s", 60, False),
        ("relpio receive", "5 min", 60, False),
    ],
)
def test_a_port_in_time_wait_is_taken_for_a_minute_whatever_the_scale(
    tmp_path: Path, system: str, pause: str, scale: float, *, refuses: bool
) -> None:
    load = _with_all_systems(tmp_path)
    text = refused(load, AGAIN.replace("SYSTEM", system).replace("PAUSE", pause), scale)
    assert ("receiver TIME_WAIT (60 s)" in text) == refuses
