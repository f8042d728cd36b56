"""Plays one plan on a stage and writes the history; it judges nothing."""

from __future__ import annotations

import asyncio
import datetime
import random
import string
import traceback
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, assert_never

from halfopen.errors import LabError, OutputError, UnsupportedError
from halfopen.model.history import VERSION
from halfopen.model.plan import Plan
from halfopen.model.recording import HistoryWriter
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
from halfopen.runner.directories import HOSTS, clear
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


def header_record(plan: Plan, addresses: Mapping[str, str], lab: LabSpec) -> HeaderRecord:
    """The first record of a history: the plan, the addresses of the hosts, their kernel."""
    header: HeaderRecord = {
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
    if lab.kernel is not None:
        kernel = lab.kernel()
        header["kernel"], header["hz"] = kernel.release, kernel.hz
    return header


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
        self._writer: HistoryWriter
        self._unrecorded: OutputError | None = None
        self._working: asyncio.Task[None] | None = None
        self._base = str(Path(plan.file).resolve().parent)
        self._captures = (directory / DIRECTORY).resolve() if pcap else None

    async def play(self, spec: LabSpec) -> None:
        """Play the plan, from the building of the lab to its end.

        However it ends, the history has an `end` record that says how, unless the process dies.

        Raises:
            UnsupportedError: if the lab does not support what the plan needs; nothing was judged.
            UsageError: if there is something in the directory that we did not write.
            OutputError: if the run cannot be recorded; what was is a history.
            asyncio.CancelledError: if the run was interrupted.
        """
        plan = self._plan
        if reason := needs(plan, self._vocabulary, spec):
            raise UnsupportedError(reason)
        if self._captures is not None and not spec.captures:
            raise UnsupportedError(f"the lab {spec.name} does not support packet captures")
        clear(self._directory)
        if self._captures is not None:
            self._captures.mkdir()
        networks = lay_out(
            plan.path, family=plan.family, returns=plan.returns, branches=plan.branches
        )
        addresses = {name: network.address for name, network in networks.items()}
        header = header_record(plan, addresses, spec)
        with HistoryWriter(self._directory, header) as self._writer:
            self.recorded = True
            self._tell(header)
            end: EndRecord = {"kind": "end", "reason": "complete", "detail": ""}
            clock = asyncio.get_running_loop().time
            begun = clock()
            try:
                stage = Stage(
                    spec,
                    self._directory / HOSTS,
                    message_token(plan),
                    self._write,
                    self._vocabulary,
                    seed=plan.seed,
                    base=self._base,
                    at_end=plan.at_end,
                )
                async with stage:
                    begun = stage.lab.origin
                    await self._while_recorded(self._on(stage))
                if stage.overtime_s >= _NOTABLE_S:
                    end["overtime_s"] = round(stage.overtime_s, 3)
            except UnsupportedError as error:
                end["reason"], end["detail"] = "unsupported", str(error)
                raise
            except UnmetError as error:
                end["reason"], end["detail"] = "unmet", str(error)
            except (LabError, OutputError) as error:
                end["reason"], end["detail"] = "error", str(error)
            except asyncio.CancelledError:
                end["reason"] = "interrupted"
                raise
            finally:
                self._write(at(clock() - begun, end))
        if self._unrecorded is not None:
            raise self._unrecorded

    async def _while_recorded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`, but give up as soon as a record cannot be written.

        Raises:
            OutputError: if that is so.
        """
        self._working = asyncio.create_task(work)
        try:
            await self._working
        except asyncio.CancelledError:
            if self._unrecorded is None:
                self._working.cancel()
                await asyncio.wait([self._working])
                raise
            raise self._unrecorded from None
        finally:
            self._working = None

    async def _on(self, stage: Stage) -> None:
        plan = self._plan
        await stage.build(
            plan.hosts,
            plan.path,
            demands(plan, self._vocabulary),
            family=plan.family,
            returns=plan.returns,
            branches=plan.branches,
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
        clock = asyncio.get_running_loop().time
        begun = clock()
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
                return clock() - begun - step.seconds
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
        """Write a record; one that cannot be written ends the run, whoever has it."""
        try:
            if self._unrecorded is None or record["kind"] == "end":
                self._writer.write(record)
        except OutputError as error:
            self._unrecorded = self._unrecorded or error
            if self._working is not None:
                self._working.cancel()
        self._tell(record)

    def _tell(self, record: Record) -> None:
        if self._listener is None:
            return
        try:
            self._listener(self._plan, record)
        except Exception as error:  # what it does cannot change the run
            self._listener = None
            if not isinstance(error, OSError):  # the terminal is gone
                traceback.print_exc()
