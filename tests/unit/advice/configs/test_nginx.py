"""nginx.conf: listeners, upstreams, and the timeouts that close them."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers, Sysctls
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
events {}
http {
    log_format main '$a; {';  # a comment; {
    server {
        listen 80 so_keepalive=30m::10;
        listen unix:/run/a.sock;
        listen 443 quic;
        location /a { proxy_pass http://app; proxy_read_timeout 30m; }
        location /b {
            fastcgi_socket_keepalive on;
            fastcgi_pass fcgi:9000;
        }
    }
}
stream {
    server { listen 514; proxy_pass logs; proxy_timeout 2m; }
    server { listen 515 udp; listen 516; proxy_pass logs; proxy_socket_keepalive off; }
}
"""


def test_what_is_described_in_which_line() -> None:
    found = read("nginx", FILE)
    assert [(each.line, each.what, each.asks) for each in found] == [
        (5, "listener 80", True),
        (8, "client to http://app", False),
        (11, "client to fcgi:9000", True),
        (16, "listener 514", False),
        (16, "client to logs", False),
        (17, "listener 516", False),
        (17, "client to logs", False),
    ]
    assert found[0].timers == ConfiguredTimers(1800, None, 10)


def test_what_nginx_closes_itself_is_safe() -> None:
    found = judge("nginx", FILE)
    assert [str(each.survival) for each in found] == [
        *["unsafe"] * 3,
        *["safe"] * 2,
        *["unsafe"] * 2,
    ]
    assert "it closes an idle connection after 1800 s (30 min) (proxy_read_timeout)" in found[1].why
    assert "(proxy_timeout)" in found[3].why
    plain = FILE.replace("proxy_read_timeout 30m; ", "")
    assert survivals("nginx", plain)[:3] == ["safe"] * 3
    assert survivals("nginx", plain, firewalls="60")[:3] == ["unsafe"] * 3


def test_cures() -> None:
    system = Sysctls(ConfiguredTimers(120, 30, 9))
    found = judge("nginx", FILE, system=system)
    assert [str(each.survival) for each in found].count("unsafe") == 4
    assert "+        listen 80 so_keepalive=175s:75s:9;" in found[0].diff
    assert "+    server { listen 514;" not in found[5].diff
    assert "listen 516 so_keepalive=175s:75s:9;" in found[5].diff
    assert "{ proxy_socket_keepalive on; proxy_pass http://app;" in found[1].diff
    assert "proxy_socket_keepalive on; }" in found[6].diff
    assert "tcp_keepalive_time" in found[1].hint
    listeners = "http { server { listen 80; } keepalive_timeout 1h; }"
    assert cured("nginx", listeners) == [listeners.replace("80", "80 so_keepalive=175s:75s:9")]


def test_a_site_needs_the_file_that_includes_it() -> None:
    site = "server { listen 80; location / { proxy_pass http://a; } }"
    (listener, _) = judge("nginx", site)
    assert listener.survival == "not judged"
    assert "give nginx.conf with --config" in listener.why
    assert survivals("nginx", site, "http { include /etc/0.conf; }") == ["safe", "safe"]
    assert survivals("nginx", site, "http { send_timeout 1h; }") == ["unsafe", "unsafe"]
    assert survivals("nginx", site, "http { include conf.d/*.conf; }") == ["not judged"] * 2
    # In a stream, there is no http:// before a name.
    assert survivals("nginx", "server { listen 1; proxy_pass logs; }", firewalls="fortigate") == [
        "safe", "safe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nlisten 80", "0.conf:2: 'listen 80' does not end; add a ;"),
        ("\nhttp {", "0.conf:2: http { without its }; add a }"),
        ("http {}\n}", "0.conf:2: a } without its {"),
        ("\n;", "0.conf:2: a ; without a directive"),
        ("a 'b", "a string without an end"),
        ("server { listen 80 so_keepalive=1:2; }", "so_keepalive: '1:2' is not accepted here"),
        ("http { send_timeout soon; server { listen 1; } }", "send_timeout: 'soon'"),
        ("server { proxy_socket_keepalive maybe; proxy_pass a; }", "use on or off"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("nginx", text)
    assert message in str(error.value)
