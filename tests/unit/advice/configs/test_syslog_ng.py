"""syslog-ng.conf: sources and destinations, and what depends on the release."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.hostile import check_hostile
from tests.unit.advice.configs.reading import cured, judge, read, survivals

NEW = '@version: 4.8\n@include "scl.conf"\n'


def test_sources_ask_by_themselves() -> None:
    text = (
        NEW
        + """\
source s_net { # a comment with a }
    network(ip("0.0.0.0") transport("tcp") port(6514));
    tcp(port(`port`) so_keepalive(no));
    network(transport("udp"));
    unix-dgram("/dev/log");
};
source s_sys { syslog(); };
"""
    )
    first, second, third = read("syslog-ng", text)
    assert (first.line, first.what, first.asks) == (4, "listener 6514 (network)", True)
    assert first.timers == ConfiguredTimers(60, 10, 6)
    assert (second.what, second.asks) == ("listener `port` (tcp)", False)
    assert (third.line, third.what) == (9, "listener 601 (syslog)")
    assert survivals("syslog-ng", text) == ["safe", "unsafe", "safe"]


def test_before_3_29_the_timers_were_the_systems() -> None:
    text = "source s { tcp(); };\n"
    for head in ("", "@version: 3.5\n", "@version: current\n"):
        (found,) = judge("syslog-ng", head + text)
        assert found.survival == "not judged"
        assert "before syslog-ng 3.29" in found.why
    timed = "source s { tcp(tcp-keepalive-time(60) tcp-keepalive-intvl(10)); };\n"
    assert survivals("syslog-ng", timed) == ["safe"]
    assert survivals("syslog-ng", timed.replace("(60)", "(0)")) == ["unsafe"]


def test_destinations_are_judged_from_4_4_on() -> None:
    text = 'destination d { network("logs" port(514) tcp-keepalive-time(60)); };\n'
    (old,) = judge("syslog-ng", "@version: 3.38\n" + text)
    assert (old.survival, old.connection.what) == ("not judged", "client to logs:514 (network)")
    assert "3.34.1 up to 4.3 ignores" in old.why
    assert survivals("syslog-ng", "@version: 4.4\n" + text) == ["safe"]
    off = '@version: 3.38\ndestination d { tcp("logs" so-keepalive(no)); };\n'
    (found,) = judge("syslog-ng", off)
    assert found.survival == "unsafe"
    assert "ask at the receiver" in found.hint


def test_drivers_inside_log_paths_and_blocks_count() -> None:
    text = (
        NEW
        + """\
log { source { network(port(1)); }; destination { tcp6("[::1]" port(2)); }; };
block destination mine(host("a")) { network("`host`" tcp-keepalive-time(`time`)); };
filter f { host("network(x)"); };
"""
    )
    assert [each.what for each in read("syslog-ng", text)] == [
        "listener 1 (network)", "client to [::1]:2 (tcp6)", "client to `host`:514 (network)",
    ]  # fmt: skip
    assert survivals("syslog-ng", text) == ["safe", "safe", "not judged"]


def test_cures() -> None:
    text = (
        NEW + "source s { tcp(so-keepalive(no)\n  port(1)\n); tcp(); network(so-keepalive()); };\n"
    )
    with pytest.raises(InputError, match=r"0\.conf:5: so-keepalive: '' is not accepted here"):
        read("syslog-ng", text)
    (done,) = cured("syslog-ng", text.replace("so-keepalive()", "tcp-keepalive-time(7200)"))
    assert (
        "tcp(so-keepalive(yes)\n  port(1) tcp-keepalive-time(175) tcp-keepalive-intvl(75) "
        "tcp-keepalive-probes(9)\n); tcp(); network(tcp-keepalive-time(175) so-keepalive(yes) "
    ) in done
    (done,) = cured("syslog-ng", NEW + 'source s { tcp(so-keepalive("off")); };')
    assert "tcp(so-keepalive(yes) tcp-keepalive-time(175)" in done


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source s {\n network(port(1);\n", "2: network ( without its end"),
        ("source s {\n network(port(1));\n", "1: source s { without its end"),
        ("}\n", "1: a } without its {"),
        ("source s {\n tcp()};\n)", "3: a ) without its ("),
        ('source s {\n tcp("a\n', "2: a string without an end"),
        ("source s {\n tcp(tcp-keepalive-time(5m)); };", "2: tcp-keepalive-time: '5m' is not"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("syslog-ng", text)
    assert f"0.conf:{message}" in str(error.value)


def test_deep_nesting_is_read() -> None:
    text = "source s { " + "a(" * 20_000 + ")" * 20_000 + "; tcp(); };"
    assert len(read("syslog-ng", NEW + text)) == 1


def test_no_form_of_a_file_makes_it_crash() -> None:
    check_hostile(
        "syslog-ng",
        NEW + 'destination d { network("h" port(514) so-keepalive(yes) # {\n) ; };\n'
        "source s { tcp(tcp-keepalive-time(9)); };\n",
    )
