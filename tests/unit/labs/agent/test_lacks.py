"""A machine that lacks what a fault needs says so, with the package; it never passes."""

from __future__ import annotations

import ctypes.util
import os
from pathlib import Path

import pytest

from halfopen.labs import all_labs
from halfopen.labs.agent.actions import all_actions, clocks, disks
from halfopen.labs.netns.lab import LAB
from halfopen.labs.warp.lab import LAB as WARP
from halfopen.packet_faults.block import Block
from halfopen.runner.requirements import demands, needs
from halfopen.scenario import load_scenario, make_plans
from halfopen.verbs import EndPacketFault, FillDisk, SetDiskReadOnly, SlowDisk, StepClock
from halfopen.vocabulary import default_vocabulary

FAULTS = Path(__file__).parents[4] / "scenarios" / "faults"


def test_without_libfaketime_no_clock_can_be_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clocks, "_PLACES", (str(tmp_path),))
    assert "install the package libfaketime" in " ".join(LAB.lacks(StepClock))
    vocabulary = default_vocabulary()
    scenario = load_scenario(FAULTS / "clock-step.scenario.yaml", vocabulary)
    plan = make_plans(scenario, lab=all_labs()["netns"], scale=None, seed=1)[0]
    reason = needs(plan, vocabulary, LAB)
    assert reason is not None and "'clock step' is not supported here" in reason
    library = tmp_path / "lib/x/faketime" / clocks._LIBRARY
    library.parent.mkdir(parents=True)
    library.touch()
    assert clocks.library() == library
    assert not LAB.lacks(StepClock)


@pytest.mark.parametrize("verb", [SlowDisk, SetDiskReadOnly])
def test_without_fuse_no_disk_is_slow_or_read_only(
    monkeypatch: pytest.MonkeyPatch, verb: type[SlowDisk] | type[SetDiskReadOnly]
) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    monkeypatch.setattr(os, "access", lambda *_: False)
    said = " ".join(disks.lacks_fuse())
    assert "install the package libfuse3-3" in said
    assert "/dev/fuse" in said
    assert LAB.lacks(verb) == disks.lacks_fuse()
    assert WARP.lacks(verb) == disks.lacks_library() != [], "a guest has its own /dev/fuse"
    assert not LAB.lacks(FillDisk), "a full disk needs nothing but tmpfs"


def test_a_plan_says_what_it_will_ask_of_each_host() -> None:
    vocabulary = default_vocabulary()
    scenario = load_scenario(FAULTS / "disk-full.scenario.yaml", vocabulary)
    plans = make_plans(scenario, lab=all_labs()["netns"], scale=None, seed=1)
    wanted = {plan.variant: demands(plan, vocabulary) for plan in plans}
    assert wanted["sender"] == {
        "sender": {FillDisk},
        "firewall": {Block, EndPacketFault},
    }
    assert wanted["receiver"]["receiver"] == {FillDisk}


def test_each_action_is_found_by_its_verb() -> None:
    assert all(action.verb is verb for verb, action in all_actions().items())
    assert set(all_actions()) == LAB.verbs
