"""Records about the run itself: its plan, its steps and faults, and its end."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from halfopen.model.records._base import OfHost, Timed


class HeaderRecord(Timed):
    """First record of every history; it holds the whole plan.

    Attributes:
        version: of the format of the history.
        scenario: title of the scenario.
        file: path of the scenario file.
        variant: name of the variant.
        lab: name of the lab.
        scale: seconds of production time in one second of lab time.
        seed: of whatever is random.
        started: date and time, ISO 8601, UTC.
        sample_s: seconds between two samples.
        addresses: host -> IP address that the lab gave it.
        kernel: release of the kernel under the hosts, if the lab brings its own.
        hz: ticks a second of that kernel.
        plan: as played, see `halfopen.model.plan`.
    """

    kind: Literal["header"]
    version: int
    scenario: str
    file: str
    variant: str
    lab: str
    scale: float
    seed: int
    started: str
    sample_s: float
    addresses: NotRequired[dict[str, str]]
    kernel: NotRequired[str]
    hz: NotRequired[int]
    plan: dict[str, Any]


class StepRecord(Timed):
    """Begin or end of a step.

    Attributes:
        index: position in the plan, from 0.
        text: the step in words.
        line: in the scenario file.
        state: what happens to the step now.
        late_s: seconds by which a pause lasted too long; only with `end`, and only if it did.
    """

    kind: Literal["step"]
    index: int
    text: str
    line: int
    state: Literal["begin", "end"]
    late_s: NotRequired[float]


class FaultRecord(Timed):
    """Begin or end of a fault; it ends when it is healed, or at once.

    Attributes:
        name: of the fault.
        text: its step in words.
        line: in the scenario file.
        state: what happens to the fault now.
        flows: flows that it touched, `client > server`.
        at_once: true if there was nothing to heal.
    """

    kind: Literal["fault"]
    name: str
    text: str
    line: int
    state: Literal["begin", "end"]
    flows: NotRequired[list[str]]
    at_once: NotRequired[bool]


class EffectRecord(Timed):
    """What a fault has touched, once it is over; for one that stays, at the end of the run.

    Attributes:
        name: of the fault.
        text: its step in words.
        line: in the scenario file.
        touched: unit (packets, flows, calls, processes, ...) -> how many.
        may_miss: true if the scenario says that it may touch nothing.
    """

    kind: Literal["effect"]
    name: str
    text: str
    line: int
    touched: dict[str, int]
    may_miss: NotRequired[bool]


class ConditionRecord(Timed):
    """Progress of a condition that a step waits for.

    Attributes:
        text: the condition.
        step: the step in words.
        line: in the scenario file.
        state: of the wait.
        figure: the value that the condition is about; null if no value was recorded.
    """

    kind: Literal["condition"]
    text: str
    step: str
    line: int
    state: Literal["waiting", "met", "unmet"]
    figure: int | None


class EngineRecord(OfHost):
    """Engine that plays a middlebox.

    Attributes:
        engine: `conntrack` or `userspace`.
    """

    kind: Literal["engine"]
    engine: str


class MachineRecord(Timed):
    """How the machine kept up with the run in the last second.

    Attributes:
        late_s: the longest time for which the lab's own processes and threads were not run when
            they should have been, be it to feed, to look or to do a step.
        idle: processors that had nothing to do, on average.
        stalled: part of the time in which something that could run waited for a processor (PSI,
            `some`); only where the kernel tells.
        io_s: seconds for which a program waited for the machine's disks (PSI), at most; only where
            the kernel tells.  A disk that a fault has made slow does not count.
    """

    kind: Literal["machine"]
    late_s: float
    idle: float
    stalled: NotRequired[float]
    io_s: NotRequired[float]


class LabRecord(Timed):
    """Failure of the lab itself; the run ends with an error.

    Attributes:
        problem: what broke.
    """

    kind: Literal["lab"]
    problem: str


class EndRecord(Timed):
    """Last record of a run that was not killed.

    Attributes:
        reason: how the run ended.
        detail: more about it; empty for a complete run.
        overtime_s: lab seconds for which the end took longer because samples were late; only if it
            did.
    """

    kind: Literal["end"]
    reason: Literal["complete", "interrupted", "unmet", "error", "unsupported"]
    detail: str
    overtime_s: NotRequired[float]
