"""The delivery ledger: what became of every message.

A message is *attempted* (sent), perhaps *accepted* (the sender's queue took it), perhaps *acked*
(the sender was told that it is safe), and *delivered* (it is in a receiver's output) any number of
times.  A message that was only written, and neither accepted nor acked, may rightly be anywhere:
its absence is information, not loss.  Jepsen calls such an operation `info`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from halfopen.model.history import History, expand
from halfopen.model.records import (
    AcceptedRecord,
    AckedRecord,
    DeliveredRecord,
    RefusedRecord,
    SentRecord,
)


@dataclass(frozen=True)
class Ledger:
    """The fate of all messages.

    Attributes:
        sent: number -> (t, host) of the first attempt, in the order of the attempts.
        unledgered: hosts that sent, and keep no ledger of what they accept: there, what was
            written is owed.
        owed: numbers that must be delivered: accepted, acked, or (if the sender keeps no ledger
            of what it accepts) written and not refused by its input.
        acked: number -> t of the first acknowledgement.
        deliveries: (t, host, number) in order of arrival.
        first: number -> t of the first delivery at any host.
        corrupt: (t, excerpt) of messages whose checksum is wrong.
        strange: (t, excerpt) of what is no message of this run.
        refused: numbers that a sender's input did not take, and that never came.
    """

    sent: dict[int, tuple[float, str]]
    owed: frozenset[int]
    acked: dict[int, float]
    deliveries: tuple[tuple[float, str, int], ...]
    first: dict[int, float]
    corrupt: tuple[tuple[float, str], ...]
    strange: tuple[tuple[float, str], ...]
    unledgered: frozenset[str] = frozenset()
    refused: frozenset[int] = frozenset()

    @property
    def missing(self) -> list[int]:
        """Owed and never delivered, in order."""
        return sorted(self.owed - self.first.keys())

    @property
    def undecided(self) -> list[int]:
        """Written, not owed, not refused, not delivered: nobody promised anything."""
        return sorted(self.sent.keys() - self.owed - self.first.keys() - self.refused)

    @property
    def duplicates(self) -> dict[int, int]:
        """Number -> how often too often it came, counted for each receiver by itself."""
        times = Counter((host, number) for _, host, number in self.deliveries)
        extra: Counter[int] = Counter()
        for (_, number), count in times.items():
            if count > 1:
                extra[number] += count - 1
        return dict(sorted(extra.items()))

    @property
    def reordered(self) -> list[tuple[float, int]]:
        """(t, number) of first deliveries that came after that of a message sent later.

        Only messages of one sender have an order.  It is that in which they were sent: a number
        says nothing, as the messages of two steps may be sent by turns.
        """
        place = {number: at for at, number in enumerate(self.sent)}
        last: dict[tuple[str, str], int] = {}
        seen: set[tuple[str, int]] = set()
        late = []
        for t, host, number in self.deliveries:
            if (host, number) in seen:
                continue
            seen.add((host, number))
            way = (self.sent[number][1], host)
            if place[number] < last.get(way, -1):
                late.append((t, number))
            last[way] = max(last.get(way, -1), place[number])
        return late

    def stuck(self, after: float) -> list[tuple[int, float, float]]:
        """(number, t of the message that set it free, t of delivery) of messages that hung.

        Such a message lay undelivered through a silence of its sender longer than `after` seconds,
        and came within `after` seconds of the message that ended the silence.  What comes late
        because the path was down is not stuck: it does not wait for another message.
        """
        breaks: dict[str, list[tuple[float, float]]] = {}
        latest: dict[str, float] = {}
        for t, host in sorted(self.sent.values()):
            if t - latest.get(host, t) > after:
                breaks.setdefault(host, []).append((latest[host], t))
            latest[host] = t
        found = []
        for number, (t, host) in sorted(self.sent.items()):
            came = self.first.get(number)
            for quiet, woken in breaks.get(host, ()):
                if came is not None and t <= quiet and woken <= came <= woken + after:
                    found.append((number, woken, came))
        return found


def read_ledger(history: History) -> Ledger:
    """The ledger of all senders and receivers of a run."""
    sent: dict[int, tuple[float, str]] = {}
    for attempt in history.of(SentRecord):
        for number in expand(attempt["seqs"]):
            sent.setdefault(number, (attempt["t"], attempt["host"]))
    accepted = {n for each in history.of(AcceptedRecord) for n in expand(each["seqs"])}
    acked: dict[int, float] = {}
    for safe in history.of(AckedRecord):
        for number in expand(safe["seqs"]):
            acked.setdefault(number, safe["t"])
    deliveries: list[tuple[float, str, int]] = []
    corrupt: list[tuple[float, str]] = []
    strange: list[tuple[float, str]] = []
    for record in history.of(DeliveredRecord):
        t, host = record["t"], record["host"]
        for number in expand(record["seqs"]):
            if number in sent:
                deliveries.append((t, host, number))
            else:
                strange.append((t, f"message {number}, which was never sent"))
        corrupt += [(t, text) for text in record["corrupt"]]
        strange += [(t, text) for text in record["unexpected"]]
    first: dict[int, float] = {}
    for t, _, number in deliveries:
        first.setdefault(number, t)
    refused = {n for each in history.of(RefusedRecord) for n in expand(each["seqs"])}
    keepers = {each["host"] for each in history.of(AcceptedRecord)}
    unledgered = frozenset({host for _, host in sent.values()} - keepers)
    written = {n for n, (_, host) in sent.items() if host in unledgered and n not in refused}
    owed = frozenset(accepted | acked.keys() | written)
    return Ledger(
        sent,
        owed,
        acked,
        tuple(deliveries),
        first,
        tuple(corrupt),
        tuple(strange),
        unledgered,
        frozenset((refused & sent.keys()) - owed - first.keys()),
    )
