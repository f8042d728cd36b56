"""The scenario that is written is valid, and says what is known and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halfopen.cli.import_captures import playable
from halfopen.errors import HalfopenError
from halfopen.importing import draft
from halfopen.scenario import Scenario, load_scenario
from halfopen.vocabulary import default_vocabulary
from tests.unit.importing.reading import read
from tests.unit.importing.texts import CONNTRACK, SS, SS_CLIENT, SYSCTL
from tests.unit.importing.wire import OPEN, RST, Sent, again, pcap

VOCABULARY = default_vocabulary()


def written(directory: Path, **texts: str | bytes) -> tuple[str, Scenario]:
    facts = read(directory, **texts)
    made = draft(facts, VOCABULARY.profiles, list(texts))
    path = directory / "made.scenario.yaml"
    path.write_text(playable(made))
    return path.read_text(), load_scenario(path, VOCABULARY)


def test_a_syslog_server_with_its_timers(tmp_path: Path) -> None:
    text, scenario = written(tmp_path, ss=SS, sysctl=SYSCTL.replace("3600", "86400"))
    assert [each.name for each in scenario.variants] == ["as-imported", "with-keepalive"]
    assert "run: rsyslog receive" in text and "# program rsyslogd" in text
    assert "keepalive: { idle: 2 h, interval: 75 s, probes: 5 }" in text
    assert "# 1 of 3 connections have no timer" in text
    assert f"# idle: tcp_keepalive_time, {tmp_path}/sysctl:5; a timer had 119 min left" in text
    assert "# not known: no input shows this side's timers" in text
    assert "# 3 connections to port 514 from 2 clients" in text
    assert "# not in this scenario: port 22, 1 connection" in text
    assert "profile: linux-conntrack" in text and "idle timeout: 24 h" in text
    assert f"net.ipv4.tcp_retries2: 8   # {tmp_path}/sysctl:6" in text


def test_a_client_whose_data_gets_no_answer(tmp_path: Path) -> None:
    text, _ = written(tmp_path, ss=SS_CLIENT)
    assert "run: relpio send" in text and "run: relpio receive" in text
    assert "profile: fortigate" in text
    assert f"# after 7300 s late data got no answer: {tmp_path}/ss:1" in text
    assert "- wait: 7300 s" in text
    assert text.count("    # or ") == 2 and "it would explain what was seen" in text


def test_a_reset_is_called_one(tmp_path: Path) -> None:
    late = [*OPEN, *again(400, 1), Sent(400.01, "server", 5000, 0, RST)]
    text, _ = written(tmp_path, pcap=pcap(late))
    assert f"# after 400 s a RST answered late data: {tmp_path}/pcap:packet 6" in text
    assert "# resets: 1 with the address of a server" in text


def test_a_table_of_kafka_flows(tmp_path: Path) -> None:
    text, _ = written(tmp_path, conntrack=CONNTRACK)
    assert "run: kafka produce" in text and "run: kafka broker" in text
    assert "nat: destination" in text and "profile: linux-conntrack" in text
    assert "from 3 clients" in text


def test_the_table_of_another_machine_is_said_not_to_be_it(tmp_path: Path) -> None:
    table = CONNTRACK.replace(" 3599 ", " 431999 ").replace("9092", "2514")
    text, _ = written(tmp_path, ss=SS_CLIENT, conntrack=table)
    assert "profile: fortigate" in text
    assert "waits for 431999 s: that is not what forgot the connection" in text


def test_without_a_connection_only_the_port_is_known(tmp_path: Path) -> None:
    text, _ = written(tmp_path, ss="LISTEN 0 5 *:5432 *:*\n")
    assert "# not known: who connects" in text
    assert "# not known: no input tells what it is" in text
    assert "run: tcp server" in text and "# not known: the silence" in text


def test_settings_alone_are_not_enough(tmp_path: Path) -> None:
    facts = read(tmp_path, sysctl=SYSCTL)
    with pytest.raises(HalfopenError, match="no input shows a TCP connection; understood: 5 set"):
        draft(facts, VOCABULARY.profiles, ["sysctl"])


RSYSLOG = [
    'action(type="omfwd" target="a" protocol="tcp" keepalive="on" queue.type="LinkedList")',
    'action(type="omrelp" target="b" port="2514" queue.size="5" queue.type="Direct")',
    'input(type="imptcp" port="514" keepalive="on" keepalive.time="99999")',
    "$ActionQueueSize 5",
    "*.* @@c:514",
]
LINES = st.lists(
    st.sampled_from([*SS.splitlines(), *SS_CLIENT.splitlines(), *CONNTRACK.splitlines(), *RSYSLOG])
    | st.text(max_size=40),
    max_size=8,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from(["ss", "conntrack", "sysctl", "rsyslog"]),
    lines=LINES,
    cut=st.integers(0, 60),
    raw=st.none() | st.binary(max_size=60),
)
def test_no_text_breaks_a_reader(
    tmp_path: Path, kind: str, lines: list[str], cut: int, raw: bytes | None
) -> None:
    text = "\n".join(lines).encode(errors="replace")
    data = raw if raw is not None else text[: len(text) - cut]
    try:
        facts = read(tmp_path, **{kind: data})
        made = draft(facts, VOCABULARY.profiles, ["a\nname\x85"])
    except HalfopenError:
        return
    path = tmp_path / "any.scenario.yaml"
    path.write_text(made.text(1), encoding="utf-8")
    load_scenario(path, VOCABULARY)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    port=st.integers(1, 65535),
    left=st.integers(0, 10**9),
    time=st.integers(0, 10**9),
    heard=st.integers(1, 10**11),
    program=st.text(max_size=12).filter(lambda t: not {'"', "\n", "(", ")"} & set(t)),
)
def test_any_figure_gives_a_valid_scenario(
    tmp_path: Path, port: int, left: int, time: int, heard: int, program: str
) -> None:
    text = f'ESTAB 0 9 1.1.1.1:{port} 2.2.2.2:9 users:(("{program}",pid=1)) timer:(on,1sec,9) '
    text += f"lastsnd:{heard} lastrcv:{heard}\n"
    text += f"ESTAB 0 0 1.1.1.1:{port} 2.2.2.3:9 timer:(keepalive,{left}min,0)\n"
    sysctl = f"net.ipv4.tcp_keepalive_time = {time}\nnet.ipv4.tcp_retries2 = {time}\n"
    try:
        written(tmp_path, ss=text.encode(errors="replace"), sysctl=sysctl)
    except HalfopenError as error:
        assert "not the output of a command" in str(error) or "bracket" in str(error)
