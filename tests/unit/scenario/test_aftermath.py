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
    ("rest", "left", "missing"),
    [
        ("  - wait: 1 min\n", "60 s", "240 s"),
        ("  - send: 50 messages\n    every: 1 s\n  - wait: 10 s\n", "60 s", "240 s"),
        (
            "  - send: 99 messages\n    every: 9 s\n    background: true\n  - wait: 1 min\n",
            "60 s",
            "240 s",
        ),
        (
            "  - fault: link down\n    between: [sender, firewall]\n    for: 2 min\n"
            "  - wait: 1 min\n",
            "120 s",
            "180 s",
        ),
    ],
)
def test_a_run_that_ends_before_a_bound_after_its_last_fault_is_refused(
    rest: str, left: str, missing: str, tmp_path: Path
) -> None:
    (told,) = problems(tmp_path, rest)
    assert told == (
        f"s.yaml:{13 + rest.count(chr(10))}: 'reconnect at sender' gives 300 s, but the run ends "
        f"{left} after the fault in line {12 if 'link down' in rest else 10}: too early to say "
        f"anything about it; add a step after it, for example `- wait: {missing}`, or write at "
        f"most {left}"
    )


@pytest.mark.parametrize(
    "rest",
    [
        "  - wait: 5 min\n",
        "  - wait until: 20 delivered\n",
        "  - send: 60 messages\n    every: 5 s\n",
        "  - wait: 4 min\n  - send: 60 messages\n    every: 1 s\n",
        "  - fault: link down\n    between: [sender, firewall]\n    for: 5 min\n",
        "  - fault: link flap\n    between: [sender, firewall]\n    down: 50 s\n    up: 50 s\n"
        "    times: 4\n",
        "  - fault: restart\n    at: receiver\n    down for: 5 min\n",
        "  - fault: link down\n    between: [sender, firewall]\n    until: 20 delivered\n",
    ],
)
def test_time_for_the_bound_is_enough(rest: str, tmp_path: Path) -> None:
    assert problems(tmp_path, rest) == []


BETWEEN = """\
scenario: cut off between two events
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - fault: silent drop
    at: firewall
    for: 2 min
  - wait: 3 min
  - fault: forget flows
    at: firewall
  - wait: 1 min
expect:
  - time between:
      first: FIRST
      then: { THEN }
      at most: 5 min
"""
LOST = "record: log, at: sender, where: { event.event: session-lost }"
REPLY = "{ line: connected, at: sender }"


def of_two_events(directory: Path, first: str, then: str = LOST, after: str = "1 min") -> list[str]:
    path = directory / "s.yaml"
    text = BETWEEN.replace("FIRST", first).replace("THEN", then)
    path.write_text(text.replace("- wait: 1 min", f"- wait: {after}"))
    try:
        load_scenario(path, default_vocabulary())
    except InputError as error:
        return [each.removeprefix(f"{directory}/") for each in str(error).split("\n")]
    return []


@pytest.mark.parametrize(
    ("first", "after", "left", "what"),
    [
        ("{ step: silent drop }", "1 min", "240 s", "fault in line 9"),
        ("{ step: wait 180 s }", "1 min", "240 s", "step in line 12"),
        ("{ step: forget flows }", "1 min", "60 s", "fault in line 13"),
        (REPLY, "1 min", "240 s", "step in line 8"),
    ],
)
def test_a_run_that_ends_before_a_second_event_can_be_late_is_refused(
    tmp_path: Path, first: str, after: str, left: str, what: str
) -> None:
    (told,) = of_two_events(tmp_path, first, after=after)
    missing = f"{300 - int(left.split()[0])} s"
    assert told == (
        f"s.yaml:17: 'time between' gives 300 s, but the run ends {left} after the {what}: too "
        f"early to say anything about it; add a step after it, for example `- wait: {missing}`, "
        f"or write at most {left}"
    )


@pytest.mark.parametrize(
    ("first", "then", "after"),
    [
        ("{ step: silent drop }", LOST, "2 min"),
        ("{ step: forget flows }", LOST, "5 min"),
        (REPLY, LOST, "2 min"),
        ("{ step: silent drop }", "step: wait 60 s", "1 min"),
    ],
    ids=["enough", "after the last fault", "somewhere in the run", "a step comes in its turn"],
)
def test_time_for_the_second_event_is_enough(
    tmp_path: Path, first: str, then: str, after: str
) -> None:
    assert of_two_events(tmp_path, first, then, after) == []
