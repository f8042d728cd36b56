"""A run lasts until the checks that bound a duration can decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.cli.loading import load_plans
from halfopen.labs import all_labs
from halfopen.model.history import compress
from halfopen.model.records import Record
from halfopen.model.sampling import SAMPLE_S
from halfopen.runner.aftermath import OpenQuestion, open_questions
from halfopen.runner.conditions import Figures
from halfopen.vocabulary import default_vocabulary

from ..records import record

SCENARIO = """\
scenario: two bounds
scale: 10
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
expect:
  - delivery: { lost: 0 }
  - reconnect: { at: sender, within: 2 min }
  - dead connection removal: { at: receiver, within: 3 min }
"""


def test_a_question_is_open_for_as_long_as_the_bound(tmp_path: Path) -> None:
    (tmp_path / "s.scenario.yaml").write_text(SCENARIO)
    (plan,) = load_plans([tmp_path / "s.scenario.yaml"], lab=all_labs()["netns"])
    assert open_questions(plan, default_vocabulary()) == (
        OpenQuestion("sender", 12 + 2 * SAMPLE_S),
    )


def sockets(host: str, *ports: int) -> Record:
    found = [{"local": f"a:{p}", "peer": "b:1", "state": "ESTABLISHED"} for p in ports]
    return record("sockets", host=host, sockets=found)


def messages(kind: str, host: str, *numbers: int) -> Record:
    return record(kind, host=host, seqs=compress(numbers))


def process(host: str, state: str) -> Record:
    return record("process", host=host, process="p", state=state)


ALIVE = (process("sender", "started"), process("receiver", "started"))


def answered(*records: Record) -> bool:
    figures = Figures()
    for each in (*ALIVE, *records):
        figures.take(each)
    return OpenQuestion("sender", 1.0).is_answered(figures)


OPEN = sockets("sender", 1)
RESTARTED = (process("sender", "exited"), process("sender", "started"))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((OPEN,), True),
        ((), False),
        ((sockets("sender"),), False),
        ((OPEN, sockets("sender")), False),
        ((OPEN, messages("sent", "sender", 1)), False),
        ((OPEN, messages("sent", "sender", 1), messages("delivered", "receiver", 1)), True),
        ((OPEN, messages("accepted", "sender", 1)), False),
        ((OPEN, messages("accepted", "sender", 1), messages("acked", "sender", 1)), True),
        ((OPEN, messages("sent", "sender", 1), *RESTARTED), True),
        ((OPEN, *(messages(kind, "sender", 1) for kind in ("accepted", "sent")), *RESTARTED), True),
        ((OPEN, *RESTARTED, messages("sent", "sender", 1)), False),
        ((sockets("sender"), process("sender", "exited")), True),
        ((sockets("sender"), process("receiver", "exited")), False),
    ],
)
def test_a_session_that_is_bounded_is_waited_for(
    records: tuple[Record, ...], expected: bool
) -> None:
    assert answered(*records) is expected
