"""What was read before is never recorded as of now."""

from __future__ import annotations

import time
from typing import Any

import pytest

from halfopen.labs.agent import observer, pacing
from halfopen.labs.agent.observer import Observer
from halfopen.model.records import DropsRecord, Record


class NoSockets:
    """A probe that finds nothing, and counts how often it looked."""

    looks = 0

    def read(self, _: object) -> list[Any]:
        NoSockets.looks += 1
        return []


def test_sockets_that_become_due_between_two_looks_at_the_clock_wait_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records: list[Record] = []
    watching = Observer(
        "host", middlebox=False, programs=dict, emit=records.append, failed=pytest.fail
    )
    monkeypatch.setattr(NoSockets, "looks", 0)
    monkeypatch.setattr(observer, "SocketProbe", NoSockets)
    monkeypatch.setattr(observer, "_ended_sockets", lambda: None)
    monkeypatch.setattr(observer, "probes_sent", lambda: None)
    monkeypatch.setattr(observer, "tcp_signature", lambda: ("nothing changes",))
    monkeypatch.setattr(pacing.Pace, "is_due", lambda *_: True)
    watch = watching._watch_endpoint()

    def sockets() -> int:
        return len([each for each in records if each["kind"] == "sockets"])

    due = iter([True, False, True, True, True])  # first look; then late by a moment; then due
    monkeypatch.setattr(watching, "_is_due", lambda _: next(due))
    watch()  # everything is new: the counters have changed
    assert (sockets(), NoSockets.looks) == (1, 1)
    watch()
    assert sockets() == NoSockets.looks == 1
    watch()
    assert sockets() == NoSockets.looks == 2


def test_a_machine_that_has_just_booted_records_at_the_first_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records: list[Record] = []
    watching = Observer(
        "host", middlebox=False, programs=dict, emit=records.append, failed=pytest.fail
    )
    # CLOCK_MONOTONIC begins at the boot.
    monkeypatch.setattr(time, "monotonic", lambda: 0.2)
    record = DropsRecord(kind="drops", host="host", packets=0, bytes=0, blocked=0)
    watching._record(record, None)
    assert records == [record]
