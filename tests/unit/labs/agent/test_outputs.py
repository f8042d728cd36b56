"""What is recorded of what a program writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.labs.agent import outputs
from halfopen.labs.agent.follower import Follower
from halfopen.labs.agent.outputs import Output, Words
from halfopen.model.messages import DEFAULT
from halfopen.model.records import Record
from halfopen.workloads.numbered import Messages, message


def heard(path: Path) -> tuple[Words, list[Record], list[object]]:
    records: list[Record] = []
    events: list[object] = []
    words = Words("sender", "cat", "standard error", Follower(path), records.append, events.append)
    return words, records, events


def test_each_line_is_recorded_and_an_event_is_a_log_record(tmp_path: Path) -> None:
    path = tmp_path / "log"
    words, records, events = heard(path)
    path.write_bytes(b'hello\n\n{"event": "ready", "n": 1}\n{"no": "event"}\n\xff half')
    words.collect()
    common = {"host": "sender", "process": "cat"}
    said = {"kind": "said", **common, "source": "standard error"}
    assert records == [
        {**said, "line": "hello"},
        {"kind": "log", **common, "event": {"event": "ready", "n": 1}},
        {**said, "line": '{"no": "event"}'},
    ]
    assert events == ["ready"]
    words.collect(ended=True)
    assert records[3:] == [{**said, "line": "\\xff half"}]
    words.collect(ended=True)
    assert len(records) == 4


def test_a_program_that_never_stops_talking_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "MOST_LINES", 3)
    path = tmp_path / "log"
    words, records, _ = heard(path)
    path.write_bytes(b"".join(b"%d\n" % n for n in range(9)) + b'{"event": "late"}\n')
    words.collect()
    assert [r.get("line") for r in records] == ["0", "1", "2", "(more than 3 lines)", None]
    assert [r.get("cut", False) for r in records] == [False, False, False, True, False]


def test_only_a_line_that_is_as_it_was_sent_is_delivered(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    messages = Messages("mine")
    records: list[Record] = []
    messages.begin(range(1, 4), DEFAULT)
    output = Output("receiver", Follower(path), "as sent", messages, records.append)
    output.collect()
    assert records == []
    torn = message("mine", 2)[:100] + message("mine", 3)
    path.write_bytes(message("mine", 1) + b"\n" + torn + b"\nhello\n")
    output.collect()
    assert records == [
        {
            "kind": "delivered",
            "host": "receiver",
            "seqs": [[1, 1]],
            "corrupt": [torn[:120].decode()],
            "unexpected": ["hello"],
        }
    ]
