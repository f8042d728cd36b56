"""A check needs time after the last fault."""

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary

SCENARIO = """\
scenario: cut off
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 10 min
  - fault: forget flows
    at: firewall
REST
expect:
  - reconnect: { at: sender, within: 5 min }
  - half-open: { at: receiver, at end: 0 }
"""


def problems(directory: Path, rest: str) -> list[str]:
    path = directory / "s.yaml"
    path.write_text(SCENARIO.replace("REST\n", rest))
    try:
        load_scenario(path, default_vocabulary())
    except InputError as error:
        return [each.removeprefix(f"{directory}/") for each in str(error).split("\n")]
    return []


@pytest.mark.parametrize("rest", ["", "  - send: 20 messages\n", "  - stop: receiver\n"])
def test_a_run_that_ends_with_its_fault_is_refused(tmp_path: Path, rest: str) -> None:
    (told,) = problems(tmp_path, rest)
    line = 13 + bool(rest)
    assert told == (
        f"s.yaml:{line}: 'reconnect at sender' gives 300 s, but the run ends at once after the "
        "fault in line 10: too early to say anything about it; add a step after it, for example "
        "`- wait: 300 s`"
    )


@pytest.mark.parametrize(
    "rest",
    ["  - wait: 1 s\n", "  - wait until: 20 delivered\n", "  - send: 2 messages\n    every: 5 s\n"],
)
def test_any_time_is_enough(tmp_path: Path, rest: str) -> None:
    assert problems(tmp_path, rest) == []
