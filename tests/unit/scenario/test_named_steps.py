"""What is wrong with the events of `time between` is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary

SCENARIO = """\
scenario: a last will
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - fault: silent drop
    at: firewall
    for: 5 min
  - wait: 10 min
expect:
  - time between:
      first: FIRST
      then: { line: last will, at: receiver }
      at most: 90 s
"""


def problems(directory: Path, first: str) -> list[str]:
    path = directory / "s.yaml"
    path.write_text(SCENARIO.replace("FIRST", first))
    try:
        load_scenario(path, default_vocabulary())
    except InputError as error:
        return [each.removeprefix(f"{directory}/") for each in str(error).split("\n")]
    return []


@pytest.mark.parametrize(
    "first",
    [
        "{ step: silent drop }",
        "{ step: silent drop at firewall, ends: true }",
        "{ step: 'silent drop at firewall, for 300 s' }",
        "{ line: connected, at: sender }",
        "{ state: ESTABLISHED, at: sender }",
        "{ record: flow, at: firewall, where: { event: destroyed } }",
    ],
)
def test_each_kind_of_event_is_accepted(tmp_path: Path, first: str) -> None:
    assert not problems(tmp_path, first)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (
            "{ step: silent drops }",
            "s.yaml:14: 'time between' names the step 'silent drops', which this variant does not "
            "have; write the first words of one of its steps: silent drop at firewall, for 300 s",
        ),
        (
            "{ line: connected, at: sendr }",
            "names unknown host 'sendr'; did you mean 'sender'?",
        ),
        ("{ line: connected, at: firewall }", "s.yaml:1"),
        ("{ state: ESTABLISH, at: sender }", "did you mean 'ESTABLISHED'?"),
        ("{ lines: connected, at: sender }", "s.yaml:15: first for check 'time between': an event"),
        ("{ step: silent drop, end: true }", "unknown key 'end' for check 'time between'"),
        (
            "{ record: flow, where: { evnt: x } }",
            "s.yaml:15: first for check 'time between': a record 'flow' has no field 'evnt'; "
            "did you mean 'event'?",
        ),
    ],
)
def test_a_mistake_in_an_event_is_told_with_its_line(
    tmp_path: Path, first: str, words: str
) -> None:
    found = problems(tmp_path, first)
    assert found
    assert words in found[0], found
