"""sshd_config and ssh_config: probes of the application, and of TCP."""

from __future__ import annotations

import pytest

from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

SERVER = """\
Port 2222
TCPKeepAlive yes
Match User backup
    ClientAliveInterval 2m30s
    ClientAliveCountMax 2
Match Address 10.0.0.0/8
    X11Forwarding no
"""
CLIENT = """\
Host jump *.example
    ServerAliveInterval = 100
Host far
    User me
Host *
    TCPKeepAlive no
"""


def test_the_server_and_a_match_with_its_own_interval() -> None:
    everyone, backup = judge("sshd", SERVER)
    assert everyone.connection.what == "listener 2222 (sshd)"
    assert everyone.survival == "unsafe"
    assert "keepalive 7200/75/9" in everyone.why
    assert (backup.connection.what, backup.connection.line) == (
        "sessions of Match User backup (sshd)",
        3,
    )
    assert backup.survival == "safe"
    assert "over the connection, every 150 s" in backup.why
    assert "after 300 s" in backup.why


def test_cures() -> None:
    (text,) = cured("sshd", SERVER)
    assert text == SERVER.replace(
        "TCPKeepAlive yes\n", "TCPKeepAlive yes\nClientAliveInterval 175\n"
    )
    assert cured("sshd", "") == ["ClientAliveInterval 175\n"]
    (text,) = cured("ssh", CLIENT)
    assert "Host far\n    User me\n    ServerAliveInterval 175\n" in text


def test_what_a_program_sends_counts_at_a_proxy_too() -> None:
    assert survivals("sshd", "ClientAliveInterval 60\n", firewalls="envoy 120") == ["safe"]
    (found,) = judge("sshd", "ClientAliveInterval 1h\n", firewalls="envoy")
    assert found.survival == "unsafe"
    assert "which is too late" in found.why
    assert cured("sshd", "ClientAliveInterval 1h\n", firewalls="envoy") == [
        "ClientAliveInterval 1800\n"
    ]


def test_the_client_has_a_connection_for_each_host() -> None:
    found = judge("ssh", CLIENT)
    assert [(each.connection.line, str(each.survival)) for each in found] == [
        (1, "safe"),
        (3, "unsafe"),
        (5, "unsafe"),
    ]
    assert "keepalive off" in found[1].why
    assert [each.what for each in read("ssh", "User me\n")] == ["client to any host (ssh)"]


def test_the_first_value_counts() -> None:
    text = "ClientAliveInterval 900\nClientAliveInterval 10\n"
    assert survivals("sshd", text) == ["unsafe"]
    assert survivals("ssh", f"Host a\n{text}Host *\nServerAliveInterval 9\n") == ["safe", "safe"]


def test_what_is_included_counts_where_it_is_included() -> None:
    text = "Include /etc/ssh/sshd_config.d/1*.conf\nClientAliveInterval 900\n"
    (found,) = judge("sshd", text)
    assert found.survival == "not judged"
    assert "`sshd -T` prints all that counts" in found.why
    first = text.replace("sshd_config.d/1*", "1")
    last = "ClientAliveInterval 900\nInclude /etc/ssh/1.conf\n"
    assert survivals("sshd", first, "ClientAliveInterval 9\n") == ["safe"]
    assert survivals("sshd", last, "ClientAliveInterval 9\n") == ["unsafe"]


def test_what_sshd_prints_itself() -> None:
    assert survivals("sshd", "port 22\ntcpkeepalive yes\nclientaliveinterval 60\n") == ["safe"]


@pytest.mark.parametrize("text", ["\nClientAliveInterval soon", "\nTCPKeepAlive maybe", "\n="])
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:2: "):
        read("sshd", text)
