"""Several paths of a scenario: read, planned, and refused where they are ambiguous."""

from __future__ import annotations

import re

import pytest

from halfopen.model.plan import plan_from_json
from halfopen.ports import Vocabulary

from .conftest import BASE
from .kinds import Complain, Load
from .test_scenario_paths import plan_of

PATHS = """\
paths:
  - [sender, firewall, receiver]
  - [other, firewall, receiver]
"""
TWO = (
    BASE.replace("path: [sender, firewall, receiver]\n", PATHS, 1)
    .replace("  receiver:\n", "  other: { run: relpio send, to: receiver }\n  receiver:\n", 1)
    .replace("- send: 20 messages\n", "- send: 20 messages\n    from: sender\n")
)


def test_paths_join_hosts_of_the_same_name(load: Load, vocabulary: Vocabulary) -> None:
    (variant,) = load(TWO).variants
    assert variant.path == ("sender", "firewall", "receiver")
    assert variant.branches == (("other", "firewall", "receiver"),)
    assert [host.name for host in variant.hosts] == ["sender", "firewall", "receiver", "other"]
    plan = plan_of(load(TWO), vocabulary)
    assert plan.paths == (variant.path, *variant.branches)
    assert plan.middleboxes == ("firewall",)
    assert plan_from_json(plan.to_json()) == plan


MISTAKES = [
    ("  - [other, firewall, receiver]\n", "", ["host other is not on the path"]),
    ("[other, firewall, receiver]", "[other, firewall]", ["ends with firewall", "shorter"]),
    ("[other, firewall, receiver]", "other", ["'paths' is not a list of hosts"]),
    (
        "[other, firewall, receiver]",
        "[sender, firewall, receiver]",
        ["this path is the one of line", "host other is not on any path"],
    ),
    ("paths:\n", "path: [sender, firewall, receiver]\npaths:\n", ["both 'path' (line"]),
    (
        "paths:\n",
        "return path: [receiver, firewall, sender]\npaths:\n",
        ["a return path needs a single path"],
    ),
    (
        "[other, firewall, receiver]\n",
        "[receiver, firewall, other]\n",
        ["receiver is on the inside of firewall here, but on its outside in line"],
    ),
    (
        "  - [other, firewall, receiver]\n",
        "  - [other, firewall, receiver]\n  - [sender, second, receiver]\n",
        [
            "there are two ways from sender to receiver: sender - firewall - receiver and sender "
            "- second - receiver"
        ],
    ),
    (
        "[other, firewall, receiver]",
        "[other, second, third]",
        ["no path leads from other to receiver", "let other connect to another host"],
    ),
    (
        "  - [other, firewall, receiver]\n",
        "  - [other, firewall, receiver]\n  - [third, second, fourth]\n",
        ["no sender can reach the receiver third", "no sender can reach the receiver fourth"],
    ),
]
MORE = """\
  second: { profile: fortigate }
  third: { run: relpio receive }
  fourth: { run: relpio receive }
"""


@pytest.mark.parametrize(("old", "new", "wanted"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_of_paths_is_told_with_its_line(
    complain: Complain, old: str, new: str, wanted: list[str]
) -> None:
    text = TWO.replace(old, new, 1)
    for line in MORE.splitlines(keepends=True):
        if line.split(":")[0].strip() in re.findall(r"\w+", new):
            text = text.replace("  receiver:\n", f"{line}  receiver:\n", 1)
    told = complain(text)
    for words in wanted:
        assert any(words in problem for problem in told), told
    assert all(problem.startswith("s.yaml:") for problem in told)


def test_a_middlebox_translates_destinations_to_one_host(complain: Complain) -> None:
    more = "  third: { run: relpio receive }\n  receiver:\n"
    text = TWO.replace("  receiver:\n", more, 1).replace(
        "[other, firewall, receiver]", "[other, firewall, third]"
    )
    told = complain(text.replace("profile: fortigate", "profile: fortigate\n    nat: destination"))
    assert any("firewall translates destinations to one host, but 2 paths" in p for p in told), told


def test_more_links_than_a_lab_has_addresses_for(complain: Complain) -> None:
    names = [f"s{number}" for number in range(500)]
    hosts = "".join(f"  {name}: {{ run: relpio send, to: receiver }}\n" for name in names)
    paths = "".join(f"  - [{name}, firewall, receiver]\n" for name in names)
    text = TWO.replace("  receiver:\n", f"{hosts}  receiver:\n", 1)
    (told,) = complain(text.replace(PATHS, f"{PATHS}{paths}"))
    assert told.endswith("the paths have 504 links; a lab has addresses for 500")
