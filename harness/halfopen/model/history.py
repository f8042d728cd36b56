"""The history of one run: what was done, what was sampled, what the network did.

It is a file of JSON Lines, written while the run goes on and flushed line by line, so that
whatever a killed run had seen can still be judged.  The first record is the header, which
holds the whole plan: a history needs nothing beside it.

Every record has `t` (seconds of lab time since the run began, monotonic) and `kind`:

==============  ==================================================================================
kind            fields
==============  ==================================================================================
`header`        `version, scenario, file, variant, lab, scale, seed, started, sample_s, plan`
`step`          `index, text, line, state` (begin, end)
`fault`         `name, text, line, state` (begin; end: it is healed, or was over at once),
                `flows` that it touched; `at_once`: true if it had nothing to heal
`condition`     `text, step, line, state` (waiting, met, unmet), `figure`: what is waited for, and
                how far it was then (None: nothing is known of it)
`process`       `host, process, pid, state` (started, ready, exited), `status`
`log`           `host, process, event` (the program's own structured log, as it wrote it)
`sent`          `host, seqs`: messages written to the sender's input
`refused`       `host, seqs`: of these, messages that its input did not take after all
`accepted`      `host, seqs`: messages that the sender's queue took; an empty one says that the
                sender keeps a ledger
`acked`         `host, seqs`: messages that the sender was told are safe
`delivered`     `host, seqs` in order of arrival; `corrupt`: excerpts of messages that fail their
                checksum; `unexpected`: excerpts of what is no message of this run
`fds`           `host, process, pid, counts` (by kind: tcp, listen, unix, socket, file, pipe, other;
                `socket` is any other, also TCP that is closed), `limit` (soft RLIMIT_NOFILE),
                `cpu_s` (seconds that it has run on a CPU)
`impstats`      `host, process, name, origin, values`: a set of rsyslog's own figures
`said`          `host, process, line`: what a program says of itself in words
`spool`         `host, process, path, files, bytes`: what a program keeps on disk
`sockets`       `host, sockets`: list of TCP sockets, see :class:`TcpSocket`; `late_s`: seconds that
                the sample was put off after something changed, because there is so much to see
`keepalives`    `host, sent`: keepalive probes that the host's kernel has sent since the run began
`conntrack`     `host, entries`: list of `{client, server, state, expires_s}`, and `outside` as
                below
`flow`          `host, event` (created, destroyed), `client, server`, `cause` (expired,
                forgotten, closed); `client, server` as the client sees them, `outside`: the two as
                the server sees them, if the middlebox translates addresses
`drops`         `host, packets, bytes`: late packets, which fitted no entry of the middlebox, since
                the run began; `blocked`: packets that a fault kept from getting through
`capture`       `host, neighbour, file, realtime_s`: from now on their link is captured, at `host`;
                `realtime_s`: seconds since 1970 at `t`, as in the file
`lab`           `problem`: the lab itself broke, the run ends with an error
`end`           `reason` (complete, interrupted, unmet, error, unsupported), `detail`
==============  ==================================================================================

`seqs` is a list of runs `[first, last]`, both included.  Samples (`fds`, `sockets`, `conntrack`,
`drops`) are recorded when they change, and at least once a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import IO, Any

VERSION = 1
FILE_NAME = "history.jsonl"

Record = Mapping[str, Any]


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


def socket_from_json(data: Mapping[str, Any]) -> TcpSocket:
    """A :class:`TcpSocket` from its record; fields of a later version are passed over."""
    if data.keys() <= _SOCKET_FIELDS:
        return TcpSocket(**data)
    return TcpSocket(**{key: value for key, value in data.items() if key in _SOCKET_FIELDS})


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
        ValueError: if there is no header, or it is of an unknown version.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        if not records or records[0].get("kind") != "header":
            raise ValueError("the history has no header: the run ended before it began")
        if records[0].get("version") != VERSION:
            raise ValueError(f"history version {records[0].get('version')!r} is not {VERSION}")
        self.records = tuple(records)

    @property
    def header(self) -> Record:
        """The first record."""
        return self.records[0]

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan that was played, see :mod:`halfopen.model.plan`."""
        plan: Mapping[str, Any] = self.header["plan"]
        return plan

    @property
    def scale(self) -> float:
        """Seconds of production time in one second of lab time."""
        return float(self.header["scale"])

    @cached_property
    def sample_s(self) -> float:
        """Seconds between two samples: what happened is known to no better than this.

        On a host with thousands of sockets a sample may have been put off: then it is longer.
        """
        put_off = [float(record.get("late_s", 0.0)) for record in self.of("sockets")]
        return max([float(self.header["sample_s"]), *put_off])

    @cached_property
    def duration(self) -> float:
        """Lab seconds from the beginning to the last record."""
        return max(float(record["t"]) for record in self.records)

    @property
    def complete(self) -> bool:
        """True if the run came to its planned end."""
        last = self.records[-1]
        return bool(last["kind"] == "end" and last["reason"] == "complete")

    def of(self, kind: str, **match: object) -> list[Record]:
        """All records of a kind whose fields have the given values, in order."""
        return [
            record
            for record in self._by_kind.get(kind, ())
            if all(record.get(key) == value for key, value in match.items())
        ]

    @cached_property
    def _by_kind(self) -> dict[str, list[Record]]:
        index: dict[str, list[Record]] = {}
        for record in self.records:
            index.setdefault(str(record["kind"]), []).append(record)
        return index

    def sockets(self, host: str) -> list[tuple[float, list[TcpSocket]]]:
        """Every sample of a host's TCP sockets: (t, sockets)."""
        return [
            (float(r["t"]), [socket_from_json(s) for s in r["sockets"]])
            for r in self.of("sockets", host=host)
        ]


def read_history(directory: Path) -> History:
    """The history in `directory`, as far as it was written.

    The last line of a killed run may be torn: it is passed over.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it has no usable header, or a line other than the last is not JSON.
    """
    path = directory / FILE_NAME
    records: list[Record] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            records.append(json.loads(line))
        except ValueError as error:
            if number == len(lines):
                break
            raise ValueError(f"{path}:{number}: not a JSON record: {error}") from error
    return History(records)


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
