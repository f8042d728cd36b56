"""Events of a run that a check can name, and when each was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from halfopen.checkers._lines import lines_of
from halfopen.fields import AnyHost, Endpoint, Section
from halfopen.model.history import History
from halfopen.model.observations import canonical, is_local
from halfopen.model.records import KINDS, SocketsRecord, StepRecord
from halfopen.model.steps import names_step

State = Literal[
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "CLOSING",
    "TIME_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
]
_FIELDS_OF_ALL = frozenset({"t", "kind", "host"})
_SCALARS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Occurrence:
    """One time that an event was seen.

    Attributes:
        t: when, in lab time.
        text: what was seen, for a person.
        since: lab seconds by which it may have happened earlier: a state is seen in a sample.
    """

    t: float
    text: str
    since: float = 0.0


class StepEvent(Section):
    """A step of the scenario begins, or ends.

    Attributes:
        step: its words as reports show them, or the first of them: `silent drop`, `stop sender`.
        ends: its end counts; by default its begin does.
    """

    key: ClassVar[str] = "step"
    step: str = Field(min_length=1)
    ends: bool = False

    def __str__(self) -> str:
        return f"the step “{self.step}” {'ends' if self.ends else 'begins'}"

    def unseen(self, history: History) -> str:
        """Why a history cannot show it; empty if it can."""
        return "" if history.steps else "the plan has no steps"

    def occurrences(self, history: History) -> Iterator[Occurrence]:
        """When it was seen, in order."""
        state = "end" if self.ends else "begin"
        for record in history.of(StepRecord, state=state):
            if names_step(self.step, record["text"]):
                yield Occurrence(record["t"], f"step “{record['text']}” {state}s")


class LineEvent(Section):
    """A line that a program of a host writes.

    Attributes:
        line: words that it has, exactly as they are written there.
        at: the host.
    """

    key: ClassVar[str] = "line"
    line: str = Field(min_length=1)
    at: Endpoint

    def __str__(self) -> str:
        return f"a line with “{self.line}” at {self.at}"

    def unseen(self, history: History) -> str:
        """Why a history cannot show it; empty if it can."""
        said = lines_of(history, self.at)
        if said is None:
            return f"nothing that programs of {self.at} write was recorded"
        return f"{self.at} wrote more lines than are recorded" if said.cut else ""

    def occurrences(self, history: History) -> Iterator[Occurrence]:
        """When it was seen, in order."""
        said = lines_of(history, self.at)
        for line in said.lines if said else ():
            if self.line in line.text:
                yield Occurrence(line.t, f"{self.at} wrote: {line.text}")


class StateEvent(Section):
    """A connection of a host comes to a TCP state.

    Attributes:
        state: as `ss` names it.
        at: the host.
    """

    key: ClassVar[str] = "state"
    state: State
    at: Endpoint

    def __str__(self) -> str:
        return f"a connection in {self.state} at {self.at}"

    def unseen(self, history: History) -> str:
        """Why a history cannot show it; empty if it can."""
        sampled = history.of(SocketsRecord, host=self.at)
        return "" if any(True for _ in sampled) else f"no socket of {self.at} was ever sampled"

    def occurrences(self, history: History) -> Iterator[Occurrence]:
        """When it was seen, in order."""
        before: dict[tuple[str, str], str] = {}
        for t, sockets in history.sockets(self.at):
            states = {
                (each.local, each.peer): canonical(each.state)
                for each in sockets
                if each.peer and not is_local(each.local, each.peer)
            }
            for (local, peer), state in states.items():
                if state == self.state != before.get((local, peer)):
                    text = f"{local} with {peer} is {state}"
                    yield Occurrence(t, text, history.sample_s)
            before = states


class RecordEvent(Section):
    """A record of the history.

    Attributes:
        record: its kind, see docs/history.md.
        at: the host, if it has one; any by default.
        where: fields and the values that they have; `event.event` is a field of a field.
    """

    key: ClassVar[str] = "record"
    record: str
    at: AnyHost | None = None
    where: Mapping[str, bool | int | float | str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> RecordEvent:
        if self.record not in KINDS:
            raise ValueError(f"unknown record kind {self.record!r}; {_near(self.record, KINDS)}")
        hints = get_type_hints(KINDS[self.record])
        if self.at is not None and "host" not in hints:
            raise ValueError(f"a record {self.record!r} has no host; leave out `at`")
        for name, value in self.where.items():
            known = [each for each in hints if each not in _FIELDS_OF_ALL]
            first, dot, _ = name.partition(".")
            if first not in known:
                raise ValueError(
                    f"a record {self.record!r} has no field {first!r}; {_near(first, known)}"
                )
            if not dot and (allowed := _misfit(hints[first], value)):
                raise ValueError(f"{name} is not {value!r} in a record {self.record!r}; {allowed}")
        return self

    def __str__(self) -> str:
        where = ", ".join(f"{name} {value}" for name, value in self.where.items())
        text = f"a record {self.record}" + (f" with {where}" if where else "")
        return text + (f" at {self.at}" if self.at else "")

    def unseen(self, history: History) -> str:
        """Why a history cannot show it; empty if it can."""
        at = {"host": self.at} if self.at else {}
        found = history.of(KINDS[self.record], **at)
        where = f" of {self.at}" if self.at else ""
        return "" if any(True for _ in found) else f"no record {self.record!r}{where} was made"

    def occurrences(self, history: History) -> Iterator[Occurrence]:
        """When it was seen, in order."""
        at = {"host": self.at} if self.at else {}
        for record in history.of(KINDS[self.record], **at):
            if all(_same(_field(record, name), value) for name, value in self.where.items()):
                yield Occurrence(record["t"], str(self))


EVENTS = (StepEvent, LineEvent, StateEvent, RecordEvent)
_EXAMPLE = "write for example { step: silent drop } or { line: GOAWAY, at: sender }"


def _one(value: object) -> object:
    """The mapping, if it is just one kind of event."""
    if isinstance(value, EVENTS):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is not an event; {_EXAMPLE}")
    found = [each.key for each in EVENTS if each.key in value]
    if len(found) != 1:
        keys = ", ".join(each.key for each in EVENTS)
        what = f"has {' and '.join(found)}" if found else f"has none of {keys}"
        raise ValueError(f"an event {what}; {_EXAMPLE}")
    return value


def _kind(value: object) -> str:
    if isinstance(value, Section):
        return type(value).__name__
    assert isinstance(value, Mapping)
    return next(each.__name__ for each in EVENTS if each.key in value)


Event = Annotated[
    Annotated[StepEvent, Tag("StepEvent")]
    | Annotated[LineEvent, Tag("LineEvent")]
    | Annotated[StateEvent, Tag("StateEvent")]
    | Annotated[RecordEvent, Tag("RecordEvent")],
    Discriminator(_kind),
    BeforeValidator(_one),
]
"""An event, told apart by its key: a step, a line, a state or a record."""


def _near(name: str, known: Any) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(known)}"


def _misfit(hint: Any, value: object) -> str:
    """What a field of this type may be instead of a value; empty if that is right."""
    origin = get_origin(hint)
    if origin is NotRequired:
        return _misfit(get_args(hint)[0], value)
    if origin is Literal:
        allowed = get_args(hint)
        return "" if value in allowed else f"write {' or '.join(map(str, allowed))}"
    options = [each for each in (get_args(hint) or (hint,)) if each in _SCALARS]
    if origin in (list, dict) or not options:
        return "only texts, numbers and true or false can be compared"
    fits: tuple[type, ...] = tuple(options) + ((int,) if float in options else ())
    if isinstance(value, fits) and (bool in options or not isinstance(value, bool)):
        return ""
    return "write " + " or ".join(_SCALARS[each] for each in options)


def _field(record: Any, name: str) -> object:
    for part in name.split("."):
        if not isinstance(record, Mapping):
            return None
        record = record.get(part)
    return record


def _same(found: object, wanted: object) -> bool:
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
