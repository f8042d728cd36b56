"""haproxy.cfg: both sides of its proxies."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
global
    log /dev/log local0   # what it says
defaults
    mode tcp
    option tcpka
    timeout client 1h
    timeout server 50000
frontend logs
    bind :514 tcp-ut 30s
    bind unix@/run/a.sock
    default_backend relays
backend relays
    no option tcpka
    timeout server 1h
    server one 10.0.0.1:514 check
listen both from strange
    bind *:515
    clitcpka-idle 100
    clitcpka-intvl 30s
    clitcpka-cnt 4
    server two two:514
"""


def test_what_is_described_in_which_line() -> None:
    found = read("haproxy", FILE)
    assert [(each.line, each.what, each.asks) for each in found] == [
        (9, "listener :514 of frontend logs", True),
        (15, "client to 10.0.0.1:514 of backend relays", False),
        (17, "listener *:515 of listen both", True),
        (21, "client to two:514 of listen both", True),
    ]
    assert found[0].user_timeout_ms == 30000
    assert found[2].timers == ConfiguredTimers(100, 30, 4)


def test_a_timeout_closes_what_is_silent() -> None:
    assert survivals("haproxy", FILE) == ["unsafe", "unsafe", "safe", "safe"]
    (_, _, _, closed) = judge("haproxy", FILE)
    assert closed.why == "it closes an idle connection after 50 s (timeout server)"
    tunnel = FILE.replace("50000", "50000\n    timeout tunnel 2h")
    assert survivals("haproxy", tunnel)[3] == "unsafe"


def test_cures() -> None:
    (text,) = cured("haproxy", FILE)
    assert (
        "default_backend relays\n    option clitcpka\n    clitcpka-idle 175s\n"
        "    clitcpka-intvl 75s\n    clitcpka-cnt 9\nbackend"
    ) in text
    assert "check\n    option srvtcpka\n    srvtcpka-idle 175s\n" in text
    (text,) = cured("haproxy", FILE.replace("clitcpka-idle 100", "clitcpka-idle 1h # long"))
    assert "    clitcpka-idle 175s\n    clitcpka-intvl 75s\n    clitcpka-cnt 9\n" in text


def test_defaults_by_name() -> None:
    text = """\
defaults quick
  timeout client 10s
defaults slow
  timeout client 2h
frontend a from quick
  bind :1
frontend b
  bind :2
"""
    assert survivals("haproxy", text) == ["safe", "unsafe"]


@pytest.mark.parametrize(
    "text", ["timeout client soon", "option clitcpka\nclitcpka-cnt many", "clitcpka-idle", "\\"]
)
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:[23]: "):
        read("haproxy", f"frontend a\n{text}\nbind :1\n")
