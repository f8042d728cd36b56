"""Every fault has the same effect, whether a scenario injects it or Python does.

A run of each kind plays the same faults one after another in the same lab; what the lab was told,
and what became of it, must be the same.  A fault that exists and is in no list fails a test here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from halfopen.api import OpenLab, open_lab, opening
from halfopen.faults import all_faults
from halfopen.labs import all_labs
from halfopen.labs.netns.lab import LAB, NetnsLab
from halfopen.model.effects import Touched
from halfopen.model.history import read_history
from halfopen.model.records import EffectRecord, FaultRecord, Recorder
from halfopen.ports import Lab, LabSpec
from halfopen.runner.play import Player
from halfopen.scenario import load_scenario, make_plans
from halfopen.verbs import Verb, verb_to_json
from halfopen.vocabulary import default_vocabulary

pytestmark = [
    pytest.mark.lab,
    pytest.mark.usefixtures("netns"),
    pytest.mark.timeout(240),
]

RELP = {
    "sender": {"run": "relpio send", "to": "receiver", "backoff": "1 s", "queue": "disk"},
    "receiver": {"run": "relpio receive"},
}
FORTIGATE = {"profile": "fortigate"}
NAT = {"profile": "fortigate", "nat": "source", "engine": "userspace"}
PROXY = {"run": "toxiproxy", "forwards": "receiver", "port": 2514}
THROUGH = {
    "sender": {"run": "relpio send", "to": "proxy", "backoff": "1 s"},
    "receiver": {"run": "relpio receive"},
}
LINK = ["firewall", "receiver"]


@dataclass(frozen=True)
class Kind:
    """Faults that one lab can have, one after another.

    Attributes:
        hosts: as in a scenario.
        middle: the host between sender and receiver.
        faults: name and parameters; `start` and `stop` stand for those steps.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    middle: str
    faults: Sequence[tuple[str, Mapping[str, Any]]]


KINDS = {
    "network": Kind(
        {**RELP, "firewall": FORTIGATE},
        "firewall",
        [
            ("forget flows", {"at": "firewall"}),
            ("silent drop", {"at": "firewall", "towards": "sender"}),
            ("reject", {"at": "firewall"}),
            ("connect failure", {"at": "firewall", "with": "reset"}),
            ("loss", {"at": "firewall", "share": "5 %"}),
            ("mtu black hole", {"at": "firewall", "mtu": 1280}),
            ("segment drop", {"at": "firewall", "only": "data"}),
            ("table full", {"at": "firewall"}),
            ("idle timeout", {"at": "firewall", "becomes": "30 min"}),
            ("reboot", {"at": "firewall", "state": "lost"}),
            ("failover", {"at": "firewall", "takes": "200 ms"}),
            ("link down", {"between": LINK}),
            ("link flap", {"between": LINK, "down": "100 ms", "up": "100 ms", "times": 2}),
            ("partition", {"between": LINK}),
            ("route loss", {"at": "sender", "towards": "receiver"}),
        ],
    ),
    "userspace": Kind(
        {**RELP, "firewall": NAT},
        "firewall",
        [
            ("nat rebinding", {"at": "firewall"}),
            ("delay", {"at": "firewall", "by": "20 ms"}),
            ("jitter", {"at": "firewall", "around": "20 ms", "by": "10 ms"}),
            ("reordering", {"at": "firewall", "share": "20 %", "by": "5 ms"}),
            ("duplication", {"at": "firewall", "share": "20 %"}),
            ("corruption", {"at": "firewall", "share": "5 %"}),
            ("rate", {"at": "firewall", "limit": "1 MB/s"}),
        ],
    ),
    "programs": Kind(
        {**RELP, "firewall": FORTIGATE},
        "firewall",
        [
            ("fd limit", {"at": "receiver", "limit": 30}),
            ("memory limit", {"at": "receiver", "limit": "1 GiB"}),
            ("pause", {"at": "receiver"}),
            ("resume", {"at": "receiver"}),
            ("backlog full", {"at": "receiver"}),
            ("dns failure", {"at": "sender", "with": "refused"}),
            ("misbehaving receiver", {"at": "receiver", "does": "closes at once"}),
            ("restart", {"at": "receiver"}),
            ("upgrade", {"at": "receiver", "options": {"keepalive": "off"}}),
            ("kill", {"at": "sender"}),
            ("power loss", {"at": "receiver"}),
            ("torn write", {"at": "sender", "file": "**/*.seg"}),
            ("start", {"at": "sender"}),
        ],
    ),
    "a balancer": Kind(
        {**RELP, "firewall": {**FORTIGATE, "nat": "destination", "pool": ["receiver"]}},
        "firewall",
        [("drain", {"at": "firewall", "server": "receiver"})],
    ),
    "disks and clocks": Kind(
        {**RELP, "firewall": FORTIGATE},
        "firewall",
        [
            ("disk full", {"at": "sender"}),
            ("clock step", {"at": "sender", "by": "1 h"}),
        ],
    ),
    "weak disks": Kind(
        {**RELP, "firewall": FORTIGATE},
        "firewall",
        [
            ("slow disk", {"at": "sender", "by": "50 ms"}),
            ("read-only disk", {"at": "sender"}),
        ],
    ),
    "proxy": Kind(
        {**THROUGH, "proxy": PROXY},
        "proxy",
        [
            ("toxic latency", {"at": "proxy", "latency": "20 ms"}),
            ("toxic bandwidth", {"at": "proxy", "rate": "64 kB/s"}),
            ("toxic slow close", {"at": "proxy", "delay": "100 ms"}),
            ("toxic timeout", {"at": "proxy", "timeout": "1 s"}),
            ("toxic reset peer", {"at": "proxy", "timeout": "1 s"}),
            ("toxic slicer", {"at": "proxy", "average size": "64 bytes"}),
            ("toxic limit data", {"at": "proxy", "limit": "2 KiB"}),
            ("proxy down", {"at": "proxy"}),
        ],
    ),
}


