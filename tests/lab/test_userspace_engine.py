"""The userspace engine in a lab: it is chosen where it must be, and missed when it is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from halfopen.api import open_lab
from halfopen.errors import LabError, UnsupportedError
from halfopen.model.history import read_history
from halfopen.model.records import EngineRecord

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]


def _engines(under: psutil.Process) -> list[psutil.Process]:
    found = []
    for process in under.children(recursive=True):
        try:
            if "halfopen.labs.forwarder" in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize(
    ("overrides", "engine"),
    [
        ({}, "conntrack"),
        ({"keepalive_refreshes": False}, "userspace"),
        ({"on_expiry": "fin"}, "userspace"),
        ({"table_size": 10, "eviction": "oldest"}, "userspace"),
        ({"engine": "userspace"}, "userspace"),
    ],
)
def test_the_engine_is_the_first_that_can(
    tmp_path: Path, overrides: dict[str, object], engine: str
) -> None:
    with open_lab(tmp_path, scale=600) as lab:
        lab.path("sender", lab.middlebox("firewall", "fortigate", **overrides), "receiver")
    (record,) = read_history(tmp_path).of(EngineRecord)
    assert record["engine"] == engine


def test_what_the_wanted_engine_cannot_do_is_unsupported(tmp_path: Path) -> None:
    with open_lab(tmp_path, scale=600) as lab:
        box = lab.middlebox("firewall", "fortigate", on_expiry="fin", engine="conntrack")
        with pytest.raises(UnsupportedError, match="conntrack"):
            lab.path("sender", box, "receiver")


def test_a_run_whose_middlebox_died_is_no_run(tmp_path: Path) -> None:
    with (
        pytest.raises(LabError, match="the engine of firewall has ended"),
        open_lab(tmp_path, scale=600) as lab,
    ):
        box = lab.middlebox("firewall", "fortigate", engine="userspace")
        lab.path("sender", box, "receiver")
        (engine,) = _engines(psutil.Process(os.getpid()))
        engine.send_signal(signal.SIGKILL)
