"""The pool of a balancer: read, and refused where nobody could be served."""

from __future__ import annotations

import pytest

from halfopen.ports import Vocabulary

from .conftest import BASE
from .kinds import Complain, Load
from .test_scenario_paths import plan_of

POOL = (
    BASE.replace(
        "    profile: fortigate\n",
        "    profile: fortigate\n    nat: destination\n    pool: [receiver, second]\n",
    )
    .replace("  receiver:\n", "  second: { run: relpio receive }\n  receiver:\n", 1)
    .replace(
        "path: [sender, firewall, receiver]\n",
        "paths:\n  - [sender, firewall, receiver]\n  - [sender, firewall, second]\n",
    )
)
GROUP = (
    POOL.replace("second: { run: relpio receive }", "web: { run: relpio receive, count: 3 }")
    .replace("firewall, second]", "firewall, web]")
    .replace("[receiver, second]", "[receiver, web]")
)


def test_a_pool_reaches_the_plan(load: Load, vocabulary: Vocabulary) -> None:
    (box,) = [host for host in plan_of(load(POOL), vocabulary).hosts if host.profile]
    assert (box.options["pool"], box.options["balance"]) == (["receiver", "second"], "round robin")


def test_the_members_of_a_group_are_servers(load: Load) -> None:
    (variant,) = load(GROUP).variants
    (box,) = [host for host in variant.hosts if host.profile]
    assert box.settings.model_dump()["pool"] == ("receiver", "web.1", "web.2", "web.3")


DRAIN = "  - wait: 75 min\n  - fault: drain\n    at: firewall\n    server: {}\n    for: 1 min\n"
MISTAKES = [
    ("pool: [receiver, second]", "pool: []", "the pool is empty; name its servers"),
    ("pool: [receiver, second]", "pool: [receiver, receiver]", "each server is named once"),
    ("pool: [receiver, second]", "pool: 3", "it is not a list of hosts"),
    ("pool: [receiver, second]", "pool: [receiver, third]", "unknown host 'third'"),
    (
        "pool: [receiver, second]",
        "pool: [receiver, firewall]",
        "needs a host that runs a system, but firewall is a middlebox",
    ),
    (
        "pool: [receiver, second]",
        "pool: [receiver, second, sender]",
        "no path leads through firewall to sender, which is in its pool; add a path",
    ),
    (
        "pool: [receiver, second]",
        "pool: [receiver]",
        "a path through firewall ends at second, which is not in its pool; add second",
    ),
    (
        "    pool: [receiver, second]\n",
        "    nat ports: 4\n",
        "firewall has `nat ports`, so it translates sources, not 'destination'; write",
    ),
    (
        "nat: destination",
        "nat: source",
        "firewall has a pool, so it translates destinations, not 'source'; write `nat: dest",
    ),
    (
        "    pool: [receiver, second]\n",
        "    balance: source hash\n",
        "firewall has no pool to balance; add `pool: [...]`",
    ),
    (
        "    pool: [receiver, second]\n",
        "",
        "firewall translates destinations to one host, but 2 paths behind it end at different "
        "hosts: receiver, second; name them in its `pool`",
    ),
    (
        "  - wait: 75 min\n",
        DRAIN.format("sender"),
        "sender is not in the pool of firewall; its pool is receiver, second",
    ),
]


@pytest.mark.parametrize(("old", "new", "wanted"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_of_a_pool_is_told_with_its_line(
    complain: Complain, old: str, new: str, wanted: str
) -> None:
    told = complain(POOL.replace(old, new, 1))
    assert any(wanted in problem for problem in told), told
    assert all(problem.startswith("s.yaml:") for problem in told)


def test_what_has_no_pool_drains_nobody(complain: Complain) -> None:
    told = complain(BASE.replace("  - wait: 75 min\n", DRAIN.format("receiver")))
    assert told == ["s.yaml:16: receiver is not in the pool of firewall; it has no `pool`"]
