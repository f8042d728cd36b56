"""A fault that changes while it lasts: played to its end, or ended in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from halfopen.model.history import Record
from halfopen.model.plan import PlannedStep
from halfopen.ports import Fault, Lab, ProgramSpec, Vocabulary
from halfopen.runner.conditions import Conditions
from halfopen.runner.injection import Injector
from halfopen.verbs import SetLink, Verb

PAIR = ("a", "b")


class Once(Fault):
    name = "once"
    summary = "down, and up again"
    uses = (SetLink,)

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

    async def apply(self, verb: Verb) -> list[str]:
        assert isinstance(verb, SetLink)
        self.begun.append(verb.up)
        await asyncio.sleep(self.slow)
        self.done.append(verb.up)
        return []


def renew(host: str, options: Mapping[str, Any]) -> ProgramSpec:
    raise AssertionError("no fault here starts a program")


async def play(lab: SlowLab, name: str, after: float, *, ends: str = "", **more: Any) -> list[str]:
    records: list[Record] = []
    vocabulary = Vocabulary({}, {}, {"flap": Flap, "once": Once}, {})
    injector = Injector(cast(Lab, lab), vocabulary, Conditions(), records.append, renew)
    args = {"name": name, "params": {"after": after}, "lasts": 0.0, "stays": False, **more}
    await injector.begin(PlannedStep("fault", name, args))
    if ends == "step":
        await injector.heal(name)
    await injector.heal_all()
    injector.abandon()
    assert injector.failure is None
    return [str(record.get("state")) for record in records]


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
