"""The records of a history: one definition for each kind.

A record is a JSON object with `t` and `kind`.  From these definitions mypy checks whoever emits or
reads a record, :mod:`halfopen.model.checking` checks a file, and the table in `docs/history.md` is
made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args, get_type_hints

from halfopen.model.records.messages import (
    AcceptedRecord,
    AckedRecord,
    DeliveredRecord,
    RefusedRecord,
    SentRecord,
    UntakenRecord,
)
from halfopen.model.records.network import (
    CaptureRecord,
    ConntrackRecord,
    DropsRecord,
    FlowEntry,
    FlowRecord,
    KeepalivesRecord,
    SocketFields,
    SocketsRecord,
    UnsampledRecord,
)
from halfopen.model.records.programs import (
    FdsRecord,
    ImpstatsRecord,
    LogRecord,
    ProcessRecord,
    SaidRecord,
    SpoolRecord,
)
from halfopen.model.records.run import (
    ConditionRecord,
    EffectRecord,
    EndRecord,
    EngineRecord,
    FaultRecord,
    HeaderRecord,
    LabRecord,
    MachineRecord,
    StepRecord,
)

__all__ = [
    "KINDS",
    "AcceptedRecord",
    "AckedRecord",
    "CaptureRecord",
    "ConditionRecord",
    "ConntrackRecord",
    "DeliveredRecord",
    "DropsRecord",
    "EffectRecord",
    "EndRecord",
    "EngineRecord",
    "FaultRecord",
    "FdsRecord",
    "FlowEntry",
    "FlowRecord",
    "HeaderRecord",
    "ImpstatsRecord",
    "KeepalivesRecord",
    "LabRecord",
    "LogRecord",
    "MachineRecord",
    "ProcessRecord",
    "Record",
    "Recorder",
    "RefusedRecord",
    "SaidRecord",
    "SentRecord",
    "SocketFields",
    "SocketsRecord",
    "SpoolRecord",
    "StepRecord",
    "UnsampledRecord",
    "UntakenRecord",
    "at",
    "kind_of",
]

Record = (
    HeaderRecord
    | StepRecord
    | FaultRecord
    | EffectRecord
    | ConditionRecord
    | EngineRecord
    | MachineRecord
    | ProcessRecord
    | LogRecord
    | SaidRecord
    | ImpstatsRecord
    | SpoolRecord
    | FdsRecord
    | SentRecord
    | RefusedRecord
    | UntakenRecord
    | AcceptedRecord
    | AckedRecord
    | DeliveredRecord
    | SocketsRecord
    | UnsampledRecord
    | KeepalivesRecord
    | ConntrackRecord
    | FlowRecord
    | DropsRecord
    | CaptureRecord
    | LabRecord
    | EndRecord
)

Recorder = Callable[[Record], None]
"""Takes the records of a run, one after the other."""


def at(t: float, record: Record) -> Record:
    """A record as of `t`, in seconds of lab time, unless it says itself when it is of."""
    return cast(Record, {"t": round(t, 4), **record})


def _literal(definition: type) -> str:
    return str(get_args(get_type_hints(definition)["kind"])[0])


KINDS: Mapping[str, type[Any]] = {_literal(each): each for each in get_args(Record)}
"""The definition of each kind of record, in the order of the table in the docs."""

_NAMES = {definition: kind for kind, definition in KINDS.items()}


def kind_of(definition: type) -> str:
    """The kind of the records of a definition."""
    return _NAMES[definition]
