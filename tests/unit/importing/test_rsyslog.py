"""rsyslog's configuration files: forwarding actions are senders, inputs are listening ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.importing import draft, read_inputs
from tests.unit.importing.reading import read, refused
from tests.unit.importing.test_draft import VOCABULARY, written
from tests.unit.importing.texts import SS

FORWARD = """\
module(load="imtcp")
action(type="omfwd" target="logs.example" port="6514" protocol="tcp" keepalive="on"
       keepalive.time="300" action.resumeRetryCount="-1" queue.type="LinkedList"
       queue.filename="fwd" queue.size="5k" queue.timeoutEnqueue="500" queue.maxDiskSpace="1g")
"""


def test_a_forwarding_action_is_a_sender_with_its_queue(tmp_path: Path) -> None:
    text, _ = written(tmp_path, rsyslog=FORWARD)
    where = f"{tmp_path}/rsyslog:2"
    assert f"# 1 connection to port 6514 from 1 client; the first: {where}" in text
    assert f"client:                       # this machine ({where})" in text
    assert f"server:                       # logs.example ({where})" in text
    assert "run: rsyslog send " in text and "run: rsyslog receive " in text
    assert f"    output: omfwd             # {where}" in text
    assert f"    resume retry count: -1                # {where}" in text
    assert (
        "    queue: { type: disk-assisted, size: 5120, max disk space: 1073741824 bytes, "
        f"timeout enqueue: 0.5 s }} # {where}"
    ) in text
    assert f"# idle: set in {where}" in text
    assert "# interval: not known; Linux's default" in text
    assert "keepalive: { idle: 300 s, interval: 75 s, probes: 9 }" in text


def test_omrelp_has_no_keepalive_and_the_receiver_speaks_relp(tmp_path: Path) -> None:
    text, _ = written(tmp_path, rsyslog='action(type="omrelp" target="a" port="514")\n')
    assert "output: omrelp" in text and "input: imrelp " in text
    assert "# as the other side" in text
    assert "client: { keepalive" not in text and "server: { keepalive" in text
    assert "about: The server sends probes" in text
    text, _ = written(tmp_path, rsyslog="*.* @@[2001:db8::1]:2514\n")
    assert "output: omfwd" in text and "input: imtcp " in text
    assert "# 2001:db8::1 (" in text


def test_directives_belong_to_the_forwarding_after_them(tmp_path: Path) -> None:
    lines = "$ActionQueueType LinkedList\n$ActionResumeRetryCount -1\n*.* @@a\n*.* @@b:1514\n"
    one, two = read(tmp_path, rsyslog=lines).connections
    note = f"{tmp_path}/rsyslog:3, from the $Action... directives before it"
    assert [(each.key, each.value, each.note) for each in one.options[1:]] == [
        ("resume retry count", "-1", note), ("queue", "{ type: linked list }", note),
    ]  # fmt: skip
    assert [each.key for each in two.options] == ["output"]


def test_a_queue_that_no_scenario_has_is_a_comment(tmp_path: Path) -> None:
    action = 'action(type="omfwd" target="a" protocol="tcp" queue.type="Direct" queue.size="9")\n'
    text, _ = written(tmp_path, rsyslog=action)
    assert "    # not known: the queue is not taken over, a direct queue holds nothing" in text
    assert "queue: " not in text.replace("the queue is", "")


def test_inputs_are_listening_ports_with_their_keepalive(tmp_path: Path) -> None:
    text, _ = written(
        tmp_path,
        rsyslog='input(type="imptcp" port="601" keepalive="on" keepalive.time="60")\n',
    )
    assert "# not known: who connects" in text
    assert "    input: imptcp            # " in text
    assert "keepalive: { idle: 60 s, interval: 75 s, probes: 9 }" in text


def test_files_are_one_configuration_and_ss_tells_more(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text('input(type="imtcp" port="514")\n')
    (tmp_path / "b.conf").write_text('module(load="imtcp" keepalive="on" keepalive.time="90")\n')
    (tmp_path / "ss").write_text(SS)
    names = [("rsyslog", tmp_path / "a.conf"), ("rsyslog", tmp_path / "b.conf")]
    listener = read_inputs(names).listeners[514]
    assert listener.keepalive is not None and listener.keepalive.written[0] is not None
    assert listener.keepalive.written[0].value == 90
    facts = read_inputs([*names, ("ss", tmp_path / "ss")])
    text = draft(facts, VOCABULARY.profiles, ["a"]).text(1)
    assert "# program rsyslogd" in text and "input: imtcp " in text
    assert f"a timer had 119 min left ({tmp_path}/ss:" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*.* /var/log/all\n", "rsyslog:1: no TCP connection is described here; give the file"),
        ('\naction(type="omrelp" target=a)\n', "rsyslog:2: cannot read the parameters of action()"),
        ("\n*.* @@a:syslog\n", "rsyslog:2: 'syslog' is not the number of a port"),
        ('\ninput(type="imptcp" port="0")\n', "rsyslog:2: '0' is not the number of a port"),
        (b"\n\xff\n", "rsyslog:2: it is not text in UTF-8"),
        (FORWARD[:90], "rsyslog:2: cannot read the parameters of action()"),
    ],
)
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in refused(tmp_path, rsyslog=text)
