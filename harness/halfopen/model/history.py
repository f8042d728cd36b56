"""The history of one run: what was done, what was sampled, what the network did.

It is a file of JSON Lines, written while the run goes on and flushed line by line, so that
whatever a killed run had seen can still be judged.  The first record is the header, which
holds the whole plan: a history needs nothing beside it.

The kinds of records, with their fields, are defined in :mod:`halfopen.model.records`.  Samples
(`fds`, `sockets`, `conntrack`, `drops`) are recorded when they change, and at least once a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import inf
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from halfopen.errors import InputError, Problem
from halfopen.model.checking import problem_of
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
from halfopen.model.steps import PlannedStep, step_from_json

VERSION = 1
FILE_NAME = "history.jsonl"

R = TypeVar("R")


@dataclass(frozen=True)
class TcpSocket:
    """One TCP socket of one host at one moment (from the kernel's sock_diag).

    Attributes:
        local: `address:port`.
        peer: `address:port`, empty when listening.
        state: as in `ss`: ESTABLISHED, LISTEN, CLOSE_WAIT, ...
        timer: what its timer waits for: off, retransmit, keepalive, timewait, persist.
        timer_s: seconds until that timer fires.
        retrans: unanswered retransmissions or keepalive probes.
        unacked: segments sent and not acknowledged.
        last_heard_s: seconds since data or an ACK came from the peer.
        pid: process that holds it; 0 when none does any more.
        rqueue: octets received and not read.
        wqueue: octets written and not acknowledged.
    """

    local: str
    peer: str
    state: str
    timer: str = "off"
    timer_s: float = 0.0
    retrans: int = 0
    unacked: int = 0
    last_heard_s: float | None = None
    pid: int = 0
    rqueue: int = 0
    wqueue: int = 0

    @property
    def connected(self) -> bool:
        """True for a socket in ESTABLISHED: the kernel believes that the peer is there."""
        return self.state == "ESTABLISHED"


_SOCKET_FIELDS = frozenset(f.name for f in fields(TcpSocket))


def socket_from_json(data: SocketFields) -> TcpSocket:
    """A :class:`TcpSocket` from its record; fields of a later version are passed over."""
    values: Mapping[str, Any] = data
    if values.keys() <= _SOCKET_FIELDS:
        return TcpSocket(**values)
    return TcpSocket(**{key: value for key, value in values.items() if key in _SOCKET_FIELDS})


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

    Raises:
        ValueError: if there is no header, or it is of an unknown version, or its plan has a step
            that cannot be read.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        if not records or records[0]["kind"] != "header":
            raise ValueError("the history has no header: the run ended before it began")
        if records[0]["version"] != VERSION:
            raise ValueError(f"unknown history version {records[0]['version']}; known: {VERSION}")
        self.header: HeaderRecord = records[0]
        self.steps: tuple[PlannedStep, ...] = tuple(
            step_from_json(each) for each in self.header["plan"].get("steps", ())
        )
        self.records = tuple(records)

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan that was played, see :mod:`halfopen.model.plan`."""
        return self.header["plan"]

    @property
    def scale(self) -> float:
        """Seconds of production time in one second of lab time."""
        return self.header["scale"]

    @cached_property
    def sample_s(self) -> float:
        """Seconds between two samples: what happened is known to no better than this.

        On a host with thousands of sockets a sample may have been put off, and on a busy machine
        it comes late: then it is longer.
        """
        put_off = [record.get("late_s", 0.0) for record in self.of(SocketsRecord)]
        return max([self.header["sample_s"] + self.late_s, *put_off])

    @cached_property
    def late_s(self) -> float:
        """Seconds by which steps, samplers and feeds were late at worst, from the first step on."""
        begun = self.begun or 0.0
        late = [record["late_s"] for record in self.of(MachineRecord) if record["t"] > begun]
        return max([0.0, *late, *(record.get("late_s", 0.0) for record in self.of(StepRecord))])

    @property
    def bears_s(self) -> float:
        """Lab seconds that those may be late before two timers change their order."""
        bears = self.plan.get("bears_s")
        return inf if bears is None else float(bears)

    def delay(self, start: float, end: float) -> float:
        """Lab seconds by which what programs did between two moments may have been late."""
        hosts = [host["name"] for host in self.plan["hosts"] if host.get("system")]
        return self.late_s + sum(self.waited(host, start, end) for host in hosts)

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

    @cached_property
    def duration(self) -> float:
        """Lab seconds from the beginning to the last record."""
        return max(record["t"] for record in self.records)

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

    @property
    def end(self) -> EndRecord | None:
        """How the run ended; None if it was killed."""
        last = self.records[-1]
        return last if last["kind"] == "end" else None

    @property
    def complete(self) -> bool:
        """True if the run came to its planned end."""
        return self.end is not None and self.end["reason"] == "complete"

    def of(self, definition: type[R], **match: object) -> list[R]:
        """All records of a definition whose fields have the given values, in order.

        Args:
            definition: for example :class:`halfopen.model.records.SocketsRecord`.
            match: field -> value.
        """
        found = self._by_kind.get(kind_of(definition), [])
        if match:
            wanted = match.items()
            found = [r for r in found if all(r.get(key) == value for key, value in wanted)]
        return cast(list[R], list(found))

    @cached_property
    def _by_kind(self) -> dict[str, list[Record]]:
        index: dict[str, list[Record]] = {}
        for record in self.records:
            index.setdefault(record["kind"], []).append(record)
        return index

    def sockets(self, host: str) -> list[tuple[float, list[TcpSocket]]]:
        """Every sample of a host's TCP sockets: (t, sockets)."""
        return [
            (r["t"], [socket_from_json(s) for s in r["sockets"]])
            for r in self.of(SocketsRecord, host=host)
        ]


def read_history(directory: Path) -> History:
    """The history in `directory`, as far as it was written.

    The last line of a killed run may be torn: it is passed over.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it has no usable header, or a line is not a record, with `file:line`.
    """
    path = directory / FILE_NAME
    records: list[Record] = []
    torn: Problem | None = None
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
            records.append(record)
    try:
        return History(records)
    except ValueError as error:
        raise InputError([Problem(str(path), 1, str(error))]) from None


class HistoryWriter:
    """Appends records to a file, one flushed line each, and remembers them.

    Args:
        file: opened for appending text.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        """Append one record; it is in the kernel's hands when this returns."""
        self.records.append(record)
        self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
        self._file.flush()
