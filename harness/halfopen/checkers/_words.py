"""How checks describe times and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from halfopen.model.history import History, compress
from halfopen.model.records import LogRecord
from halfopen.model.units import format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Finding

_EXCERPTS = 5


def say(history: History, seconds: float) -> str:
    """Lab `seconds` as production time, with the lab's own figure where the two differ."""
    text = format_duration(seconds * history.scale)
    return text if history.scale == 1 else f"{text} ({format_duration(seconds)} in the lab)"


def production(history: History, seconds: float) -> str:
    """Lab `seconds` as production time."""
    return format_duration(seconds * history.scale)


def moment(history: History, t: float) -> str:
    """When lab time `t` was, in production time from the first step on."""
    seconds = history.moment(t)
    if seconds < 0:
        return f"{format_duration(-seconds)} before the first step"
    return format_duration(seconds)


def runs(numbers: Iterable[int]) -> str:
    """Numbers of messages, the first few runs of them: `1-20, 25 and 3 more runs`."""
    found = compress(numbers)
    text = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found[:_EXCERPTS])
    return text + (f" and {len(found) - _EXCERPTS} more runs" if len(found) > _EXCERPTS else "")


def in_short(hosts: Sequence[str]) -> str:
    """Names of hosts in few words: `nodes.1 and 19 others`."""
    others = len(hosts) - 1
    return hosts[0] + (f" and {others} other{'s' if others > 1 else ''}" if others else "")


def unseen(hosts: Sequence[str], records: Iterable[Mapping[str, Any]]) -> str:
    """The first of `hosts` that none of `records` is about; empty if each has one."""
    seen = {record["host"] for record in records}
    return next((host for host in hosts if host not in seen), "")


def unknown(bound: str, why: str, evidence: Sequence[Evidence] = ()) -> Finding:
    """The finding of a check that has nothing to go by."""
    return Finding(Verdict.UNKNOWN, None, bound, why, tuple(evidence))


def late(bound: str, found: Finding, late_s: float, decides: str) -> Finding:
    """The finding of a check that the machine's lateness may have decided.

    Args:
        bound: what was asked for.
        found: what would have been found.
        late_s: lab seconds by which the machine was late.
        decides: from how much on that can decide, in words.
    """
    why = (
        f"the machine was late by {format_duration(late_s)}, {decides}: run it again when the "
        f"machine has more time ({found.verdict}: {found.why})"
    )
    return Finding(Verdict.UNKNOWN, found.observed, bound, why, found.evidence, late_s=late_s)


def unless_delayed(
    history: History, failed: Finding, spans: Sequence[tuple[float, float]], within: float
) -> Finding:
    """A failure, or unknown if all that took too long did so because programs had no CPU or disk.

    Args:
        history: of the run.
        failed: what would be found.
        spans: begin and end of each thing that took its time, lab time.
        within: lab seconds that each may take.
    """
    delays = [(end - start, history.delay(start, end)) for start, end in spans]
    if any(took - delay > within for took, delay in delays):
        return failed
    decides = "the time that programs waited for a CPU or a disk included"
    return late(
        failed.bound, failed, max(delay for took, delay in delays if took > within), decides
    )


def cut_short(history: History) -> str:
    """Why a run that is not complete proves nothing."""
    if (end := history.end) is not None:
        detail = f": {end['detail']}" if end["detail"] else ""
        return f"the run was not complete ({end['reason']}{detail})"
    if history.begun is None:
        return "the run was not complete: its record ends before the first step"
    after = say(history, history.duration - history.begun)
    return f"the run was not complete: its record ends after {after}"


def event_name(record: LogRecord) -> str:
    """The name of the event in a `log` record, empty if it has none."""
    event = record["event"].get("event", record["event"].get("name", ""))
    return event if isinstance(event, str) else ""
