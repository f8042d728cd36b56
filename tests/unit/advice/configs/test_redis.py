"""redis.conf: tcp-keepalive."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals


def test_300_seconds_unless_set() -> None:
    (found,) = read("redis", "# nothing\n")
    assert (found.what, found.asks) == ("listener 6379", True)
    assert found.timers == ConfiguredTimers(300, 100, 3)


def test_the_last_value_counts_and_0_is_off() -> None:
    (found,) = read("redis", "port 7000\nTCP-KEEPALIVE 60\ntcp-keepalive 30\n")
    assert (found.line, found.what) == (3, "listener 7000")
    assert found.timers == ConfiguredTimers(30, 10, 3)
    text = "port 0\ntls-port 6380\ntcp-keepalive 0\n"
    (found,) = read("redis", text)
    assert (found.what, found.asks) == ("listener 6380", False)
    assert cured("redis", text) == ["port 0\ntls-port 6380\ntcp-keepalive 175\n"]


def test_verdicts_and_cures() -> None:
    assert survivals("redis", "", firewalls="350 azure-lb") == ["unsafe"]
    assert cured("redis", "save 60 1\n", firewalls="azure-lb") == ["save 60 1\ntcp-keepalive 120\n"]
    assert not read("redis", "bind 127.0.0.1 -::1\n")


def test_a_replica_breaks_the_silence_itself() -> None:
    text = 'replicaof db 6379\ntcp-keepalive 0\nport 0\nrequirepass "a # b"\n'
    (found,) = judge("redis", text, firewalls="envoy")
    assert (found.connection.what, found.survival) == ("client to db:6379", "safe")
    assert "every 1 s" in found.why
    assert not read("redis", "replicaof no one\nport 0\n")


def test_a_file_that_is_included_and_not_given_leaves_it_open() -> None:
    assert survivals("redis", "include /etc/redis/more.conf\n") == ["not judged"]
    assert survivals("redis", "include /etc/redis/1.conf\n", "tcp-keepalive 9\n") == ["safe"]


@pytest.mark.parametrize("text", ["\ntcp-keepalive 5m", "\ntcp-keepalive", "\n= 1"])
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:2: "):
        read("redis", text)
