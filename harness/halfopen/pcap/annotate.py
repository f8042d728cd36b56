"""Writes into the captures of a run what its middleboxes did with the packets, as comments.

Wireshark shows them in the packet's details, in the column `frame.comment`, and finds them with the
filter of the same name.  What a middlebox dropped is said at the link on which it came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from halfopen.model.history import History
from halfopen.model.records import CaptureRecord, FaultRecord, FlowRecord
from halfopen.model.units import format_duration
from halfopen.pcap.drops import Observation, compare
from halfopen.pcap.files import Capture, read_capture
from halfopen.pcap.packets import Segment, read_segment

LARGEST = 256 << 20
"""Bytes of all captures of a run together; more would take minutes, and memory without end."""

_LATE_S = 0.3  # a flow's end is seen with the next sample


@dataclass
class Notes:
    """What was found in the captures of a run.

    Attributes:
        frames: in all files.
        dropped: by middlebox: packets that it did not pass on.
        injected: by middlebox: packets that it made itself.
        missed: frames that the capture had no room for; then something may be called dropped that
            was only not seen again.
        skipped: why nothing was annotated, empty if it was.
    """

    frames: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    skipped: str = ""


def annotate(directory: Path, history: History) -> Notes:
    """Comment the captures of a run, which lie in `directory`; again, if it was done before.

    Args:
        directory: of the captures.
        history: of the run.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if a file is no capture of ours.
    """
    records = {record["file"]: record for record in history.of(CaptureRecord)}
    paths = {name: directory / name for name in records if (directory / name).exists()}
    size = sum(path.stat().st_size for path in paths.values())
    if size > LARGEST:
        return Notes(skipped=f"the captures have {size >> 20} MiB, more than {LARGEST >> 20}")
    captures = {name: read_capture(path) for name, path in paths.items()}
    notes = Notes(
        frames=sum(len(each.frames) for each in captures.values()),
        missed=sum(each.dropped for each in captures.values()),
    )
    comments = _comments(captures, records, history, notes)
    for name, capture in captures.items():
        said = comments.get(name, {})
        capture.frames[:] = [
            replace(frame, comment="; ".join(said.get(number, ())))
            for number, frame in enumerate(capture.frames)
        ]
        capture.write(paths[name])
    return notes


def _comments(
    captures: Mapping[str, Capture],
    records: Mapping[str, Mapping[str, Any]],
    history: History,
    notes: Notes,
) -> dict[str, dict[int, list[str]]]:
    """File -> number of the frame -> what is said of it."""
    segments = {
        name: [read_segment(frame.data) for frame in capture.frames]
        for name, capture in captures.items()
    }
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    hosts = [str(h["name"]) for h in history.plan["hosts"] if h.get("profile") is not None]
    for box in hosts:
        arrivals: list[Observation] = []
        departures: list[Observation] = []
        for name, capture in captures.items():
            if box not in (capture.heading.host, capture.heading.neighbour):
                continue
            for number, frame in enumerate(capture.frames):
                if (segment := segments[name][number]) is not None:
                    sent = frame.outbound == (capture.heading.host == box)
                    seen = Observation(frame.time_ns, segment, (name, number))
                    (departures if sent else arrivals).append(seen)
        comparison = compare(arrivals, departures)
        reasons = Reasons(history, box)
        notes.dropped[box] += len(comparison.dropped)
        notes.injected[box] += len(comparison.injected)
        for observations, say in (
            (comparison.dropped, reasons.dropped),
            (comparison.injected, reasons.injected),
            (comparison.copies, reasons.copied),
        ):
            for each in observations:
                name, number = each.place
                origin = float(records[name]["realtime_s"]) - float(records[name]["t"])
                found[name][number].append(say(each.segment, each.time_ns / 1e9 - origin))
    return found


class Reasons:
    """Why a middlebox did what it did, as far as a history tells.

    Args:
        history: of the run.
        box: the middlebox.
    """

    def __init__(self, history: History, box: str) -> None:
        self._box = box
        self._names = {str(a): str(n) for n, a in history.header.get("addresses", {}).items()}
        self._faults = _faults_at(history, box)
        self._flows: dict[frozenset[str], list[tuple[float, str]]] = defaultdict(list)
        for record in history.of(FlowRecord, host=box):
            ended = record["event"] == "destroyed"
            what = str(record.get("cause") or "gone") if ended else ""
            views = [(record["client"], record["server"]), *filter(None, [record.get("outside")])]
            for view in views:
                self._flows[frozenset(map(str, view))].append((record["t"], what))

    def dropped(self, segment: Segment, t: float) -> str:
        """Of a packet that came at lab time `t` and was not passed on."""
        why = [f"fault '{text}'" for begin, end, text in self._faults if begin <= t <= end]
        state = self._flow(segment, t)
        if state is not None and state[1]:
            ended, cause = state
            age = format_duration(max(0.0, t - ended))
            why.append(f"no such flow ({cause} {age} before, in the lab)")
        elif state is None and not segment.opens:
            why.append("no such flow")
        elif not why:
            known = "though it knows the flow" if state else "it begins no flow"
            why.append(f"{known}, for a reason that is not recorded")
        return f"dropped by {self._box}: {'; '.join(why)}"

    def injected(self, segment: Segment, _: float) -> str:
        """Of a packet that left, and had not come."""
        address = segment.source.rpartition(":")[0].strip("[]")
        name = self._names.get(address)
        return f"injected by {self._box}" + (
            f", not by {name}" if name not in (None, self._box) else ""
        )

    def copied(self, _: Segment, __: float) -> str:
        """Of a packet that left once more than it had come."""
        return f"a copy, injected by {self._box}"

    def _flow(self, segment: Segment, t: float) -> tuple[float, str] | None:
        """When the flow of a packet began, or ended with a cause, last; None: never heard of."""
        known = self._flows.get(frozenset((segment.source, segment.destination)), [])
        place = bisect_right(known, t, key=lambda each: each[0])
        if place < len(known) and known[place][1] and known[place][0] <= t + _LATE_S:
            return known[place]  # it was over already, and that was seen a little later
        return known[place - 1] if place else None


def _faults_at(history: History, box: str) -> list[tuple[float, float, str]]:
    """(begin, end, words) of every fault that names the middlebox."""
    open_since: dict[tuple[Any, Any], float] = {}
    found = []
    for record in history.of(FaultRecord):
        text, t = record["text"], record["t"]
        if box not in text.replace(",", " ").split():
            continue
        key = (text, record["line"])
        if record["state"] == "begin":
            open_since[key] = t
        elif key in open_since:
            begin = open_since.pop(key)
            if not record.get("at_once"):  # what is over at once drops nothing by itself
                found.append((begin, t, text))
    return found + [(t, float("inf"), str(text)) for (text, _), t in open_since.items()]
