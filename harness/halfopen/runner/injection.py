"""Begins and ends the faults of a plan: at once, after a time, or on a condition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from halfopen.model.records import ConditionRecord
from halfopen.model.steps import PlannedInject, PlannedWaitUntil
from halfopen.ports import Vocabulary
from halfopen.runner.conditions import UnmetError
from halfopen.runner.injected import Injected
from halfopen.runner.stage import Stage
from halfopen.scenario.conditions import parse_condition


@dataclass(eq=False)
class _Begun:
    """A fault of a step, and what will heal it."""

    injected: Injected
    step: PlannedInject
    healing: asyncio.Task[None] | None = None


class FaultSteps:
    """The fault steps of one run.

    Args:
        stage: on which the run is played.
        vocabulary: knows the faults.
    """

    def __init__(self, stage: Stage, vocabulary: Vocabulary) -> None:
        self._stage = stage
        self._vocabulary = vocabulary
        self._begun: list[_Begun] = []
        self._armed: set[asyncio.Task[None]] = set()

    async def begin(self, step: PlannedInject) -> None:
        """Do a `fault` step: inject it, now or when its condition is met.

        Raises:
            UnmetError: if the condition was not met in time.
        """
        if step.when is None:
            await self._inject(step)
        elif step.background:
            self._armed.add(self._stage.spawn(self._inject_when(step, step.when)))
        else:
            await self._inject_when(step, step.when)

    async def heal(self, name: str) -> None:
        """End every fault of that name that is open."""
        for each in [b for b in self._begun if b.injected.fault.name == name]:
            if each.healing is not None and not each.injected.being_healed:
                each.healing.cancel()
            await each.injected.heal()

    async def heal_all(self) -> None:
        """Heal before judging: what is judged is the lasting damage, not that there is some.

        A fault that waits for its condition is waited for; one that has a time or a condition for
        its end keeps it; one that `stays` is judged as it is.
        """
        if self._armed:
            await asyncio.wait(self._armed)
        for each in self._begun:
            if each.healing is not None and each.injected.open:
                await asyncio.wait([each.healing])
            elif not each.step.stays:
                await each.injected.played()
                await each.injected.heal()

    async def give_up(self) -> None:
        """Heal now whatever does not `stay`; what waits for a condition never begins."""
        for task in self._armed:
            task.cancel()
        for each in self._begun:
            if each.healing is not None and not each.injected.being_healed:
                each.healing.cancel()
            if not each.step.stays:
                await each.injected.heal()

    async def reach(self, text: str, step: PlannedInject | PlannedWaitUntil) -> None:
        """Wait until the condition `text` of a step is met, and record that.

        Raises:
            UnmetError: if it was not met in time.
        """
        condition = parse_condition(text)
        conditions, note = self._stage.conditions, self._stage.note
        mark: ConditionRecord = {
            "kind": "condition",
            "text": text,
            "step": step.text,
            "line": step.line,
            "state": "waiting",
            "figure": conditions.figures.value(condition),
        }
        note(mark)
        try:
            value = await conditions.reach(condition, step.at_most)
        except UnmetError as error:
            figure = conditions.figures.value(condition)
            note({**mark, "state": "unmet", "figure": figure})
            raise UnmetError(f"line {step.line}: {error}") from None
        note({**mark, "state": "met", "figure": value})

    async def _inject_when(self, step: PlannedInject, when: str) -> None:
        await self.reach(when, step)
        await self._inject(step)

    async def _inject(self, step: PlannedInject) -> None:
        ends = bool(step.lasts) or step.until is not None
        injected = await self._stage.inject(
            self._vocabulary.faults[step.name].model_validate(step.params),
            text=step.text,
            line=step.line,
            options=step.options,
            ends_later=ends or step.stays,
            may_miss=step.may_miss,
        )
        begun = _Begun(injected, step)
        self._begun.append(begun)
        if injected.open and ends:
            begun.healing = self._stage.spawn(self._heal_later(begun))

    async def _heal_later(self, begun: _Begun) -> None:
        step = begun.step
        if step.until is not None:
            await self.reach(step.until, step)
        else:
            await asyncio.sleep(step.lasts)
        await begun.injected.heal()
