"""Programs of others in the netns lab: rsyslog's ways in and words, what is missing, what spins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halfopen.model.history import History, read_history
from halfopen.model.records import ImpstatsRecord, SaidRecord, SpoolRecord

from .scenarios import halfopen, told

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCENARIO = """\
scenario: a short talk
scale: 1800
hosts:
  sender: {{ run: rsyslog send, to: receiver, resume retry count: -1, {sender} }}
  firewall: {{ profile: fortigate }}
  receiver: {{ run: rsyslog receive, {receiver} }}
path: [sender, firewall, receiver]
steps:
  - send: 30 messages
  - wait until: 30 delivered
    at most: 24 h
expect:
  - delivery: {{ lost: 0, corrupted: 0, unexpected: 0, duplicated: 0 }}
  - accept queue: {{ at: receiver, at end: 0 }}
"""


def play(directory: Path, sender: str, receiver: str) -> History:
    """The history of a short talk, which must pass."""
    path = directory / "talk.scenario.yaml"
    path.write_text(SCENARIO.format(sender=sender, receiver=receiver))
    done = halfopen("run", path, "--out", directory / "out", "--no-report", cwd=directory)
    assert done.returncode == 0, done.stdout
    return read_history(directory / "out/talk/default")


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [
        ("input: imfile", "output: omprog"),
        ("input: imptcp, queue: { type: disk, checkpoint interval: 1 }", "input: imrelp"),
        ("output: omfwd, queue: { type: disk-assisted }", "input: imtcp, max sessions: 5"),
        ("syntax: legacy, queue: { type: linked list }", "syntax: legacy, max open files: 64"),
        (
            "syntax: legacy, output: omfwd, input: imptcp",
            "syntax: legacy, input: imptcp, queue: { type: fixed array }",
        ),
    ],
)
def test_messages_go_through_every_way_in_and_out(
    tmp_path: Path, sender: str, receiver: str
) -> None:
    play(tmp_path, sender, receiver)


def test_rsyslogs_own_figures_and_its_spool_are_recorded(tmp_path: Path) -> None:
    queue = "{ type: disk, sync files: true }"
    history = play(tmp_path, f"impstats: 30 min, queue: {queue}", "impstats: 30 min")
    names = {record["name"] for record in history.of(ImpstatsRecord, host="sender")}
    assert {"main Q", "forward-0 queue"} <= names
    enqueued = [
        record["values"]["enqueued"]
        for record in history.of(ImpstatsRecord, host="receiver", name="main Q")
    ]
    assert enqueued == sorted(enqueued)
    assert max(record["bytes"] for record in history.of(SpoolRecord, host="sender")) > 30 * 200


def test_what_rsyslog_says_of_a_dead_connection_is_recorded(tmp_path: Path) -> None:
    """`notify on close`: the notice that the incident's cure asks for, once keepalive gives up.

    And where nothing may be said, or counted, the checks of words and figures fail on it.
    """
    keepalive = "{ idle: 90 min, interval: 30 min, probes: 2 }"
    receiver = f"input: imptcp, notify on close: true, keepalive: {keepalive}, impstats: 30 min"
    path = tmp_path / "closes.scenario.yaml"
    text = SCENARIO.format(sender="output: omfwd", receiver=receiver)
    path.write_text(
        text.replace(
            "expect:",
            "  - wait until: connections at receiver = 1\n"
            "  - fault: silent drop\n    at: firewall\n    stays: true\n"
            "  - wait until: connections at receiver = 0\n    at most: 24 h\n"
            "  - stop: receiver  # it writes what it has to say before it ends\nexpect:",
        )
        + "  - log contains: { at: receiver, words: imptcp, count: 0 }\n"
        "  - counters: { at: receiver, of: main Q, counter: enqueued, at end: 0 }\n"
        "variants:\n  default:\n    reproduces: { log contains: seen, counters: seen }\n"
    )
    done = halfopen("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    history = read_history(tmp_path / "out/closes/default")
    said = [record["line"] for record in history.of(SaidRecord, host="receiver")]
    assert any("imptcp: session on socket" in line and "closed" in line for line in said), said


def test_a_configuration_of_yours_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.conf").write_text(
        'module(load="imuxsock" SysSock.Use="off")\n'
        'input(type="imuxsock" socket="@input@" createPath="on" ruleset="all")\n'
        'ruleset(name="all") {\n'
        '  action(type="omfwd" target="@to@" port="@port@" protocol="tcp")\n}\n'
    )
    play(tmp_path, "config: mine.conf, output: omfwd", "input: imptcp")


def test_a_configuration_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "talk.scenario.yaml"
    path.write_text(SCENARIO.format(sender="config: mine.conf", receiver="input: imrelp"))
    done = told("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 2
    assert "talk.scenario.yaml:4: config for sender: no such file: 'mine.conf'" in done.stderr


def test_a_program_that_is_missing_is_unsupported_and_never_a_pass(tmp_path: Path) -> None:
    path = tmp_path / "talk.scenario.yaml"
    path.write_text(SCENARIO.format(sender="binary: /nowhere/rsyslogd", receiver="input: imrelp"))
    done = told("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == 3
    assert "unsupported" in done.stdout
    assert "/nowhere/rsyslogd is not an rsyslogd" in done.stdout


SPINNER = """\
scenario: a receiver that spins
hosts:
  sender: {{ run: tcp client, to: receiver, port: 5140 }}
  firewall: {{ profile: fortigate }}
  receiver: {{ run: command receive, start: [sh, -c, '{command}'], ready: {{ listening: 5140 }} }}
path: [sender, firewall, receiver]
steps:
  - send: 5 messages
  - wait: 4 s
expect:
  - cpu: {{ at: receiver, at most: 5 % }}
"""


@pytest.mark.parametrize(("then", "status"), [("sleep 60", 0), ("while :; do :; done", 1)])
def test_a_program_that_spins_is_found(tmp_path: Path, then: str, status: int) -> None:
    path = tmp_path / "spins.scenario.yaml"
    path.write_text(SPINNER.format(command=f"busybox nc -l -p 5140 & {then}"))
    done = halfopen("run", path, "--out", tmp_path / "out", "--no-report", cwd=tmp_path)
    assert done.returncode == status, done.stdout


def test_doctor_names_the_products_with_versions_or_remedies(tmp_path: Path) -> None:
    done = told("doctor", "--json", cwd=tmp_path)
    products = {each["name"]: each for each in json.loads(done.stdout)["products"]}
    assert {"rsyslog", "libkeepalive"} <= products.keys()
    assert all(each["version"] or each["install"] for each in products.values())
    assert products["rsyslog"]["install"] == "apt-get install rsyslog rsyslog-relp"
