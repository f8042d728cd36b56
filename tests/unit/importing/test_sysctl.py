"""Output of `sysctl -a`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.importing.reading import read, refused
from tests.unit.importing.texts import SYSCTL, cut


def test_the_timers_and_where_they_were_read(tmp_path: Path) -> None:
    found = read(tmp_path, sysctl=SYSCTL).settings
    assert {name.rpartition(".")[2]: each.value for name, each in found.items()} == {
        "tcp_keepalive_intvl": 75,
        "tcp_keepalive_probes": 5,
        "tcp_keepalive_time": 7200,
        "tcp_retries2": 8,
        "nf_conntrack_tcp_timeout_established": 3600,
    }
    assert found["net.ipv4.tcp_keepalive_time"].where == f"{tmp_path}/sysctl:5"


def test_a_file_of_settings_is_read_as_well(tmp_path: Path) -> None:
    text = "# ours\n-net/ipv4/tcp_keepalive_time=600\n; end\n"
    found = read(tmp_path, sysctl=text).settings
    assert found["net.ipv4.tcp_keepalive_time"].value == 600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (cut(SYSCTL, 5, 9), "sysctl:5: the file seems cut in this line: no name = value in"),
        (cut(SYSCTL, 5, 9), "understood before it: 2 settings; write it with `sysctl -a`"),
        ("net.ipv4.tcp_retries2 = many\n", "the value of net.ipv4.tcp_retries2 is not a whole"),
        ("net.ipv4.tcp_retries2 =\n", "the value of net.ipv4.tcp_retries2 is not a whole number"),
        ("kernel.ostype = Linux\n", "nothing in this file is understood"),
    ],
)
def test_what_is_not_of_sysctl_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, sysctl=text)
