"""Records for tests."""

from __future__ import annotations

from typing import Any, cast

from halfopen.model.records import Record


def record(kind: str, t: float = 0.0, **fields: Any) -> Record:
    """A record with just these fields, as few as a test needs."""
    return cast(Record, {"t": t, "kind": kind, **fields})
