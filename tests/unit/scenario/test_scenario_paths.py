"""The way back, and the family of addresses, as a scenario writes them."""

from __future__ import annotations

import pytest

from halfopen.model.plan import Plan
from halfopen.ports import Vocabulary
from halfopen.scenario import Scenario, make_plans

from .conftest import BASE
from .kinds import NETNS, Complain, Load

ROUTER = """\
  router:
    profile: fortigate
  receiver:
"""
WAYS = """\
path: [sender, firewall, receiver]
return path: [receiver, router, sender]
family: ipv6
"""
ASYMMETRIC = BASE.replace("  receiver:\n", ROUTER, 1).replace(
    "path: [sender, firewall, receiver]\n", WAYS, 1
)


def plan_of(scenario: Scenario, vocabulary: Vocabulary) -> Plan:
    (plan,) = make_plans(scenario, lab=NETNS, scale=None, seed=0)
    return plan


def test_a_way_back_and_a_family_come_into_the_plan(load: Load, vocabulary: Vocabulary) -> None:
    (variant,) = load(ASYMMETRIC).variants
    assert variant.returns == ("receiver", "router", "sender")
    assert [host.name for host in variant.hosts] == ["sender", "firewall", "receiver", "router"]
    plan = plan_of(load(ASYMMETRIC), vocabulary)
    assert (plan.family, plan.returns) == ("ipv6", variant.returns)
    assert plan.middleboxes == ("firewall", "router")


def test_without_them_it_is_ipv4_and_the_same_way(load: Load, vocabulary: Vocabulary) -> None:
    plan = plan_of(load(BASE), vocabulary)
    assert (plan.family, plan.returns) == ("ipv4", ())


MISTAKES = [
    (
        "[receiver, router, sender]",
        "[sender, router, receiver]",
        ["the return path does not go from receiver to sender"],
    ),
    (
        "[receiver, router, sender]",
        "[receiver, router, router, sender]",
        ["router is twice on the return path"],
    ),
    (
        "[receiver, router, sender]",
        "[receiver, nobody, sender]",
        ["host router is not on the path", "unknown host 'nobody'"],
    ),
    ("[receiver, router, sender]", "yes", ["'return path' is not a list of hosts", "not on the"]),
    ("family: ipv6", "family: ipx", ["family: 'ipx' is none; write ipv4 or ipv6"]),
]


@pytest.mark.parametrize(("old", "new", "wanted"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_of_a_way_is_told_with_its_line(
    complain: Complain, old: str, new: str, wanted: list[str]
) -> None:
    told = complain(ASYMMETRIC.replace(old, new, 1))
    assert len(told) == len(wanted)
    for words in wanted:
        assert any(words in problem for problem in told), told
    assert all(problem.startswith("s.yaml:") for problem in told)


def test_a_path_of_more_hosts_than_a_lab_has_addresses_for(complain: Complain) -> None:
    names = [f"m{number}" for number in range(199)]
    text = BASE.replace("path: [sender, firewall,", f"path: [sender, firewall, {', '.join(names)},")
    more = "".join(f"  {name}: {{ profile: fortigate }}\n" for name in names)
    (told,) = complain(text.replace("hosts:\n", f"hosts:\n{more}", 1))
    assert told.endswith(
        "202 hosts are on the path and the return path; a lab has addresses for 200"
    )
