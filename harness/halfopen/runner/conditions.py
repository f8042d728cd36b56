"""Waits until a figure of the running scenario is as a condition wants it.

The figures follow from the records of the run, as they come in: nothing is polled, and a condition
is looked at again only when a record came that its figure is made of.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from halfopen.errors import HalfopenError
from halfopen.model.differences import Established, LatestSample, entry_key
from halfopen.model.history import expand
from halfopen.model.records import FlowEntry, Record
from halfopen.runner.lateness import Lateness
from halfopen.scenario.conditions import Condition

_MESSAGES = ("sent", "accepted", "acked", "delivered")
_MADE_OF = {
    **{kind: (kind,) for kind in _MESSAGES},
    "sent": ("sent", "refused"),
    "queue depth": ("accepted", "acked"),
    "connections": ("sockets",),
    "fds": ("fds", "process"),
    "flows": ("conntrack",),
    "event": ("log",),
}
"""The kinds of records that each figure is made of."""


class UnmetError(HalfopenError):
    """A condition did not come true in time: what was to be seen was not brought about."""


class Figures:
    """What can be counted in the records of a run so far, see :data:`FIGURES`."""

    def __init__(self) -> None:
        self._messages: dict[tuple[str, str | None], set[int]] = defaultdict(set)
        self._waiting: dict[str, set[int]] = {}  # accepted and not acked, by host
        self._connections = Established()
        self._flows: dict[str, LatestSample[FlowEntry]] = {}
        self._fds: dict[str, dict[str, int]] = defaultdict(dict)
        self._events: Counter[tuple[str, str]] = Counter()
        self._running: dict[str, set[str]] = defaultdict(set)
        self._before: dict[str, set[int]] = defaultdict(set)  # sent before a program's last end

    @property
    def all_delivered(self) -> bool:
        """True if every message that was sent is in an output."""
        return self._messages["sent", None] <= self._messages["delivered", None]

    def runs(self, host: str) -> bool:
        """True if a program of the host runs."""
        return bool(self._running[host])

    def connected(self, host: str) -> int:
        """Sockets of the host in ESTABLISHED, as of its last sample."""
        return len(self._connections.hosts.get(host, ()))

    def unacknowledged(self, host: str) -> bool:
        """True if something is underway of what was sent to the host since its program started.

        Whether what a program took with it when it ended comes back is for `delivery` to say.
        """
        underway = self._messages["sent", host] - self._messages["delivered", None]
        return not (underway | self._waiting.get(host, set())) <= self._before[host]

    def take(self, record: Record) -> None:
        """Count what a record says."""
        match record["kind"]:
            case "sent" | "accepted" | "acked" | "delivered":
                self._count(record["kind"], record["host"], expand(record["seqs"]))
            case "refused":
                for place in (record["host"], None):
                    self._messages["sent", place].difference_update(expand(record["seqs"]))
            case "sockets":
                self._connections.take(record)
            case "conntrack":
                table = self._flows.setdefault(record["host"], LatestSample(entry_key))
                table.take(record["entries"], record.get("gone"))
            case "fds":
                self._fds[record["host"]][record["process"]] = sum(record["counts"].values())
            case "process" if record["state"] == "exited":
                self._fds[record["host"]].pop(record["process"], None)
                self._running[record["host"]].discard(record["process"])
                self._before[record["host"]] |= self._messages["sent", record["host"]]
            case "process":
                self._running[record["host"]].add(record["process"])
            case "log":
                self._events[record["host"], str(record["event"].get("event"))] += 1

    def _count(self, kind: str, host: str, numbers: Iterable[int]) -> None:
        numbers = list(numbers)
        self._messages[kind, host].update(numbers)
        self._messages[kind, None].update(numbers)
        if kind == "accepted":
            waiting = self._waiting.setdefault(host, set())
            waiting.update(set(numbers) - self._messages["acked", host])
        elif kind == "acked" and host in self._waiting:
            self._waiting[host].difference_update(numbers)

    def value(self, condition: Condition) -> int | None:
        """The figure of a condition now; None while no value is recorded."""
        host = condition.host
        match condition.figure:
            case "queue depth":
                if host is None:
                    return sum(map(len, self._waiting.values())) if self._waiting else None
                return len(self._waiting[host]) if host in self._waiting else None
            case "connections":
                connected = self._connections.hosts.get(str(host))
                return None if connected is None else len(connected)
            case "flows":
                table = self._flows.get(str(host))
                return None if table is None else len(table.items)
            case "fds":
                known = self._fds.get(str(host))
                return sum(known.values()) if known is not None else None
            case "event":
                return self._events[str(host), condition.event]
            case kind:
                return len(self._messages[kind, host])


@dataclass(eq=False)
class _Waiter:
    condition: Condition
    met: asyncio.Future[int] = field(default_factory=asyncio.Future)


class Conditions:
    """The conditions of one run that somebody waits for.

    Attributes:
        figures: what was counted so far.
        lateness: how late the machine was so far; deadlines are put off by it.
    """

    def __init__(self) -> None:
        self.figures = Figures()
        self.lateness = Lateness()
        self._waiters: set[_Waiter] = set()

    def take(self, record: Record) -> None:
        """Count what a record says, and wake whoever waited for it."""
        self.figures.take(record)
        self.lateness.take(record)
        for waiter in list(self._waiters):
            if record["kind"] in _MADE_OF[waiter.condition.figure] and not waiter.met.done():
                value = self.figures.value(waiter.condition)
                if value is not None and waiter.condition.holds(value):
                    waiter.met.set_result(value)

    def give_up(self, reason: HalfopenError) -> None:
        """Nothing will come any more: whoever waits gets this error."""
        for waiter in self._waiters:
            if not waiter.met.done():
                waiter.met.set_exception(reason)

    async def reach(self, condition: Condition, at_most: float) -> int:
        """Wait until a condition is met; returns its figure then.

        Args:
            condition: what is waited for.
            at_most: lab seconds, of a machine that has time.

        Raises:
            UnmetError: if it was not met in time, with the figure.
        """
        value = self.figures.value(condition)
        if value is not None and condition.holds(value):
            return value
        waiter = _Waiter(condition)
        self._waiters.add(waiter)
        try:
            return await self.lateness.within(at_most, waiter.met)
        except TimeoutError:
            value = self.figures.value(condition)
            seen = "no value was recorded" if value is None else f"the last value was {value}"
            raise UnmetError(
                f"the condition '{condition}' was not met within {at_most:g} s in the lab: {seen}"
            ) from None
        finally:
            self._waiters.discard(waiter)
