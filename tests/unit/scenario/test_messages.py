"""A bound on messages that lets all of them fail is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary

SCENARIO = """\
scenario: forty messages
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 10 min
  - send: 20 messages
expect:
  - delivery:
      lost: 0
      BOUND
"""


def problems(directory: Path, bound: str) -> str:
    path = directory / "s.yaml"
    path.write_text(SCENARIO.replace("BOUND", bound))
    try:
        load_scenario(path, default_vocabulary())
    except InputError as error:
        return str(error).removeprefix(f"{directory}/")
    return ""


@pytest.mark.parametrize("figure", ["duplicated", "reordered", "undelivered", "undecided", "stuck"])
@pytest.mark.parametrize("number", [40, 128])
def test_a_bound_that_is_not_below_what_is_sent_is_refused(
    tmp_path: Path, figure: str, number: int
) -> None:
    assert problems(tmp_path, f"{figure}: at most {number}") == (
        f"s.yaml:14: '{figure}: at most {number}' cannot fail in variant 'default', which sends "
        "40 messages; write a number below 40"
    )


@pytest.mark.parametrize(
    "bound", ["duplicated: at most 39", "duplicated: 40", "reordered: 0", "unexpected: at most 99"]
)
def test_a_bound_that_can_fail_is_taken(tmp_path: Path, bound: str) -> None:
    assert problems(tmp_path, bound) == ""
