"""The history of one run: what was done, what was sampled, what the network did.

It is a file of JSON Lines, written while the run goes on and flushed line by line, so that
whatever a killed run had seen can still be judged.  The first record is the header, which
holds the whole plan: a history needs nothing beside it.

The kinds of records, with their fields, are defined in :mod:`halfopen.model.records`.  Samples
(`fds`, `sockets`, `conntrack`, `drops`) are recorded when they change, and at least once a second;
those of `sockets` and `conntrack` as differences, see :mod:`halfopen.model.differences`.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from heapq import merge
from math import inf
from pathlib import Path
from typing import Any, TypeVar, cast

from halfopen.errors import InputError, Problem
from halfopen.model.checking import problem_of
from halfopen.model.differences import LatestSample, socket_key
from halfopen.model.records import (
    EndRecord,
    FdsRecord,
    HeaderRecord,
    MachineRecord,
    SocketFields,
    SocketsRecord,
    StepRecord,
    kind_of,
)
from halfopen.model.records import Record as Record
from halfopen.model.sampling import HEARTBEAT_S
from halfopen.model.sockets import TcpSocket, socket_from_json
from halfopen.model.steps import PlannedStep, step_from_json
from halfopen.model.stored import REMEMBERED, Index, Matching, StoredRecords

VERSION = 2
FILE_NAME = "history.jsonl"

R = TypeVar("R")


def expand(seqs: Iterable[Sequence[int]]) -> Iterator[int]:
    """The single sequence numbers of a list of runs, in order."""
    for first, last in seqs:
        yield from range(first, last + 1)


def compress(numbers: Iterable[int]) -> list[list[int]]:
    """A list of runs for `numbers`, which keeps their order: 1 2 3 2 becomes [[1, 3], [2, 2]]."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


