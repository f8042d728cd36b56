"""`preload keepalive`: a key of any host that runs a system."""

import pytest

from halfopen.errors import InputError
from halfopen.model.plan import plan_from_json
from halfopen.ports import Vocabulary
from halfopen.products import libkeepalive
from halfopen.scenario import make_plans

from .kinds import NETNS, Complain, Load

PRELOAD = "preload keepalive: { idle: 30 min, interval: 75 s, probes: 9 }"


def with_preload(base: str, said: str = PRELOAD) -> str:
    return base.replace("    run: relpio receive", f"    run: relpio receive\n    {said}")


def test_it_is_scaled_as_the_kernel_takes_it_and_is_part_of_the_plan(
    load: Load, vocabulary: Vocabulary, base: str
) -> None:
    (plan,) = make_plans(load(with_preload(base)), lab=NETNS, scale=600, seed=7)
    sender, _, receiver = plan.hosts
    assert receiver.preload_keepalive == {"idle": 3.0, "interval": 1.0, "probes": 9}
    assert sender.preload_keepalive is None
    assert plan_from_json(plan.to_json()) == plan
    names = [each.name for each in plan.scaling]
    assert "receiver preload keepalive idle" in names
    assert "receiver preload keepalive detection" in names


def test_off_is_none(load: Load, base: str) -> None:
    found = load(with_preload(base, "preload keepalive: off")).variants[0]
    assert found.host("receiver").preload_keepalive is None


def test_its_timers_are_compared_with_the_others(
    load: Load, vocabulary: Vocabulary, base: str
) -> None:
    """50 min come before the firewall's 60; at a scale at which both are a second they do not."""
    said = "preload keepalive: { idle: 50 min, interval: 50 min, probes: 1 }"
    scenario = load(with_preload(base, said))
    assert make_plans(scenario, lab=NETNS, scale=60, seed=7)
    with pytest.raises(InputError, match=r"s.yaml:12: .*receiver preload keepalive probe period"):
        make_plans(scenario, lab=NETNS, scale=3600, seed=7)


def test_a_duration_needs_its_unit(complain: Complain, base: str) -> None:
    said = "preload keepalive: { idle: 50, interval: 50 min, probes: 1 }"
    assert complain(with_preload(base, said)) == [
        "s.yaml:12: idle in `preload keepalive` for receiver: 50 has no unit; "
        "write for example 50 s or 50 min"
    ]


def test_a_mistake_is_told_with_its_line(complain: Complain, base: str) -> None:
    found = complain(with_preload(base, "preload keepalive: { idle: 30 min, probes: 9 }"))
    assert len(found) == 1
    assert found[0].startswith("s.yaml:12: ")
    assert "interval" in found[0]


def test_what_a_program_gets_in_its_environment() -> None:
    found = libkeepalive.environment({"idle": 180.0, "interval": 60.0, "probes": 20})
    assert found.pop("LD_PRELOAD") == str(libkeepalive.library())
    assert found == {"KEEPIDLE": "180", "KEEPINTVL": "60", "KEEPCNT": "20"}
