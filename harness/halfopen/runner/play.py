"""Plays one plan on a stage and writes the history; it judges nothing."""

from __future__ import annotations

import asyncio
import datetime
import random
import shutil
import string
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import assert_never

from halfopen.errors import LabError, UnsupportedError, UsageError
from halfopen.model.history import FILE_NAME, VERSION, HistoryWriter
from halfopen.model.plan import Plan
from halfopen.model.records import EndRecord, HeaderRecord, Record, StepRecord, at
from halfopen.model.sampling import SAMPLE_S
from halfopen.model.steps import (
    PlannedHeal,
    PlannedInject,
    PlannedSend,
    PlannedStart,
    PlannedStep,
    PlannedStop,
    PlannedWait,
    PlannedWaitUntil,
)
from halfopen.model.topology import lay_out
from halfopen.pcap.files import DIRECTORY
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.aftermath import open_questions
from halfopen.runner.conditions import UnmetError
from halfopen.runner.injection import FaultSteps
from halfopen.runner.requirements import demands, needs
from halfopen.runner.stage import Stage

RecordListener = Callable[[Plan, Record], None]
"""Is told of every record as it is written; what it does cannot change the run."""


# A pause that lasts so much too long is recorded with its lateness.
_NOTABLE_S = 0.01


def message_token(plan: Plan) -> str:
    """The identity of a run's messages: eight letters or digits that follow from the seed."""
    rng = random.Random(f"{plan.seed}/{plan.scenario}/{plan.variant}")
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=8))


def header_record(plan: Plan, addresses: Mapping[str, str]) -> HeaderRecord:
    """The first record of a history: the plan, and the addresses that the hosts got."""
    return {
        "t": 0.0,
        "kind": "header",
        "version": VERSION,
        "scenario": plan.scenario,
        "file": plan.file,
        "variant": plan.variant,
        "lab": plan.lab,
        "scale": plan.scale,
        "seed": plan.seed,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sample_s": SAMPLE_S,
        "addresses": dict(addresses),
        "plan": plan.to_json(),
    }


