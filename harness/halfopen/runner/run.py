"""Plays many plans, several at a time, and judges each from its history."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from halfopen.checkers import judge_history
from halfopen.errors import OutputError, UnsupportedError, UsageError
from halfopen.model.history import History, read_history
from halfopen.model.plan import Plan
from halfopen.model.records import Record
from halfopen.model.verdict import VariantResult, Verdict, judge
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.apart import play_apart
from halfopen.runner.captures import with_captures
from halfopen.runner.concurrency import Jobs, RunSlots
from halfopen.runner.control import compare, control_plan
from halfopen.runner.directories import check_own, run_directories
from halfopen.runner.estimate import expected_seconds
from halfopen.runner.interruption import Interruption
from halfopen.runner.play import Player, RecordListener

CONTROLS = "control"
"""The directory below `--out` in which the histories of controls are."""


def judge_run(history: History, directory: Path, wall_s: float | None = None) -> VariantResult:
    """The verdict on a saved run; also for one that was killed.

    Args:
        history: what was recorded.
        directory: where it lies, for the reports.
        wall_s: how long the run took, if known better than from the history.
    """
    checks = tuple(judge_history(history))
    verdict, why = judge(checks)
    end = history.end
    if end is not None and end["reason"] == "unsupported":
        verdict, why = Verdict.UNSUPPORTED, end["detail"]
    elif not history.complete:
        ended = "killed" if end is None else end["detail"] or end["reason"]
        cut = f"the run did not finish ({ended})"
        why = f"{cut}; {why}" if verdict is Verdict.FAIL else cut
        if verdict is not Verdict.FAIL:
            broke = end is not None and end["reason"] == "error"
            verdict = Verdict.ERROR if broke else Verdict.UNKNOWN
    header, plan = history.header, history.plan
    late = [c.late_s for c in checks if c.verdict is Verdict.UNKNOWN]
    late_s = max(late) if verdict is Verdict.UNKNOWN and late and all(late) else 0.0
    return VariantResult(
        scenario=header["scenario"],
        variant=header["variant"],
        lab=header["lab"],
        verdict=verdict,
        seed=header["seed"],
        wall_s=round(history.duration if wall_s is None else wall_s, 3),
        virtual_s=round(history.production_s, 1),
        checks=checks,
        why=why,
        directory=str(directory),
        reproduces=any(c["reproduces"] for c in plan["checks"]),
        file=header["file"],
        late_s=late_s,
        kernel=header.get("kernel", ""),
        hz=header.get("hz", 0),
        lab_why=plan.get("lab_why", ""),
    )


def _told_here(listener: RecordListener) -> RecordListener:
    """A listener for a run in another thread, by which this loop's thread is told."""
    loop = asyncio.get_running_loop()

    def tell(plan: Plan, record: Record) -> None:
        loop.call_soon_threadsafe(listener, plan, record)

    return tell


async def run_plan(
    plan: Plan,
    lab: LabSpec,
    vocabulary: Vocabulary,
    directory: Path,
    listener: RecordListener | None = None,
    *,
    pcap: bool = False,
    interruption: Interruption | None = None,
) -> VariantResult:
    """Play one plan and judge it; its history is written into `directory`, and captures below.

    Raises:
        UsageError: if the directory is not ours.
        asyncio.CancelledError: if it is cancelled, unless by `interruption`: then what was
            recorded so far is judged.
    """
    begun = time.monotonic()
    if lab.loop is not None and listener is not None:
        listener = _told_here(listener)
    player = Player(plan, vocabulary, directory, listener, pcap=pcap)

    def without_checks(verdict: Verdict, why: str) -> VariantResult:
        took = time.monotonic() - begun
        return _without_checks(plan, verdict, why, str(directory) if player.recorded else "", took)

    try:
        try:
            if lab.loop is None:
                await player.play(lab)
            else:
                await play_apart(lab.loop, lambda: player.play(lab))
        except asyncio.CancelledError:
            if interruption is None or interruption.signal is None:
                raise
            if not player.recorded:
                return _not_run(plan, interruption)
        # Judging is work of its own, and other runs go on meanwhile.
        judging = asyncio.create_task(asyncio.to_thread(_judge, directory, begun))
        try:
            return await asyncio.shield(judging)
        except asyncio.CancelledError:
            if interruption is None or interruption.signal is None:
                raise
            return await judging
    except UnsupportedError as error:
        return without_checks(Verdict.UNSUPPORTED, str(error))
    except UsageError:
        raise
    except (OutputError, OSError) as error:
        return without_checks(Verdict.ERROR, f"the run cannot be recorded: {error}")
    except Exception as error:  # a mistake of ours ends this run, not the others
        traceback.print_exc()
        return without_checks(Verdict.ERROR, f"error in halfopen: {type(error).__name__}: {error}")


