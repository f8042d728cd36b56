"""Output of `ss`: what it tells, and what is not of `ss`."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.importing.facts import End
from tests.unit.importing.reading import read, refused
from tests.unit.importing.texts import SS, SS_CLIENT, cut


def test_a_server_its_connections_and_their_timers(tmp_path: Path) -> None:
    facts = read(tmp_path, ss=SS)
    assert {port: each.program for port, each in facts.listeners.items()} == {
        514: "rsyslogd",
        22: "sshd",
    }
    first, second, third, ssh = facts.connections
    assert (first.client, first.server) == (End("10.0.0.9", 40112), End("10.0.0.5", 514))
    assert first.programs == {"server": "rsyslogd"}
    assert first.where == f"{tmp_path}/ss:4"
    at_least = first.keepalive["server"].at_least
    assert at_least is not None and at_least.value == 119 * 60
    at_least = second.keepalive["server"].at_least
    assert at_least is not None and at_least.value == 83
    assert not third.keepalive["server"].asked
    assert ssh.client == End("10.0.0.77", 55555)
    assert facts.shows_timers


def test_a_client_that_retransmits_into_silence(tmp_path: Path) -> None:
    stuck, probing = read(tmp_path, ss=SS_CLIENT).connections
    assert (stuck.client, stuck.server) == (End("10.0.0.9", 40112), End("10.0.0.5", 2514))
    assert stuck.programs == {"client": "relpio"}
    assert stuck.late == ("drop", f"{tmp_path}/ss:1") and stuck.retries == 7
    assert stuck.killed is not None and stuck.killed.value == 7300
    assert stuck.silence is not None and stuck.silence.value == 12
    # After an unanswered probe the timer is the interval's: it tells nothing of the idle time.
    assert probing.keepalive["client"].asked and probing.keepalive["client"].at_least is None


def test_the_port_that_is_listened_on_tells_which_end_is_the_server(tmp_path: Path) -> None:
    text = "LISTEN 0 5 *:50000 *:*\nESTAB 0 0 10.0.0.5:50000 10.0.0.9:1023\n"
    (found,) = read(tmp_path, ss=text).connections
    assert found.server == End("10.0.0.5", 50000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (cut(SS, 5, 40), "ss:5: the file seems cut in this line: "),
        (
            cut(SS, 5, 40),
            "understood before it: 1 connection, 2 listening ports; write",
        ),
        ("State Recv-Q Send-Q Cookie Local Address:Port\n", "ss:1: unknown column 'Cookie' in"),
        ("ESTAB 0 0 10.0.0.5:514 10.0.0.9:1 128\n", "unknown column after the peer's address"),
        ("ESTAB 0 0 10.0.0.5:syslog 10.0.0.9:1\n", "'syslog' is not the number of a port"),
        ("ESTAB 0 0 10.0.0.5:99999 10.0.0.9:1\n", "'99999' is not the number of a port"),
        ("ESTAB 0 0 10.0.0.5:514\n", "4 columns instead of 5 or more"),
        ("Proto Recv-Q Send-Q Local Address\n", "this is the output of netstat"),
        ("tcp6  0  0 10.0.0.5:514  10.0.0.9:1 ESTABLISHED\n", "this is the output of netstat"),
        ("ESTABLISHED 0 0 1.1.1.1:1 1.1.1.2:2\n", "'ESTABLISHED' is not a state of `ss`"),
        ('ESTAB 0 0 1.1.1.1:1 1.1.1.2:2 users:(("a",pid=1\n', "a bracket is not closed"),
        ("State Recv-Q Send-Q\n", "nothing in this file is understood"),
        ("", "nothing in this file is understood"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "this is a packet capture; give it to --pcap"),
        (b"ESTAB\n\xff\xfa", "ss:2: not text: byte 6 is 0xff"),
        (b"\x7fELF\0\0", "ss:1: not the output of a command"),
    ],
)
def test_what_is_not_of_ss_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    assert said in refused(tmp_path, ss=text)
