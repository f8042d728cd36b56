"""rsyslog of another Debian release: which program that is, what it can, and if it is not there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from halfopen.ports import ProgramSpec, System, SystemContext
from halfopen.products.rsyslog.releases import Release, rsyslogd
from halfopen.systems import all_systems

KEEPALIVE = {"idle": "30 min", "interval": "75 s", "probes": 9}
SCRIPT = Path(__file__).parents[3] / ".ci" / "rsyslog-releases"


def options(system: str, **given: Any) -> System:
    words = {key.replace("_", " "): value for key, value in given.items()}
    return all_systems()[system].model_validate(words)


def program(system: str, **given: Any) -> ProgramSpec:
    addresses = {"node": "198.18.1.1", "server": "fd00:2::2"}
    context = SystemContext(
        "node", "198.18.1.1", addresses, "/disk", seed=1, ledger_directory="/notes"
    )
    (found,) = options(system, **given).programs(context)
    return found


@pytest.mark.parametrize("release", get_args(Release))
def test_the_script_unpacks_what_a_scenario_can_name(release: str) -> None:
    names = SCRIPT.read_text(encoding="utf-8").partition('releases="')[2].partition('"')[0]
    assert release.split()[1] in [word.partition(":")[0] for word in names.split()]


def test_it_is_started_instead_of_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/venv")
    found = program("rsyslog receive", release="debian 13")
    assert found.argv[0] == "/venv/rsyslog/debian-13/rsyslogd"


def test_one_that_was_not_unpacked_is_missing_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    receive = all_systems()["rsyslog receive"]
    (said,) = receive.missing(options("rsyslog receive", release="debian 13"))
    assert ".ci/rsyslog-releases" in said
    path = rsyslogd("debian 13")
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    assert not receive.missing(options("rsyslog receive", release="debian 13"))


def test_a_release_and_a_binary_are_one_too_many() -> None:
    with pytest.raises(ValidationError, match="leave one out"):
        options("rsyslog send", to="server", release="debian 13", binary="/opt/rsyslogd")


def test_what_the_machines_rsyslog_may_not_know_is_for_releases_that_do() -> None:
    for kept in ({"keepalive": KEEPALIVE}, {"output": "omfwd", "user_timeout": "30 s"}):
        for old in ({}, {"release": "debian 13"}):
            with pytest.raises(ValidationError, match=r"from 8\.2608 on|keepalive before"):
                options("rsyslog send", to="server", **kept, **old)
        for new in ({"release": "debian 14"}, {"binary": "/opt/rsyslogd"}):
            assert options("rsyslog send", to="server", **kept, **new)
    with pytest.raises(ValidationError, match="only omfwd"):
        options("rsyslog send", to="server", user_timeout="30 s", release="debian 14")


def test_omfwd_takes_its_user_timeout_in_milliseconds() -> None:
    found = program(
        "rsyslog send", to="server", output="omfwd", user_timeout="30 s", release="debian 14"
    )
    assert 'tcp_user_timeout="30000"' in found.files["/notes/rsyslog-send.conf"]


@pytest.mark.parametrize(("output", "where"), [("omfwd", "@@"), ("omrelp", ":omrelp:")])
def test_an_ipv6_address_stands_in_brackets_before_its_port(output: str, where: str) -> None:
    found = program("rsyslog send", to="server", output=output, syntax="legacy")
    assert f"{where}[fd00:2::2]:2514" in found.files["/notes/rsyslog-send.conf"]
