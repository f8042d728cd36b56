"""postgresql.conf: the server's timers."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
# a server of ours
listen_addresses = '*'
port = 5433                    # the usual one is taken
#tcp_keepalives_idle = 10
tcp_keepalives_idle = '5min'
tcp_keepalives_count 6
tcp_user_timeout = 30s
"""


def test_the_listener_and_its_timers() -> None:
    (found,) = read("postgresql", FILE)
    assert (found.line, found.what, found.asks) == (5, "listener 5433", True)
    assert found.timers == ConfiguredTimers(300, None, 6)
    assert found.user_timeout_ms == 30000


def test_the_last_setting_counts_also_in_another_file() -> None:
    (found,) = read("postgresql", FILE, "TCP_KEEPALIVES_IDLE = '90'\n")
    assert found.timers.idle == 90
    assert found.source.path == "1.conf"


def test_0_is_the_systems() -> None:
    (found,) = read("postgresql", "tcp_keepalives_idle = 0\ntcp_user_timeout = 0")
    assert found.timers == ConfiguredTimers()
    assert found.user_timeout_ms == 0


@pytest.mark.parametrize("addresses", ["''", "'localhost'", "'127.0.0.1, ::1'"])
def test_what_listens_on_no_network_is_no_connection_behind_a_firewall(addresses: str) -> None:
    assert not read("postgresql", f"listen_addresses = {addresses}\n")


def test_verdicts_and_cures() -> None:
    assert survivals("postgresql", FILE) == ["safe"]
    assert survivals("postgresql", FILE, firewalls="azure-lb") == ["unsafe"]
    (text,) = cured("postgresql", FILE, firewalls="azure-lb")
    assert "tcp_keepalives_idle = 120\ntcp_keepalives_interval = 60\n" in text
    assert "tcp_keepalives_count 9\n" in text
    assert "port = 5433                    # the usual one is taken\n" in text


def test_behind_a_proxy_no_setting_helps() -> None:
    (found,) = judge("postgresql", FILE, firewalls="envoy")
    assert found.survival == "unsafe"
    assert not found.diff
    assert "the application itself must send data" in found.hint


def test_a_file_that_is_included_and_not_given_leaves_it_open() -> None:
    text = "port = 5432\ninclude_dir 'conf.d'\n"
    (found,) = judge("postgresql", text)
    assert found.survival == "not judged"
    assert "line 2 has include_dir 'conf.d'" in found.why


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = 1\n[section]", "0.conf:2: cannot read '[section]'; write name = 'value'"),
        ("port = 'open", "cannot read"),
        ("tcp_keepalives_idle = often", "tcp_keepalives_idle: 'often' is not accepted here"),
        ("tcp_keepalives_count = 3s", "use a whole number"),
        ("tcp_keepalives_idle = 3 weeks", "cannot read"),
        ("tcp_keepalives_idle = '3 weeks'", "perhaps with us, ms, s, min, h, d"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("postgresql", text)
    assert message in str(error.value)
