"""Comments the captures of a run once it is over, and says in a few figures what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from halfopen.model.history import History
from halfopen.model.records import CaptureRecord
from halfopen.model.verdict import VariantResult
from halfopen.pcap.annotate import annotate
from halfopen.pcap.files import DIRECTORY


def with_captures(result: VariantResult, history: History) -> VariantResult:
    """The result with `extra["captures"]`, if links were captured: where, and what is in them.

    What cannot be commented stays as it was captured, and its result says why: it does not change
    the verdict, which rests on the history alone.
    """
    if not history.of(CaptureRecord):
        return result
    directory = Path(result.directory) / DIRECTORY
    found: dict[str, object] = {"directory": str(directory)}
    try:
        notes = annotate(directory, history)
    except (OSError, ValueError) as error:
        found["skipped"] = str(error)
    else:
        found |= {
            "frames": notes.frames,
            "dropped": dict(notes.dropped),
            "injected": dict(notes.injected),
            "missed": notes.missed,
            "skipped": notes.skipped,
        }
    return replace(result, extra={**result.extra, "captures": found})
