"""What a program writes: its words, the ledger of what it sends, and the messages it received."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from halfopen.labs.agent.follower import Follower
from halfopen.model.history import compress
from halfopen.model.program import Framing
from halfopen.model.records import (
    AcceptedRecord,
    AckedRecord,
    DeliveredRecord,
    LogRecord,
    Recorder,
    SaidRecord,
)
from halfopen.workloads.numbered import Messages

MOST_LINES = 20_000
"""Lines of a program's words that are recorded, for each stream: a history is not a log archive."""

MOST_BYTES = 1000
"""Of one line."""

_EXCERPT = 120


class Words:
    """Lines that a program writes to its standard output or standard error.

    A line that is a JSON object with `event` is a line of its structured log.

    Args:
        host: where the program runs.
        process: its name.
        source: `standard output` or `standard error`.
        lines: of the file to which it goes.
        emit: takes the records.
        heard: is told of each event.

    Attributes:
        source: as above.
    """

    def __init__(
        self,
        host: str,
        process: str,
        source: str,
        lines: Follower,
        emit: Recorder,
        heard: Callable[[object], None],
    ) -> None:
        self._host = host
        self._process = process
        self.source = source
        self._lines = lines
        self._emit = emit
        self._heard = heard
        self._left = MOST_LINES

    def collect(self, *, ended: bool = False) -> None:
        """Record what came since the last call; if it `ended`, also a line without its end."""
        for line in [*self._lines.lines(), *([self._lines.rest()] if ended else [])]:
            if not line.strip():
                continue
            event = _event(line)
            if event is not None:
                self._heard(event["event"])
                self._emit(
                    LogRecord(kind="log", host=self._host, process=self._process, event=event)
                )
            elif self._left >= 0:
                self._say(line)

    def _say(self, line: bytes) -> None:
        text = line[:MOST_BYTES].decode("utf-8", "backslashreplace")
        record = SaidRecord(
            kind="said", host=self._host, process=self._process, line=text, source=self.source
        )
        if not self._left:
            record["line"], record["cut"] = f"(more than {MOST_LINES} lines)", True
        self._left -= 1
        self._emit(record)


def _event(line: bytes) -> dict[str, object] | None:
    if not line.startswith(b"{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "event" in event else None


def collect_ledger(host: str, lines: Sequence[bytes], fed: Sequence[int], emit: Recorder) -> None:
    """Record what new lines of a ledger say.

    Args:
        host: where its program runs.
        lines: `accepted N`, `acked N` or `acked N-M`; the program counts what it read from its
            input, from 1.
        fed: numbers of the messages that were written to it, in that order.
        emit: takes the records.
    """
    runs: dict[str, list[int]] = {}
    for line in lines:
        kind, _, numbers = line.decode("ascii", "replace").partition(" ")
        first, _, last = numbers.partition("-")
        if kind in ("accepted", "acked") and first.isdigit() and (last or first).isdigit():
            runs.setdefault(kind, []).extend(fed[int(first) - 1 : int(last or first)])
    if "accepted" in runs:
        emit(AcceptedRecord(kind="accepted", host=host, seqs=compress(runs["accepted"])))
    if "acked" in runs:
        emit(AckedRecord(kind="acked", host=host, seqs=compress(runs["acked"])))


class Output:
    """A receiver's output, one message a line.

    Args:
        host: where the receiver runs.
        lines: of the output.
        framing: how a line holds its message.
        messages: of the run.
        emit: takes the records.
    """

    def __init__(
        self, host: str, lines: Follower, framing: Framing, messages: Messages, emit: Recorder
    ) -> None:
        self._host = host
        self._lines = lines
        self._framing = framing
        self._messages = messages
        self._emit = emit
        self._seen = False

    def collect(self) -> None:
        """Record what came since the last call."""
        lines = self._lines.lines()
        if not lines and (self._seen or not self._lines.exists):
            return
        # An empty record says that the output was there and had nothing in it.
        self._seen = True
        numbers: list[int] = []
        corrupt: list[str] = []
        unexpected: list[str] = []
        for line in lines:
            found = self._messages.recognise(line, self._framing)
            if found.seq is not None and found.intact:
                numbers.append(found.seq)
            else:
                excerpt = line[:_EXCERPT].decode("utf-8", "backslashreplace")
                (unexpected if found.seq is None else corrupt).append(excerpt)
        self._emit(
            DeliveredRecord(
                kind="delivered",
                host=self._host,
                seqs=compress(numbers),
                corrupt=corrupt,
                unexpected=unexpected,
            )
        )