class ListeningLab(NetnsLab):
    """The netns lab; takes note of what it is told to do."""

    told: list[dict[str, Any]]

    async def apply(self, verb: Verb) -> Touched:
        self.told.append(verb_to_json(verb))
        return await super().apply(verb)


def listening(told: list[dict[str, Any]]) -> LabSpec:
    def opened(directory: Path, token: str, record: Recorder) -> Lab:
        lab = ListeningLab(directory, token, record)
        lab.told = told
        return cast(Lab, lab)

    return replace(LAB, open=opened)


def heals(name: str) -> bool:
    return name in all_faults() and all_faults()[name].heals()


def scenario_of(kind: Kind) -> str:
    steps: list[dict[str, Any]] = [{"send": "1 message"}, {"wait until": "1 delivered"}]
    for name, params in kind.faults:
        if name == "start":
            steps.append({"start": params["at"]})
            continue
        steps.append({"fault": name, **params, **({"stays": True} if heals(name) else {})})
        if heals(name):
            steps.append({"heal": name})
        elif all_faults()[name].schedule is not all_faults()["kill"].schedule:
            steps.append({"wait": "1 s"})  # it ends by itself
    expect = [{"delivery": {"corrupted": 0}}]
    path = ["sender", kind.middle, "receiver"]
    # JSON is YAML.
    return json.dumps(
        {"scenario": "faults", "hosts": kind.hosts, "path": path, "steps": steps, "expect": expect}
    )


def from_a_scenario(kind: Kind, directory: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    file = directory / "faults.scenario.yaml"
    file.write_text(scenario_of(kind))
    vocabulary = default_vocabulary()
    (plan,) = make_plans(load_scenario(file, vocabulary), lab=all_labs()["netns"], scale=1, seed=0)
    asyncio.run(Player(plan, vocabulary, directory / "run").play(listening(told)))
    history = read_history(directory / "run")
    assert history.complete, history.records[-1]
    effects = list(history.of(EffectRecord))
    injected = [name for name, _ in kind.faults if name != "start"]
    assert sorted(each["name"] for each in effects) == sorted(injected)
    for each in effects:
        assert set(each["touched"]) == set(all_faults()[each["name"]].touches)
    return told


def build(lab: OpenLab, kind: Kind) -> None:
    values = dict(kind.hosts[kind.middle])
    middle: Any = kind.middle
    if "profile" in values:
        overrides = {key.replace(" ", "_"): value for key, value in values.items()}
        middle = lab.middlebox(kind.middle, overrides.pop("profile"), **overrides)
    lab.path("sender", middle, "receiver", faults=[n for n, _ in kind.faults if n != "start"])
    order = ["receiver", *([kind.middle] if "run" in values else []), "sender"]
    for host in order:
        options = {key.replace(" ", "_"): value for key, value in kind.hosts[host].items()}
        lab.run(host, options.pop("run"), **options)


def from_python(
    kind: Kind, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(opening, "lab_named", lambda _: listening(told))
    with open_lab(directory) as lab:
        build(lab, kind)
        lab.send("sender", 1)
        lab.settle(30)
        for name, params in kind.faults:
            if name == "start":
                lab.start(params["at"])
                continue
            given = {
                {"with": "with_"}.get(key, key.replace(" ", "_")): value
                for key, value in params.items()
            }
            fault = lab.fault(name, **given)
            if heals(name):
                fault.heal()
            else:
                fault.played()
    return told


def comparable(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a lab was told, apart from where a run's files lie."""
    found = []
    for verb in told:
        if verb.get("program"):
            argv = [word for word in verb["program"]["argv"] if "/" not in word]
            verb = {**verb, "program": argv}
        found.append(verb)
    return found


@pytest.mark.parametrize("name", list(KINDS))
def test_a_fault_is_the_same_from_python_and_from_a_scenario(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    verbs = {
        verb for fault, _ in kind.faults if fault != "start" for verb in all_faults()[fault].uses
    }
    if lacking := sorted({remedy for verb in verbs for remedy in LAB.lacks(verb)}):
        pytest.skip("; ".join(lacking))
    (tmp_path / "scenario").mkdir()
    scenario = from_a_scenario(kind, tmp_path / "scenario")
    python = from_python(kind, tmp_path / "python", monkeypatch)
    assert comparable(python) == comparable(scenario)
    assert len({json.dumps(each) for each in scenario}) >= len(kind.faults) - 1
    # And what Python leaves is a history like any other: each fault has its end.
    history = read_history(tmp_path / "python")
    states = [(record["name"], record["state"]) for record in history.of(FaultRecord)]
    for fault in (fault for fault, _ in kind.faults if fault != "start"):
        assert (fault, "begin") in states
        assert (fault, "end") in states


def test_every_fault_is_in_a_list() -> None:
    listed = {name for kind in KINDS.values() for name, _ in kind.faults} - {"start"}
    assert listed == set(all_faults())