class Player:
    """One run of one plan.

    Args:
        plan: what to do.
        vocabulary: the systems and faults that it names.
        directory: for the history and the programs' files; an earlier run's history is replaced.
        listener: is told of every record.
        pcap: each link is captured, into a file below `directory`.

    Attributes:
        recorded: the history in the directory is of this run.
    """

    def __init__(
        self,
        plan: Plan,
        vocabulary: Vocabulary,
        directory: Path,
        listener: RecordListener | None = None,
        *,
        pcap: bool = False,
    ) -> None:
        self._plan = plan
        self._vocabulary = vocabulary
        self._directory = directory
        self._listener = listener
        self.recorded = False
        self._base = str(Path(plan.file).resolve().parent)
        self._captures = (directory / DIRECTORY).resolve() if pcap else None

    async def play(self, spec: LabSpec) -> None:
        """Play the plan, from the building of the lab to its end.

        However it ends, the history has an `end` record that says how, unless the process dies.

        Raises:
            UnsupportedError: if the lab does not support what the plan needs; nothing was judged.
            asyncio.CancelledError: if the run was interrupted.
        """
        plan = self._plan
        if reason := needs(plan, self._vocabulary, spec):
            raise UnsupportedError(reason)
        if self._captures is not None and not spec.captures:
            raise UnsupportedError(f"the lab {spec.name} does not support packet captures")
        self._make_room()
        with (self._directory / FILE_NAME).open("w", encoding="utf-8") as file:
            self._writer = HistoryWriter(file)
            networks = lay_out(plan.path, family=plan.family, returns=plan.returns)
            addresses = {name: network.address for name, network in networks.items()}
            self._write(header_record(plan, addresses))
            self.recorded = True
            end: EndRecord = {"kind": "end", "reason": "complete", "detail": ""}
            begun = time.monotonic()
            try:
                stage = Stage(
                    spec,
                    self._directory / "hosts",
                    message_token(plan),
                    self._write,
                    self._vocabulary,
                    seed=plan.seed,
                    base=self._base,
                )
                async with stage:
                    begun = stage.lab.origin
                    await self._on(stage)
            except UnsupportedError as error:
                end["reason"], end["detail"] = "unsupported", str(error)
                raise
            except UnmetError as error:
                end["reason"], end["detail"] = "unmet", str(error)
            except LabError as error:
                end["reason"], end["detail"] = "error", str(error)
            except asyncio.CancelledError:
                end["reason"] = "interrupted"
                raise
            finally:
                self._write(at(time.monotonic() - begun, end))

    def _make_room(self) -> None:
        """Remove what an earlier run left in the directory, and nothing that is not ours."""
        history, files = self._directory / FILE_NAME, self._directory / "hosts"
        if files.exists():
            if not history.exists():
                raise UsageError(f"{files} was not written by halfopen; choose another --out")
            shutil.rmtree(files)
            shutil.rmtree(self._directory / DIRECTORY, ignore_errors=True)
        (self._captures or self._directory).mkdir(parents=True, exist_ok=True)

    async def _on(self, stage: Stage) -> None:
        plan = self._plan
        await stage.build(
            plan.hosts,
            plan.path,
            demands(plan, self._vocabulary),
            family=plan.family,
            returns=plan.returns,
            captures=self._captures,
        )
        await stage.start_all()
        faults = FaultSteps(stage, self._vocabulary)
        unmet = ""
        try:
            unmet = await self._steps(stage, faults)
        except UnmetError as error:
            # The rest of the steps makes no sense, but what was brought about until now can be
            # judged: what is on its way gets the same time as at the end of any other run.
            unmet = str(error)
            if stage.failure is error:
                stage.failure = None
            await faults.give_up()
        stage.check_failure()
        await stage.settle(() if unmet else open_questions(plan, self._vocabulary))
        await stage.finish()
        stage.check_failure()
        if unmet:
            raise UnmetError(unmet)

    async def _steps(self, stage: Stage, faults: FaultSteps) -> str:
        """Do all steps; returns which messages no program took, in words; empty if all were."""
        for index, step in enumerate(self._plan.steps):
            mark: StepRecord = {
                "kind": "step",
                "index": index,
                "text": step.text,
                "line": step.line,
                "state": "begin",
            }
            stage.note(mark)
            late = await self._step(stage, faults, step)
            end: StepRecord = {**mark, "state": "end"}
            if late >= _NOTABLE_S:
                end["late_s"] = round(late, 4)
            stage.note(end)
            stage.check_failure()
        untaken = await stage.fed()
        await faults.heal_all()
        if untaken:  # what kept a program from reading may be healed now
            untaken = await stage.fed()
        stage.check_failure()
        return "; ".join(untaken)

    async def _step(self, stage: Stage, faults: FaultSteps, step: PlannedStep) -> float:
        """Do a step; returns the seconds by which it lasted too long, if it is one that lasts."""
        begun = time.monotonic()
        match step:
            case PlannedSend():
                await stage.send(
                    step.host,
                    step.count,
                    every=step.every,
                    background=step.background,
                    form=step.form,
                )
            case PlannedWait():
                await asyncio.sleep(step.seconds)
                return time.monotonic() - begun - step.seconds
            case PlannedWaitUntil():
                await faults.reach(step.until, step)
            case PlannedInject():
                await faults.begin(step)
            case PlannedHeal():
                await faults.heal(step.name)
            case PlannedStop():
                await stage.stop(step.host)
            case PlannedStart():
                await stage.start(step.host)
            case _:
                assert_never(step)
        return 0.0

    def _write(self, record: Record) -> None:
        self._writer.write(record)
        if self._listener is not None:
            self._listener(self._plan, record)
