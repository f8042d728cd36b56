"""Live progress of several runs: a consumer of their records, which nothing else knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from halfopen.cli.remaining import Remaining
from halfopen.model.differences import Established
from halfopen.model.plan import Plan
from halfopen.model.records import FlowRecord, Record
from halfopen.model.steps import seconds_of
from halfopen.model.units import count, format_duration
from halfopen.report._text import printable
from halfopen.runner.play import RecordListener


def expected_seconds(plan: Plan) -> float:
    """Lab seconds that the steps of a plan take at the least."""
    return sum(seconds_of(step) for step in plan.steps)


_PULSE_S = 10.0  # of real time


class _Pace:
    """How fast the time of one run passes.

    Args:
        clock: seconds of real time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = self._said = clock()

    def words(self, t: float) -> str:
        """For example `75 min simulated in 3 s (1500x)`."""
        took = max(self._clock() - self._begun, 1e-3)
        simulated, real = format_duration(t), format_duration(took)
        speed = t / took
        times = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
        return f"{simulated} simulated in {real} ({times}x)"

    def said(self) -> None:
        """Something was said of the run now."""
        self._said = self._clock()

    @property
    def silent(self) -> bool:
        """Whether nothing was said of it for long."""
        return self._clock() - self._said >= _PULSE_S


class _Facts:
    """What the last samples of one run say, in a few words."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._established = Established()
        self._drops = 0
        self.step = "starting"

    def take(self, record: Record) -> None:
        """Remember what a record says."""
        if record["kind"] == "step" and record["state"] == "begin":
            self.step = record["text"]
        elif record["kind"] == "sockets":
            self._established.take(record)
        elif _is_drop(record):
            self._drops += 1
        elif record["kind"] == "end":
            self.step = "done" if record["reason"] == "complete" else record["reason"]

    @property
    def text(self) -> str:
        """For example `sender 1, receiver 4 connections; 3 flows forgotten`."""
        hosts = ", ".join(
            f"{name} {len(self._established.hosts[name])}"
            for name in self._plan.path
            if name in self._established.hosts
        )
        return f"{hosts} connections; {count(self._drops, 'flow')} forgotten" if hosts else ""


def _is_drop(record: Record) -> TypeGuard[FlowRecord]:
    """True if a middlebox forgot a flow that was not closed."""
    if record["kind"] != "flow":
        return False
    return record["event"] == "destroyed" and record.get("cause") != "closed"


@contextmanager
def progress_for(
    plans: Sequence[Plan],
    console: Console,
    *,
    quiet: bool,
    virtual: Collection[str] = (),
    clock: Callable[[], float] = time.monotonic,
    remaining: Remaining | None = None,
) -> Iterator[RecordListener]:
    """A listener that shows how far the runs are: bars on a terminal, plain lines elsewhere.

    Args:
        plans: that are played.
        console: to show it on.
        quiet: show nothing.
        virtual: names of labs whose time is virtual: how fast it passes is shown, too.
        clock: seconds of real time.
        remaining: what is left of all runs; it is told how far they are.
    """
    remaining = Remaining((), {}) if remaining is None else remaining
    if quiet:
        yield lambda _plan, _record: None
    elif console.is_terminal:
        with _bars(plans, console, virtual, clock, remaining) as listener:
            yield listener
    else:
        yield _lines(console, virtual, clock, remaining)


def _name(plan: Plan, many: bool) -> str:
    return printable(f"{plan.scenario}: {plan.variant}" if many else plan.variant)


@contextmanager
def _bars(
    plans: Sequence[Plan],
    console: Console,
    virtual: Collection[str],
    clock: Callable[[], float],
    remaining: Remaining,
) -> Iterator[RecordListener]:
    many = len({plan.scenario for plan in plans}) > 1
    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[time]}"),
        TextColumn("{task.fields[step]}"),
        TextColumn("{task.fields[facts]}", style="dim"),
    ]
    with Progress(*columns, console=console) as progress:
        bars: dict[int, tuple[TaskID, _Facts]] = {}
        ended = 0
        everything = None
        if remaining.words:
            everything = progress.add_task(
                "all runs", total=len(plans), time=remaining.words, step="", facts=""
            )
        for plan in plans:
            total = max(expected_seconds(plan), 0.1)
            task = progress.add_task(
                _name(plan, many), total=total, time="", step="waiting", facts=""
            )
            bars[id(plan)] = task, _Facts(plan)
        paces: dict[int, _Pace] = {}

        def listener(plan: Plan, record: Record) -> None:
            nonlocal ended
            remaining.take(plan, record)
            ended += record["kind"] == "end"
            if everything is not None:
                progress.update(everything, completed=ended, time=remaining.words)
            task, facts = bars[id(plan)]
            facts.take(record)
            total = max(expected_seconds(plan), 0.1)
            done = total if record["kind"] == "end" else min(record["t"], total)
            if record["kind"] == "header":
                paces[id(plan)] = _Pace(clock)
            if plan.lab in virtual:
                shown = paces[id(plan)].words(record["t"])
            else:
                shown = f"{done:.0f}/{total:.0f} s"
            progress.update(
                task, completed=done, time=shown, step=printable(facts.step), facts=facts.text
            )

        yield listener


def _lines(
    console: Console,
    virtual: Collection[str],
    clock: Callable[[], float],
    remaining: Remaining,
) -> RecordListener:
    paces: dict[int, _Pace] = {}

    def listener(plan: Plan, record: Record) -> None:
        text = None
        remaining.take(plan, record)
        if record["kind"] == "header":
            text = "begins"
            paces[id(plan)] = _Pace(clock)
        elif record["kind"] == "step" and record["state"] == "begin":
            text = record["text"]
        elif record["kind"] == "condition" and record["state"] != "waiting":
            text = f"{record['text']}: {record['state']}"
        elif record["kind"] == "untaken":
            text = f"{record['host']}: {record['taken']} of {record['of']} messages read so far"
        elif _is_drop(record):
            text = f"{record['host']}: flow {record['client']} {record['cause']}"
        elif record["kind"] == "end":
            text = f"ends: {record['reason']} {record['detail']}".rstrip()
            if plan.lab in virtual:
                text += f"; {paces[id(plan)].words(record['t'])}"
        elif plan.lab in virtual and paces[id(plan)].silent:
            text = paces[id(plan)].words(record["t"])
        if text is not None:
            paces[id(plan)].said()
            if record["kind"] in ("step", "end") and (left := remaining.words):
                text += f" ({left})"
            console.print(
                printable(f"{record['t']:7.2f} s  {plan.variant}: {text}"),
                highlight=False,
                markup=False,
                soft_wrap=True,
            )

    return listener
