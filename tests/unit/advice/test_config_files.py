"""Configuration files: of which product they are, and that no text makes a reader crash."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.advice.config_files import config_readers, kind_of, read_configuration
from halfopen.advice.config_model import Source
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import judge

KINDS = sorted(config_readers())

# What the languages are made of, so that texts come near to being right.
PIECES = [
    "\n", " ", "=", '"', "'", "(", ")", "#", "$", "@@", ":", ";", "{", "}", "[", "]", "\\", "/",
    ",",
    "0", "9999999999", "300", "5min", "on", "off", "host", "\u00e9", "\x00",
    "input(type=", "module(load=", "action(type=", "imtcp", "omfwd", "omrelp", "keepalive=",
    "$InputTCPServerRun 514", "$InputTCPServerKeepAlive ", "@@host:514", "port", "listen_addresses",
    "server ", "listen 1 ", "so_keepalive=", "http {", "proxy_pass a;", "send_timeout ",
    "include a;", "frontend a\n", "bind :1\n", "option clitcpka", "clitcpka-idle ",
    "timeout client ", "tcp-ut",
    "bootstrap.servers=", "broker.id=1\n", "connections.max.idle.ms=", "keepalives=", "host=",
    "[Socket]", "ListenStream", "KeepAlive", "Host ", "Match ", "tcpkeepalive", "tcp-keepalive",
    "ClientAliveInterval", "replicaof a 1", "tcp_keepalives_idle", "include",
    "net.ipv4.tcp_keepalive_time", "-", "/*", "*/",
    "source s {", "destination d {", "network(", "so-keepalive(", "tcp-keepalive-time(",
    "@version: ", "heartbeat = ", "[{rabbit, [", "{heartbeat, 0}", "]}].", "services:", "sysctls:",
    "postgresql://db/a?", "jdbc:postgresql://db/", "&", "?", "keepalives_idle=", "tcpKeepAlive=",
    "- ", ": ", "&a ", "*a", "<<: ", "kind: Pod", "apiVersion: v1", "spec:", "securityContext:",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
def test_no_text_makes_a_reader_crash(kind: str, text: str) -> None:
    reader = config_readers()[kind]
    reader.recognises(text)
    with contextlib.suppress(InputError):
        reader.system([Source("0.conf", text)])
        for each in judge(kind, text, firewalls="350 azure-lb"):
            assert each.why
            assert 1 <= each.connection.line <= text.count("\n") + 1
            assert bool(each.diff) == bool(each.edits)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/etc/rsyslog.d/50-mine.conf", "", "rsyslog"),
        ("rsyslog.conf", "", "rsyslog"),
        ("mine.conf", 'input(type="imptcp" port="1")', "rsyslog"),
        ("mine.conf", "$InputTCPServerRun 514\n", "rsyslog"),
        ("/etc/postgresql/17/main/postgresql.conf", "", "postgresql"),
        ("x", "shared_buffers = 1GB\n", "postgresql"),
        ("/etc/sysctl.d/90-mine.conf", "", "sysctl"),
        ("x", "net.core.somaxconn = 1\n", "sysctl"),
        ("redis.conf", "", "redis"),
        ("x", "maxmemory 1gb\n", "redis"),
        ("/etc/ssh/sshd_config", "", "sshd"),
        ("x", "permitrootlogin no\n", "sshd"),
        ("/srv/me/.ssh/config", "", "ssh"),
        ("x", "Host *\n  ServerAliveInterval 5\n", "ssh"),
        ("x", "#listen_addresses = 'localhost'\n", "postgresql"),
        ("my.socket", "", "systemd"),
        ("/etc/syslog-ng/conf.d/mine.conf", "", "syslog-ng"),
        ("x", "@version: 4.8\n", "syslog-ng"),
        ("x", "destination d_logs {\n", "syslog-ng"),
        ("/etc/rabbitmq/conf.d/10-mine.conf", "", "rabbitmq"),
        ("x", "%% mine\n[{rabbit, []}].", "rabbitmq"),
        ("docker-compose.prod.yml", "", "compose"),
        ("x.yaml", "services:\n  url: postgresql://db\n", "compose"),
        (".env", "URL=postgresql://db\n", "postgresql-url"),
        ("x.yaml", "apiVersion: v1\nkind: Pod\n", "kubernetes"),
        ("/etc/nginx/sites-enabled/default", "", "nginx"),
        ("x", "events { }\n", "nginx"),
        ("haproxy.cfg", "", "haproxy"),
        ("server.properties", "", "kafka"),
        ("x", "bootstrap.servers=a\n", "kafka"),
        (".pg_service.conf", "", "libpq"),
        ("x", "[db]\nhost=a\ndbname=b\n", "libpq"),
        ("x", "defaults\n  mode tcp\n  timeout client 5s\n", "haproxy"),
    ],
)
def test_a_kind_is_seen_by_name_or_content(path: str, text: str, kind: str) -> None:
    assert kind_of(Source(path, text)) == kind


def test_an_unknown_kind_says_which_there_are() -> None:
    with pytest.raises(InputError) as error:
        kind_of(Source("a/b.txt", "hello\n"))
    assert str(error.value).startswith("a/b.txt:1: unknown kind of configuration; write KIND=FILE")
    assert "rsyslog" in str(error.value)


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "rsyslog.conf").write_bytes(b"\n\xff\n")
    (tmp_path / "sysctl.conf").write_text("nothing\n")
    with pytest.raises(InputError) as error:
        read_configuration(
            [str(tmp_path / each) for each in ("missing", "rsyslog.conf", "sysctl.conf")]
        )
    missing, binary, wrong = map(str, error.value.problems)
    assert "missing:1: cannot read it: No such file" in missing
    assert "rsyslog.conf:2: it is not text in UTF-8" in binary
    assert "sysctl.conf:1: cannot read 'nothing'" in wrong


def test_a_kind_can_be_given_and_sysctls_count_for_the_others(tmp_path: Path) -> None:
    server, sysctls = tmp_path / "a", tmp_path / "b"
    server.write_text("port = 5432\r\n")
    sysctls.write_text("net.ipv4.tcp_keepalive_time = 60\n")
    found = read_configuration([f"postgresql={server}", str(sysctls)])
    assert [each.what for each in found.connections] == ["listener 5432"]
    assert found.system.keepalive.idle == 60
    alone = read_configuration([str(sysctls)])
    assert [each.what for each in alone.connections] == [
        "a socket that asks for keepalive and sets no timers"
    ]
