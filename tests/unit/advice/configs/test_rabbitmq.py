"""rabbitmq.conf and advanced.config: heartbeats and keepalive."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.hostile import check_hostile
from tests.unit.advice.configs.reading import cured, judge, read, survivals

ADVANCED = """\
%% classic
[
  {rabbit, [
    {tcp_listeners, [5673, {"10.0.0.1", 5674}]},
    {heartbeat, 0},
    {tcp_listen_options, [binary, {keepalive, true}, {raw, 6, 4, <<120:32/native>>},
                          {raw,6,5,<<30:32/native>>}, {nodelay, true}]}
  ]},
  {kernel, [{net_ticktime, 60}, {x, #{a => 'B c'}}]}
].
"""


def test_a_heartbeat_is_suggested_unless_turned_off() -> None:
    (found,) = judge("rabbitmq", "# nothing\n")
    assert (found.connection.what, found.survival) == ("listener 5672 (AMQP)", "safe")
    assert "unless the client declines" in found.why
    assert "every 60 s; a dead peer is detected after 180 s" in found.why
    assert survivals("rabbitmq", "heartbeat = 0\n") == ["unsafe"]
    assert survivals("rabbitmq", "heartbeat = 400 # too long\n") == ["unsafe"]
    assert survivals("rabbitmq", "heartbeat = 0\n", firewalls="envoy") == ["unsafe"]


def test_keepalive_has_the_systems_timers() -> None:
    (found,) = read("rabbitmq", "heartbeat = 0\ntcp_listen_options.keepalive = true\n")
    assert (found.asks, found.timers, found.line) == (True, ConfiguredTimers(), 1)


def test_listeners() -> None:
    text = """\
listeners.tcp.default = 5673
listeners.tcp.local = 127.0.0.1:5680
listeners.ssl.1 = 5671
mqtt.listeners.tcp.default = 1883
mqtt.tcp_listen_options.keepalive = true
"""
    assert [(each.line, each.what) for each in read("rabbitmq", text)] == [
        (1, "listener 5673 (AMQP)"), (3, "listener 5671 (AMQP)"), (4, "listener 1883 (mqtt)"),
    ]  # fmt: skip
    assert survivals("rabbitmq", text) == ["safe", "safe", "not judged"]
    (found,) = read("rabbitmq", "listeners.tcp = none\nlisteners.ssl.default = 5671\n")
    assert found.what == "listener 5671 (AMQP)"


def test_the_advanced_file_may_set_the_timers() -> None:
    first, second = read("rabbitmq", ADVANCED)
    assert (first.what, first.line, first.asks) == ("listener 5673 (AMQP)", 4, True)
    assert second.what == "listener 10.0.0.1:5674 (AMQP)"
    assert first.timers == ConfiguredTimers(120, 30, None)
    assert survivals("rabbitmq", ADVANCED) == ["safe", "safe"]
    other = ADVANCED.replace("<<120:32/native>>", "<<120:32/big>>")
    assert survivals("rabbitmq", other) == ["not judged", "not judged"]


def test_the_advanced_file_comes_last() -> None:
    plain = "heartbeat = 60\nlisteners.tcp.default = 1\n"
    more = "[{rabbit, [{heartbeat, 0}]}]."
    (found,) = judge("rabbitmq", more, plain)
    assert found.survival == "unsafe"
    assert [each.source.path for each in found.edits] == ["0.conf"]


def test_cures() -> None:
    assert cured("rabbitmq", "heartbeat = 0\n") == ["heartbeat = 60\n"]
    assert cured("rabbitmq", "heartbeat = 900\n", firewalls="100") == ["heartbeat = 50\n"]
    text = ADVANCED.replace("<<120", "<<1200")
    (done,) = cured("rabbitmq", text)
    assert "{heartbeat, 60}" in done


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nheartbeat", "2: cannot read 'heartbeat'"),
        ("\nheartbeat = 1m", "2: heartbeat: '1m' is not accepted here"),
        ("\ntcp_listen_options.keepalive = on", "2: tcp_listen_options.keepalive: 'on' is not"),
        ("[\n{rabbit, [", "2: a [ without its end"),
        ("[\n]}.", "2: a } without its beginning"),
        ("[\n.", "2: a full stop within brackets"),
        ('[\n"a', "2: cannot read"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("rabbitmq", text)
    assert f"0.conf:{message}" in str(error.value)


def test_deep_nesting_is_read() -> None:
    assert len(read("rabbitmq", "[" * 50_000 + "]" * 50_000)) == 1


@pytest.mark.parametrize("text", [ADVANCED, "heartbeat = 0\nlisteners.tcp.1 = 5672\n"])
def test_no_form_of_a_file_makes_it_crash(text: str) -> None:
    check_hostile("rabbitmq", text)
