"""Every fault and every check has its effect on virtual time, or is *unsupported* with a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from halfopen.checkers import all_checks
from halfopen.faults import all_faults
from halfopen.labs.warp.lab import LAB
from halfopen.model.history import read_history
from halfopen.model.records import EffectRecord
from halfopen.runner.apart import play_apart
from halfopen.runner.play import Player
from halfopen.runner.requirements import check_needs, fault_needs
from halfopen.scenario import load_scenario, make_plans
from halfopen.vocabulary import default_vocabulary
from tests.lab.crashes import SOAK
from tests.lab.test_python_faults import KINDS, Kind

pytestmark = [pytest.mark.lab, pytest.mark.warp]

FAULTS = {
    name: (kind, params)
    for kind in KINDS.values()
    for name, params in kind.faults
    if name != "start"
}
BEFORE: Mapping[str, list[Mapping[str, Any]]] = {
    "resume": [{"fault": "pause", "at": "receiver"}, {"wait": "1 s"}],
    "torn write": [{"fault": "kill", "at": "sender"}],
}
# A limit that a program comes to.
TIGHT: Mapping[str, Mapping[str, Any]] = {
    "fd limit": {"limit": 8},
    "memory limit": {"limit": "1 MiB"},
}
# Those that need something of the guest that others do not; the rest is played in make soak.
SHORT = ("clock step", "delay", "disk full", "dns failure", "fd limit", "read-only disk")


def _scenario(name: str, kind: Kind, params: Mapping[str, Any]) -> str:
    """Messages before and during the fault, large segments and small; and a new connection."""
    stays = {"stays": True} if all_faults()[name].heals() else {}
    steps: list[Mapping[str, Any]] = [
        {"send": "5 messages"},
        {"wait until": "5 delivered"},
        *BEFORE.get(name, []),
        {"fault": name, **params, **stays},
    ]
    if name not in ("kill", "torn write"):
        steps += [
            {"send": "100 messages", "every": "100 ms", "background": True},
            {"wait": "15 s"},
            {"send": "500 messages", "background": True},
        ]
    if params.get("at") != "receiver" and name != "restart":
        steps += [{"wait": "15 s"}, {"fault": "restart", "at": "receiver"}]
    steps.append({"wait": "2 min"})
    return json.dumps(  # JSON is YAML
        {
            "scenario": name,
            "hosts": {**kind.hosts, "sender": {**kind.hosts["sender"], "to by name": True}},
            "path": ["sender", kind.middle, "receiver"],
            "steps": steps,
            "expect": [{"delivery": {"corrupted": 0}}],
        }
    )


@pytest.mark.parametrize("name", list(FAULTS) if SOAK else SHORT)
def test_a_fault_has_its_effect(name: str, tmp_path: Path) -> None:
    if problems := LAB.missing():
        pytest.skip(f"needs the warp lab: {'; '.join(problems)}")
    kind, params = FAULTS[name]
    params = {**params, **TIGHT.get(name, {})}
    file = tmp_path / "s.scenario.yaml"
    file.write_text(_scenario(name, kind, params))
    vocabulary = default_vocabulary()
    (plan,) = make_plans(load_scenario(file, vocabulary), lab=LAB, scale=None, seed=0)
    player = Player(plan, vocabulary, tmp_path / "run")
    assert LAB.loop is not None
    asyncio.run(play_apart(LAB.loop, lambda: player.play(LAB)))
    history = read_history(tmp_path / "run")
    assert history.end is not None
    # A sender whose disk is read-only takes no more messages.
    assert history.end["reason"] in ("complete", "unmet"), history.end
    (effect,) = [each for each in history.of(EffectRecord) if each["name"] == name][:1]
    assert sum(effect["touched"].values()) > 0, effect


def test_every_fault_is_played() -> None:
    assert FAULTS.keys() == all_faults().keys()


def test_what_is_unsupported_is_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/warp.md").read_text()
    section = page.partition("## What it cannot show")[2].partition("\n## ")[0]
    faults = [name for name, each in all_faults().items() if set(each.uses) - LAB.verbs]
    checks = [name for name in all_checks() if check_needs(name, LAB)]
    assert [f"fault `{name}`" in section for name in faults] == [True] * len(faults)
    assert checks == ["cpu"]
    assert "the check `cpu` is *unsupported*" in section
    for name in faults:
        assert fault_needs(all_faults()[name].model_construct(), LAB)
