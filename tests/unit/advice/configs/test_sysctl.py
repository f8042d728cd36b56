"""sysctl.conf: the timers of sockets that set none."""

from __future__ import annotations

import pytest

from halfopen.advice.config_files import config_readers
from halfopen.advice.config_model import ConfiguredTimers, Sysctls
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, sources


def system(*texts: str) -> Sysctls:
    found = config_readers()["sysctl"].system(sources(texts))
    assert found is not None
    return found


def test_what_is_set_last_counts_and_the_rest_is_the_kernels() -> None:
    text = "# mine\nnet.ipv4.tcp_keepalive_time = 600\n-net/ipv4/tcp_keepalive_intvl=30\n"
    assert system(text) == Sysctls(ConfiguredTimers(600, 30, 9))
    assert system(text, "net.ipv4.tcp_keepalive_time=900\nvm.swappiness = 1\n") == Sysctls(
        ConfiguredTimers(900, 30, 9)
    )
    assert system("net.ipv4.tcp_retries2 = 8").retries2 == 8


def test_a_name_that_is_only_excluded_sets_nothing() -> None:
    assert system("-net.ipv4.tcp_keepalive_time\n") == Sysctls()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nnet.ipv4.tcp_keepalive_time = soon", "0.conf:2: net.ipv4.tcp_keepalive_time: 'soon'"),
        ("net.ipv4.tcp_keepalive_probes = 300", "use a whole number from 0 to 255"),
        ("net.ipv4.tcp_keepalive_time = 0", "use at least 1"),
        ("net.ipv4.tcp_keepalive_time", "write net.ipv4.NAME = VALUE"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        system(text)
    assert message in str(error.value)


def test_a_socket_without_timers_is_judged_and_cured() -> None:
    (found,) = judge("sysctl", "vm.swappiness = 1\n", system=system("vm.swappiness = 1\n"))
    assert found.survival == "unsafe"
    assert "keepalive 7200/75/9" in found.why
    assert found.diff.endswith(
        "+net.ipv4.tcp_keepalive_time = 175\n+net.ipv4.tcp_keepalive_intvl = 75\n"
        "+net.ipv4.tcp_keepalive_probes = 9"
    )


def test_timers_beyond_the_model_are_not_judged() -> None:
    text = "net.ipv4.tcp_keepalive_time = 86400\n"
    (found,) = judge("sysctl", text, system=system(text))
    assert found.survival == "not judged"
    assert "the kernel takes 1 to 32767" in found.why


def test_other_products_get_its_timers() -> None:
    (found,) = judge("postgresql", "port = 5432\n", system=Sysctls(ConfiguredTimers(120, 30, 9)))
    assert found.survival == "safe"
    assert "keepalive 120/30/9 (idle time, interval, number of probes: the system's)" in found.why
    assert cured("postgresql", "port = 5432\n") != ["port = 5432\n"]
