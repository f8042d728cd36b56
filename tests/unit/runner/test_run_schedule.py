"""A fault that changes while it lasts: played to its end, or ended in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from halfopen.model.effects import NOTHING, Touched
from halfopen.model.records import Record
from halfopen.model.steps import PlannedInject
from halfopen.ports import Fault, Lab, LabSpec, Vocabulary
from halfopen.runner.effects import Effect
from halfopen.runner.injection import FaultSteps
from halfopen.runner.stage import Stage
from halfopen.verbs import SetLink, Verb

PAIR = ("a", "b")


class Once(Fault):
    name = "once"
    summary = "down, and up again"
    uses = (SetLink,)
    touches = ("links",)

    after: float = 0.05

    def verbs(self) -> Sequence[Verb]:
        return (SetLink(PAIR, up=False),)

    def schedule(self) -> Sequence[tuple[float, Verb]]:
        return ((self.after, SetLink(PAIR, up=True)),)


class Flap(Once):
    name = "flap"
    summary = "down, up and down again"

    def schedule(self) -> Sequence[tuple[float, Verb]]:
        return (*super().schedule(), (2 * self.after, SetLink(PAIR, up=False)))

    def heal(self) -> Sequence[Verb]:
        return (SetLink(PAIR, up=True),)


@dataclass
class SlowLab:
    """Notes what was begun and what was done."""

    slow: float = 0.0
    begun: list[bool] = field(default_factory=list)
    done: list[bool] = field(default_factory=list)

    async def apply(self, verb: Verb) -> Touched:
        assert isinstance(verb, SetLink)
        self.begun.append(verb.up)
        await asyncio.sleep(self.slow)
        self.done.append(verb.up)
        return Touched({"links": 1, "birds": 1})

    async def touched(self, verb: Verb) -> Touched:
        return NOTHING

    def now(self) -> float:
        return 0.0


LAB = LabSpec(
    name="slow",
    summary="notes what it is told",
    scaled=True,
    verbs=frozenset({SetLink}),
    missing=lambda: (),
    open=lambda *_: cast(Lab, None),
)


async def play(lab: SlowLab, name: str, after: float, *, ends: str = "", **more: Any) -> list[str]:
    records: list[Record] = []
    vocabulary = Vocabulary({}, {}, {"flap": Flap, "once": Once}, {})
    spec = replace(LAB, open=lambda *_: cast(Lab, lab))
    stage = Stage(spec, Path("unused"), "token", records.append, vocabulary)
    faults = FaultSteps(stage, vocabulary)
    await faults.begin(PlannedInject(name=name, params={"after": after}, text=name, **more))
    if ends == "step":
        await faults.heal(name)
    if ends == "twice":
        await asyncio.gather(faults.heal(name), faults.heal(name))
    await faults.heal_all()
    for injected in stage.faults:
        injected.abandon()
    stage.check_failure()
    return [str(record.get("state")) for record in records if record["kind"] == "fault"]


class Counting:
    """A lab of which a verb that goes on touches one link more each time that it is asked."""

    def __init__(self) -> None:
        self.asked: list[Verb] = []

    async def apply(self, verb: Verb) -> Touched:
        return Touched({"links": 10, "birds": 7}, goes_on=True)

    async def touched(self, verb: Verb) -> Touched:
        self.asked.append(verb)
        return Touched({"links": self.asked.count(verb)})


def test_what_its_verbs_touched_is_summed_up_in_its_own_units() -> None:
    async def count() -> None:
        lab, down = Counting(), SetLink(PAIR, up=False)
        effect = Effect(Flap(), lab.apply, lab.touched)
        await effect.apply(down)
        assert effect.touched == {"links": 10}
        await effect.look()
        await effect.apply(SetLink(PAIR, up=True))
        assert effect.touched == {"links": 21}
        await effect.look()
        assert effect.touched == {"links": 23}

    asyncio.run(count())


def test_it_is_played_to_its_end_and_healed_then() -> None:
    lab = SlowLab()
    assert asyncio.run(play(lab, "flap", 0.02)) == ["begin", "end"]
    assert lab.done == [False, True, False, True]


def test_what_has_nothing_to_heal_still_plays() -> None:
    lab = SlowLab()
    assert asyncio.run(play(lab, "once", 0.02)) == ["begin", "end"]
    assert lab.done == [False, True]


def test_a_step_ends_it_before_the_rest() -> None:
    lab = SlowLab()
    assert asyncio.run(play(lab, "flap", 3600.0, ends="step")) == ["begin", "end"]
    assert lab.done == [False, True]


def test_who_heals_it_twice_heals_it_once() -> None:
    lab = SlowLab(slow=0.02)
    assert asyncio.run(play(lab, "flap", 3600.0, ends="twice")) == ["begin", "end"]
    assert lab.done == [False, True]


def test_two_that_end_by_themselves_are_both_waited_for() -> None:
    async def scene() -> list[str]:
        records: list[Record] = []
        vocabulary = Vocabulary({}, {}, {"flap": Flap, "once": Once}, {})
        spec = replace(LAB, open=lambda *_: cast(Lab, SlowLab()))
        stage = Stage(spec, Path("unused"), "token", records.append, vocabulary)
        faults = FaultSteps(stage, vocabulary)
        for lasts in (0.04, 0.02):  # the one that ends first began last
            params = {"after": 60.0}
            await faults.begin(PlannedInject(name="flap", params=params, lasts=lasts, text="flap"))
        await faults.heal_all()
        stage.check_failure()
        return [str(record.get("state")) for record in records if record["kind"] == "fault"]

    assert asyncio.run(scene()) == ["begin", "begin", "end", "end"]


def test_a_time_ends_it_before_the_rest() -> None:
    lab = SlowLab()
    assert asyncio.run(play(lab, "flap", 3600.0, lasts=0.02)) == ["begin", "end"]
    assert lab.done == [False, True]


def test_one_that_stays_is_not_healed() -> None:
    lab = SlowLab()
    assert asyncio.run(play(lab, "flap", 3600.0, stays=True)) == ["begin"]
    assert lab.done == [False]


def test_what_is_under_way_is_done_before_it_is_undone() -> None:
    async def scene() -> SlowLab:
        lab = SlowLab(slow=0.05)
        # The time for the first change comes while that of the end does.
        await play(lab, "flap", 0.01, lasts=0.02)
        return lab

    lab = asyncio.run(scene())
    assert lab.begun == lab.done  # one after the other, never two at a time
    assert lab.done[-1] is True