class History:
    """A finished, or half-finished, run; read only.

    Args:
        records: in the order in which they were written; the first must be the header.
        index: of them, if there is one already.

    Raises:
        ValueError: if there is no header, or it is of another version, or its plan has a step
            that cannot be read.
    """

    def __init__(self, records: Sequence[Record], index: Index | None = None) -> None:
        header = records[0] if records else None
        if header is None or header["kind"] != "header":
            raise ValueError("the history has no header: the run ended before it began")
        if problem := _version_problem(header["version"]):
            raise ValueError(problem)
        self.header: HeaderRecord = header
        self.steps: tuple[PlannedStep, ...] = tuple(
            step_from_json(each) for each in self.header["plan"].get("steps", ())
        )
        if index is None:
            index, records = Index(), tuple(records)
            for number, record in enumerate(records):
                index.add(number, record)
        self.records = records
        self._index = index
        self._decoded: dict[str, Sequence[Record]] = {}

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan that was played, see :mod:`halfopen.model.plan`."""
        return self.header["plan"]

    @property
    def scale(self) -> float:
        """Seconds of production time in one second of lab time."""
        return self.header["scale"]

    @property
    def sample_s(self) -> float:
        """Seconds between two samples: what happened is known to no better than this.

        On a host with thousands of sockets a sample may have been put off, and on a busy machine
        it comes late: then it is longer.
        """
        return max(self.header["sample_s"] + self.late_s, self._index.late_s)

    @cached_property
    def late_s(self) -> float:
        """Seconds by which steps, samplers and feeds were late at worst, from the first step on."""
        steps = [record.get("late_s", 0.0) for record in self.of(StepRecord)]
        return max([self._late_between(self.begun or 0.0, inf), *steps])

    @property
    def end_s(self) -> tuple[float, float]:
        """Lab seconds from the last step to the end, and how many of them only lateness took."""
        last = max((record["t"] for record in self.of(StepRecord)), default=self.duration)
        overtime = self.end.get("overtime_s", 0.0) if self.end is not None else 0.0
        return self.duration - last, overtime

    @property
    def end_bears_s(self) -> float:
        """Lab seconds for which the end may last before a middlebox forgets a flow."""
        bears = self.plan.get("end_bears_s")
        return inf if bears is None else float(bears)

    def on_time(self) -> History:
        """The same history of a machine that was never late: its samples came when they were due.

        What cannot be told only because they may have come later can be told of this one.
        """
        found = copy(self)
        found.__dict__["late_s"] = 0.0  # where `cached_property` keeps it
        return found

    def _late_between(self, start: float, end: float) -> float:
        # A record is of the second before it.
        late = [r["late_s"] for r in self.of(MachineRecord) if start < r["t"] < end + HEARTBEAT_S]
        return max([0.0, *late])

    @property
    def bears_s(self) -> float:
        """Lab seconds that those may be late before two timers change their order."""
        bears = self.plan.get("bears_s")
        return inf if bears is None else float(bears)

    def delay(self, start: float, end: float) -> float:
        """Lab seconds by which what programs did between two moments may have been late."""
        hosts = [host["name"] for host in self.plan["hosts"] if host.get("system")]
        waited = sum(self.waited(host, start, end) for host in hosts)
        return self._late_between(start, end) + waited + self.stalled(start, end)

    def stalled(self, start: float, end: float) -> float:
        """Seconds between two moments for which a program may have waited for the machine's disks.

        The kernel counts them for the whole machine: it is the most that can have been lost.
        """
        total = since = 0.0
        for record in self.of(MachineRecord):
            within = min(record["t"], end) - max(since, start)
            total += max(0.0, min(record.get("io_s", 0.0), within))
            since = record["t"]
        return total

    def waited(self, host: str, start: float, end: float) -> float:
        """Seconds that the programs of a host waited for a processor between two moments.

        It is a sum over processes and threads, and the samples around the two moments are used: so
        it is the most by which what they did can have been late.
        """
        total = 0.0
        series: dict[int, list[tuple[float, float]]] = {}
        for record in self.of(FdsRecord, host=host):
            if (waited := record.get("waited_s")) is not None:
                series.setdefault(record["pid"], []).append((record["t"], waited))
        for samples in series.values():
            before = [waited for t, waited in samples if t <= start]
            after = [waited for t, waited in samples if t >= end] or [samples[-1][1]]
            total += max(0.0, after[0] - (before[-1] if before else 0.0))
        return total

    @property
    def duration(self) -> float:
        """Lab seconds from the beginning to the last record."""
        return self._index.latest

    @cached_property
    def begun(self) -> float | None:
        """Lab time of the first step; None if the run ended before it."""
        return next((record["t"] for record in self.of(StepRecord)), None)

    @property
    def production_s(self) -> float:
        """Seconds of production time that the run stands for, from its first step to its end."""
        return 0.0 if self.begun is None else self.moment(self.duration)

    def moment(self, t: float) -> float:
        """Seconds of production time from the first step to lab time `t`; negative before it."""
        return (t - (self.begun or 0.0)) * self.scale

    @cached_property
    def end(self) -> EndRecord | None:
        """How the run ended; None if it was killed."""
        last = self.records[-1]
        return last if last["kind"] == "end" else None

    @property
    def complete(self) -> bool:
        """True if the run came to its planned end."""
        return self.end is not None and self.end["reason"] == "complete"

    def of(self, definition: type[R], **match: object) -> Sequence[R]:
        """All records of a definition whose fields have the given values, in order.

        Records of which there are many are read from the file each time: go through them once.

        Args:
            definition: for example :class:`halfopen.model.records.SocketsRecord`.
            match: field -> value.
        """
        kind = kind_of(definition)
        found = self._decoded.get(kind)
        if found is None:
            found = self._some(self._index.positions.get(kind, ()))
            if not isinstance(found, StoredRecords) or found.size <= REMEMBERED:
                found = self._decoded[kind] = list(found)
        if not match:
            return cast(Sequence[R], found)
        matching = Matching(found, match)
        return matching if isinstance(found, StoredRecords) else list(matching)

    def among(self, *definitions: type[Any]) -> Iterator[Record]:
        """The records of several definitions in the order in which they were written."""
        each = [self._index.positions.get(kind_of(one), ()) for one in definitions]
        return iter(self._some(array("L", merge(*each))))

    def _some(self, numbers: Sequence[int]) -> Sequence[Record]:
        if isinstance(self.records, StoredRecords):
            return self.records.some(numbers)
        return [self.records[number] for number in numbers]

    def sockets(self, host: str) -> Iterator[tuple[float, list[TcpSocket]]]:
        """Every sample of a host's TCP sockets: (t, sockets), their clocks as last recorded."""
        latest = LatestSample[SocketFields](socket_key)
        for record in self.of(SocketsRecord, host=host):
            latest.take(record["sockets"], record.get("gone"))
            yield record["t"], [socket_from_json(each) for each in latest.items.values()]


def _version_problem(version: int) -> str:
    """Why a history of that version cannot be read; empty if it can."""
    if version == VERSION:
        return ""
    if version < VERSION:
        what = f"history version {version} is of an earlier halfopen, which recorded whole samples"
        return f"{what}; this one reads version {VERSION}: run the scenario again"
    return (
        f"history version {version} is of a later halfopen; this one reads version {VERSION}: "
        "read it with the halfopen that recorded it"
    )


def read_history(directory: Path) -> History:
    """The history in `directory`, as far as it was written.

    The last line of a killed run may be torn: it is passed over.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it has no usable header, or a line is not a record, with `file:line`.
    """
    path = directory / FILE_NAME
    index, offsets, offset = Index(), array("Q"), 0
    torn: Problem | None = None
    records: list[Record] | None = [] if path.stat().st_size <= REMEMBERED else None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if torn is not None:
                raise InputError([torn])
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                # Right only in the last line.
                torn = Problem(str(path), number, f"not a JSON record: {error}")
                continue
            if problem := problem_of(record):
                raise InputError([Problem(str(path), number, problem)])
            if record["kind"] == "header" and (problem := _version_problem(record["version"])):
                raise InputError([Problem(str(path), number, problem)])
            index.add(number - 1, record)
            offsets.append(offset)
            offset += len(line)
            if records is not None:
                records.append(record)
    offsets.append(offset)
    found = StoredRecords(path, offsets) if records is None else records
    try:
        return History(found, index)
    except ValueError as error:
        raise InputError([Problem(str(path), 1, str(error))]) from None
