"""Groups of hosts: their members on paths, in steps and checks; what asks for one host."""

from __future__ import annotations

import pytest

from halfopen.ports import Vocabulary
from halfopen.scenario.model import Inject, Send, Start, Stop, WaitUntil

from .conftest import BASE
from .kinds import Complain, Load
from .test_scenario_paths import plan_of

GROUP = (
    BASE.replace("    keepalive: off\n", "    keepalive: off\n    count: 3\n", 1)
    .replace("sender", "nodes")
    .replace(
        "  - wait: 75 min\n  - send: 20 messages\n",
        "  - stop: nodes.2\n  - wait: 75 min\n  - start: nodes\n",
    )
    .replace("- send: 20 messages\n", "- send: 20 messages\n    from: nodes\n")
    .replace("{ at: receiver, at end: 0 }", "{ at: nodes, at end: 0 }")
)
MEMBERS = ("nodes.1", "nodes.2", "nodes.3")


def test_each_member_is_a_host_with_its_own_path_steps_and_checks(
    load: Load, vocabulary: Vocabulary
) -> None:
    (variant,) = load(GROUP).variants
    assert (variant.path, *variant.branches) == tuple((n, "firewall", "receiver") for n in MEMBERS)
    sends = [step for step in variant.steps if isinstance(step, Send)]
    assert [(s.host, s.count, s.background) for s in sends] == [
        ("nodes.1", 20, True),
        ("nodes.2", 20, True),
        ("nodes.3", 20, False),
    ]
    assert [s.host for s in variant.steps if isinstance(s, Stop)] == ["nodes.2"]
    assert [s.host for s in variant.steps if isinstance(s, Start)] == list(MEMBERS)
    assert [each.label for each in variant.expect] == [f"half-open at {name}" for name in MEMBERS]
    assert [host.name for host in plan_of(load(GROUP), vocabulary).hosts if host.system] == [
        "nodes.1",
        "receiver",
        "nodes.2",
        "nodes.3",
    ]


def test_a_sum_is_over_all_members_and_named_by_the_group(load: Load) -> None:
    text = GROUP.replace(
        "{ at: nodes, at end: 0 }", "{ sum over: [nodes, receiver, nodes.2], at end: 0 }"
    )
    (variant,) = load(text).variants
    (expectation,) = variant.expect
    assert expectation.params.hosts() == (*MEMBERS, "receiver")
    assert expectation.label == "half-open over nodes, receiver, nodes.2"
    (variant,) = load(GROUP.replace("{ at: nodes,", "{ sum over: nodes,")).variants
    assert [each.label for each in variant.expect] == ["half-open over nodes"]


def test_what_one_member_reproduces_is_named_by_its_check(load: Load) -> None:
    text = GROUP.replace("{ at: nodes, at end: 0 }", "{ at: nodes, at end: 0, peak: 0 }")
    text += "variants:\n  one:\n    reproduces: { half-open at nodes.2.peak: 1 }\n"
    (variant,) = load(text).variants
    assert [dict(each.reproduces) for each in variant.expect] == [{}, {"peak": "exactly 1"}, {}]
    text = text.replace(", peak: 0 }", " }").replace("nodes.2.peak", "nodes.2")
    (variant,) = load(text).variants
    assert [dict(each.reproduces) for each in variant.expect] == [{}, {"": "exactly 1"}, {}]


def test_one_member_is_named_by_its_number(load: Load) -> None:
    text = GROUP.replace("{ at: nodes, at end: 0 }", "{ at: nodes.3, at end: 0 }")
    text = text.replace("  - wait: 75 min\n", "  - wait until: connections at nodes.3 = 0\n")
    (variant,) = load(text).variants
    assert [each.label for each in variant.expect] == ["half-open at nodes.3"]


def test_a_fault_at_a_group_is_one_at_each_member(load: Load) -> None:
    fault = "  - fault: power loss\n    at: nodes\n    for: 5 min\n"
    cut = "  - fault: partition\n    between: [nodes, firewall]\n  - heal: partition\n"
    (variant,) = load(GROUP.replace("  - wait: 75 min\n", fault + cut)).variants
    faults = [step.fault for step in variant.steps if isinstance(step, Inject)]
    assert [each.hosts() for each in faults[:3]] == [(name,) for name in MEMBERS]
    assert [each.hosts() for each in faults[3:]] == [(name, "firewall") for name in MEMBERS]
    lasting = [step.lasts for step in variant.steps if isinstance(step, Inject)]
    assert lasting == [300.0] * 3 + [0.0] * 3


def test_a_wait_for_a_group_is_one_for_each_member(load: Load) -> None:
    text = GROUP.replace("  - wait: 75 min\n", "  - wait until: connections at nodes = 0\n")
    (variant,) = load(text).variants
    waits = [step.until.host for step in variant.steps if isinstance(step, WaitUntil)]
    assert waits == list(MEMBERS)


def test_a_group_of_one_is_a_group(load: Load) -> None:
    text = GROUP.replace("count: 3", "count: 1").replace("nodes.2", "nodes.1")
    (variant,) = load(text).variants
    assert variant.path == ("nodes.1", "firewall", "receiver")


MISTAKES = [
    ("count: 3", "count: 0", "count for nodes: 0 is not a number of hosts; write 1 to 500"),
    ("count: 3", "count: 501", "count for nodes: 501 is not a number of hosts; write 1 to 500"),
    ("count: 3", "count: many", "count for nodes: 'many' is not a number of hosts"),
    ("count: 3", "count: 500", "the paths have 502 links; a lab has addresses for 500"),
    (
        "  - wait: 75 min\n",
        "  - fault: kill\n    at: receiver\n    when: connections at nodes = 0\n",
        "asks for one host, but nodes is a group of 3; name one of its hosts, like nodes.3",
    ),
    (
        "  - wait: 75 min\n",
        "  - fault: kill\n    at: node\n",
        "unknown host 'node'; did you mean 'nodes.",
    ),
    ("at: nodes,", "at: nodes.4,", "unknown host 'nodes.4'; did you mean 'nodes."),
    ("{ at: nodes,", "{ sum over: [nodes, node],", "unknown host 'node'; did you mean 'nodes."),
    (
        "{ at: nodes,",
        "{ sum over: firewall,",
        "needs a host that runs a system, but firewall is a middlebox",
    ),
    ("{ at: nodes,", "{ at: nodes.1, sum over: nodes,", "has `at` and `sum over`"),
    ("to: receiver", "to: nobody", "host nodes.1 names unknown host 'nobody'"),
    ("profile: fortigate", "profile: fortigate\n    count: 2", "unknown key 'count' for firewall"),
]


@pytest.mark.parametrize(("old", "new", "wanted"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_what_is_wrong_with_a_group_is_told_once_with_its_line(
    complain: Complain, old: str, new: str, wanted: str
) -> None:
    told = complain(GROUP.replace(old, new, 1))
    assert len([problem for problem in told if wanted in problem]) == 1, told
    assert all(problem.startswith("s.yaml:") for problem in told)