def _without_checks(
    plan: Plan, verdict: Verdict, why: str, directory: str, took: float = 0.0
) -> VariantResult:
    return VariantResult(
        scenario=plan.scenario,
        variant=plan.variant,
        lab=plan.lab,
        verdict=verdict,
        seed=plan.seed,
        wall_s=round(took, 3),
        virtual_s=0.0,
        why=why,
        directory=directory,
        file=plan.file,
        lab_why=plan.lab_why,
    )


def _not_run(plan: Plan, interruption: Interruption) -> VariantResult:
    return _without_checks(plan, Verdict.UNKNOWN, f"not run: {interruption.words}", "")


def _judge(directory: Path, begun: float) -> VariantResult:
    history = read_history(directory)
    result = judge_run(history, directory, time.monotonic() - begun)
    return with_captures(result, history)


async def run_with_controls(
    plans: Sequence[Plan],
    vocabulary: Vocabulary,
    play: Callable[[Sequence[Plan], str], Awaitable[list[VariantResult]]],
) -> list[VariantResult]:
    """Play plans and then, each once more, without their faults; the results say what differs.

    Args:
        plans: to play.
        vocabulary: that they name.
        play: plays plans; their histories go below the directory of that name, or the usual one
            if it is empty.
    """
    results = await play(plans, "")
    controls = await play([control_plan(plan, vocabulary) for plan in plans], CONTROLS)
    return [
        replace(result, control=compare(result, control, plan.control))
        for plan, result, control in zip(plans, results, controls, strict=True)
    ]


async def run_plans(
    plans: Sequence[Plan],
    lab: LabSpec,
    vocabulary: Vocabulary,
    out: Path,
    *,
    jobs: Jobs,
    listener: RecordListener | None = None,
    pcap: bool = False,
    late_retries: int = 0,
    interruption: Interruption | None = None,
    directories: Sequence[Path] | None = None,
) -> list[VariantResult]:
    """Play plans, several at a time, and judge them; the results are in the order of the plans.

    If it is cancelled, runs in progress end with what they have, and what was recorded stays.  If
    it is interrupted, the results say so: what was recorded is judged, and what was not run is
    unknown.

    Args:
        plans: to play.
        lab: where.
        vocabulary: that they name.
        out: for their histories.
        jobs: how many at a time.
        listener: is told of every record.
        pcap: their links are captured.
        late_retries: how many times a variant is run again that is unknown because the machine was
            late, and for no other reason; the result says that it was.
        interruption: ends the runs when its signal comes.
        directories: of the plans' histories, below `out`; default: by file and variant.

    Raises:
        UsageError: if a directory for a history is not ours; runs that have begun are ended.
    """
    slots = RunSlots(jobs)
    interruption = interruption or Interruption()

    def interrupted() -> bool:
        return interruption.signal is not None

    async def play(plan: Plan, directory: Path) -> VariantResult:
        return await run_plan(
            plan, lab, vocabulary, directory, listener, pcap=pcap, interruption=interruption
        )

    async def one(plan: Plan, directory: Path) -> VariantResult:
        async with slots.acquire():
            result = await play(plan, directory)
            for _ in range(late_retries):
                if not result.late_s or interrupted():
                    break
                again = await play(plan, directory)
                if interrupted() and not again.directory:
                    break  # before it began
                late = (*result.extra.get("late", ()), result.late_s)
                result = replace(again, extra={**again.extra, "late": late})
            return result

    async def until_interrupted(plan: Plan, directory: Path) -> VariantResult:
        task = asyncio.current_task()
        assert task is not None
        with interruption.cancels(task):
            try:
                return await one(plan, directory)
            except asyncio.CancelledError:
                if not interrupted():
                    raise
                return _not_run(plan, interruption)

    directories = run_directories(out, plans) if directories is None else directories
    check_own(out, directories)
    # The longest begin first: else the last to begin would leave the others' slots empty.
    order = sorted(range(len(plans)), key=lambda number: -expected_seconds(plans[number]))
    tasks: dict[int, asyncio.Task[VariantResult]] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for number in order:
                tasks[number] = group.create_task(
                    until_interrupted(plans[number], directories[number])
                )
    except ExceptionGroup as failures:
        # The others were ended for it; what a person needs is the first reason.
        raise failures.exceptions[0] from None
    return [tasks[number].result() for number in range(len(plans))]
