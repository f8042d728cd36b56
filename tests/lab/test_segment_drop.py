"""The fault `segment drop` on both engines: what it drops, and how many of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.api import open_lab
from halfopen.model.history import read_history
from halfopen.model.records import EffectRecord
from halfopen.model.topology import Family
from halfopen.model.verdict import Verdict

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

ENGINES = ["conntrack", "userspace"]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_segments_of_data_are_sent_again_and_no_other_is_dropped(
    tmp_path: Path, engine: str, family: Family
) -> None:
    with open_lab(tmp_path, scale=10) as lab:
        firewall = lab.middlebox("firewall", "fortigate", engine=engine)
        lab.path("client", firewall, "server", family=family)
        lab.run("server", "tcp server")
        lab.run("client", "tcp client", to="server")
        fault = lab.fault("segment drop", at="firewall", towards="server", only="data", first=3)
        lab.send("client", 5)
        lab.wait("2 min")
        fault.heal()
        assert lab.check("delivery", lost=0).verdict is Verdict.PASS
        assert lab.check("connections", at="client", opened=1).verdict is Verdict.PASS
    (effect,) = read_history(tmp_path).of(EffectRecord)
    assert effect["touched"] == {"packets": 3}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["syn", "syn-ack"])
def test_handshakes_wait_for_the_third_segment(tmp_path: Path, engine: str, kind: str) -> None:
    with open_lab(tmp_path, scale=10) as lab:
        firewall = lab.middlebox("firewall", "fortigate", engine=engine)
        lab.path("client", firewall, "server")
        lab.run("server", "tcp server")
        fault = lab.fault("segment drop", at="firewall", only=kind, first=2)
        lab.run("client", "tcp client", to="server")
        lab.send("client", 5)
        lab.wait("1 min")
        fault.heal()
        assert lab.check("delivery", lost=0).verdict is Verdict.PASS
    (effect,) = read_history(tmp_path).of(EffectRecord)
    assert effect["touched"] == {"packets": 2}
