"""syslog-ng as a system: its configuration, and where it is looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext
from halfopen.products import syslog_ng
from halfopen.systems import all_systems

CONTEXT = SystemContext(
    host="node",
    address="198.18.1.1",
    addresses={"node": "198.18.1.1", "server": "198.18.2.2"},
    directory="/disk",
    seed=1,
    ledger_directory="/notes",
)


def program(system: str, **options: Any) -> ProgramSpec:
    spec = all_systems()[system]
    given = spec.model_validate({key.replace("_", " "): v for key, v in options.items()})
    given = spec.model_validate(given.model_dump(mode="json"))
    (found,) = given.programs(CONTEXT)
    return found


def configuration(found: ProgramSpec) -> str:
    return found.files[f"/notes/{found.name}.conf"]


def test_it_forwards_what_it_reads_from_a_socket() -> None:
    found = program("syslog-ng send", to="server", port=5140)
    assert found.feed == Feed("unix datagram", "/run/halfopen-node.log")
    assert found.ready == Ready(exists="/run/halfopen-node.log")
    assert 'network("198.18.2.2" port(5140) transport("tcp")' in configuration(found)


def test_it_writes_what_it_receives() -> None:
    found = program("syslog-ng receive", port=5140, max_connections=3)
    assert (found.output, found.ready) == ("/disk/messages", Ready(listening=5140))
    assert 'file("/disk/messages" template("${MSG}\\n"))' in configuration(found)
    assert "max-connections(3)" in configuration(found)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ({}, "so-keepalive(yes) tcp-keepalive-time(60) tcp-keepalive-intvl(10)"),
        ({"keepalive": "off"}, "so-keepalive(no)"),
        (
            {"keepalive": {"idle": "30 min", "interval": "75 s", "probes": 9}},
            "tcp-keepalive-time(1800) tcp-keepalive-intvl(75) tcp-keepalive-probes(9)",
        ),
    ],
)
def test_keepalive_is_its_own_unless_a_scenario_says_otherwise(
    said: dict[str, Any], written: str
) -> None:
    assert written in configuration(program("syslog-ng receive", **said))
    assert written in configuration(program("syslog-ng send", to="server", **said))


def test_one_that_was_unpacked_is_told_where_its_libraries_are(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/syslog-ng/3.38").mkdir(parents=True)
    binary = str(tmp_path / "usr/sbin/syslog-ng")
    assert syslog_ng.environment(binary) == {"LD_LIBRARY_PATH": str(tmp_path / "usr/lib/syslog-ng")}
    assert syslog_ng.environment("/usr/sbin/syslog-ng") == {}


def test_without_it_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog_ng, "version", lambda: None)
    (said,) = syslog_ng.missing()
    assert "apt-get install syslog-ng-core" in said
