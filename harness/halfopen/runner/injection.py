"""Begins the faults of a run, at once or on a condition, and ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from halfopen.errors import HalfopenError
from halfopen.model.plan import PlannedStep
from halfopen.model.records import ConditionRecord, FaultRecord, Recorder
from halfopen.ports import Fault, Lab, ProgramSpec, Vocabulary
from halfopen.runner.conditions import Conditions, UnmetError
from halfopen.scenario.conditions import parse_condition
from halfopen.verbs import RestartProgram, Verb


@dataclass(eq=False)
class _OpenFault:
    """A fault that was injected and is yet to be healed."""

    fault: Fault
    step: PlannedStep
    healing: asyncio.Task[None] | None = None
    playing: asyncio.Task[None] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mark(self) -> FaultRecord:
        """The record of its begin."""
        return {
            "kind": "fault",
            "name": self.fault.name,
            "text": self.step.text,
            "line": self.step.line,
            "state": "begin",
        }


class Injector:
    """The faults of one run.

    Args:
        lab: that does the verbs.
        vocabulary: knows the faults.
        conditions: of the run.
        write: takes records without `t`.
        renew: gives a host other options, from now on; returns the program that it runs with them.
    """

    def __init__(
        self,
        lab: Lab,
        vocabulary: Vocabulary,
        conditions: Conditions,
        write: Recorder,
        renew: Callable[[str, Mapping[str, Any]], ProgramSpec],
    ) -> None:
        self._lab = lab
        self._vocabulary = vocabulary
        self._conditions = conditions
        self._write = write
        self._renew = renew
        self._open: list[_OpenFault] = []
        self._armed: set[asyncio.Task[None]] = set()
        self.failure: HalfopenError | None = None
        """What went wrong in the background."""

    async def begin(self, step: PlannedStep) -> None:
        """Do a `fault` step: inject it, now or when its condition is met.

        Raises:
            UnmetError: if the condition was not met in time.
        """
        if "when" not in step.args:
            await self._inject(step)
        elif step.args["background"]:
            self._armed.add(self._in_background(self._inject_when(step)))
        else:
            await self._inject_when(step)

    async def heal(self, name: str) -> None:
        """End every fault of that name that is open."""
        for fault in [f for f in self._open if f.fault.name == name]:
            await self._heal(fault)

    async def heal_all(self) -> None:
        """Heal before judging: the question is what is left of the damage, not that there is some.

        A fault that waits for its condition is waited for; one that has a time or a condition for
        its end keeps it; one that `stays` is judged as it is.
        """
        if self._armed:
            await asyncio.wait(self._armed)
        for fault in list(self._open):
            if fault.healing is not None:
                await asyncio.wait([fault.healing])
            elif not fault.step.args["stays"]:
                await self._heal(fault)

    def abandon(self) -> None:
        """Wait for nothing any more: the run is over, however it ended."""
        own = [task for f in self._open for task in (f.healing, f.playing)]
        for task in (*self._armed, *own):
            if task is not None:
                task.cancel()

    async def reach(self, text: str, at_most: float, step: PlannedStep) -> None:
        """Wait until the condition `text` of a step is met, and record that.

        Raises:
            UnmetError: if it was not met in time.
        """
        condition = parse_condition(text)
        mark: ConditionRecord = {
            "kind": "condition",
            "text": text,
            "step": step.text,
            "line": step.line,
            "state": "waiting",
            "figure": self._conditions.figures.value(condition),
        }
        self._write(mark)
        try:
            value = await self._conditions.reach(condition, at_most)
        except UnmetError as error:
            figure = self._conditions.figures.value(condition)
            self._write({**mark, "state": "unmet", "figure": figure})
            raise UnmetError(f"line {step.line}: {error}") from None
        self._write({**mark, "state": "met", "figure": value})

    async def _inject_when(self, step: PlannedStep) -> None:
        await self.reach(step.args["when"], step.args["at_most"], step)
        await self._inject(step)

    async def _inject(self, step: PlannedStep) -> None:
        kind = self._vocabulary.faults[step.args["name"]]
        fault = _OpenFault(kind.model_validate(step.args["params"]), step)
        self._write(fault.mark)
        flows: list[str] = []
        for verb in self._verbs(fault):
            flows += await self._lab.apply(verb)
        schedule = fault.fault.schedule()
        if not fault.fault.heal() and not schedule:
            self._write({**fault.mark, "state": "end", "flows": flows, "at_once": True})
            return
        self._open.append(fault)
        if schedule:
            fault.playing = self._in_background(self._play(fault, schedule))
        ends = step.args["lasts"] or "until" in step.args or step.args["stays"]
        if fault.playing is not None and not ends:
            fault.healing = self._in_background(self._heal_after(fault, fault.playing))
        if step.args["lasts"] or "until" in step.args:
            fault.healing = self._in_background(self._heal_later(fault))

    def _verbs(self, fault: _OpenFault) -> list[Verb]:
        verbs = list(fault.fault.verbs())
        if "options" not in fault.step.args:
            return verbs
        program = asdict(self._renew(fault.step.args["host"], fault.step.args["options"]))
        return [replace(v, program=program) if isinstance(v, RestartProgram) else v for v in verbs]

    async def _play(self, fault: _OpenFault, schedule: Sequence[tuple[float, Verb]]) -> None:
        """Do what a fault has for later, until it is over."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for offset, verb in schedule:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(begun + offset):
                    await fault.over.wait()
            if fault.over.is_set():
                return
            await self._lab.apply(verb)

    async def _heal_after(self, fault: _OpenFault, playing: asyncio.Task[None]) -> None:
        await asyncio.wait([playing])
        fault.healing = None
        await self._heal(fault)

    async def _heal_later(self, fault: _OpenFault) -> None:
        step = fault.step
        if "until" in step.args:
            await self.reach(step.args["until"], step.args["at_most"], step)
        else:
            await asyncio.sleep(step.args["lasts"])
        fault.healing = None
        await self._heal(fault)

    async def _heal(self, fault: _OpenFault) -> None:
        self._open.remove(fault)
        if fault.healing is not None:
            fault.healing.cancel()
        fault.over.set()
        if fault.playing is not None:
            # What it is about to do is done before it is undone.
            await asyncio.wait([fault.playing])
        for verb in fault.fault.heal():
            await self._lab.apply(verb)
        self._write({**fault.mark, "state": "end", "flows": []})

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def watched() -> None:
            try:
                await work
            except HalfopenError as error:
                self.failure = self.failure or error

        task = asyncio.create_task(watched())
        task.add_done_callback(lambda _: work.close())  # if it was cancelled before it began
        return task
