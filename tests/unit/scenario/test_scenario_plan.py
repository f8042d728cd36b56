"""Plans: scaled values, and plain data that reads back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from halfopen.errors import UsageError
from halfopen.fields import Scaled
from halfopen.model.plan import plan_from_json
from halfopen.model.steps import PlannedInject, PlannedSend, PlannedWait
from halfopen.ports import LabSpec, Vocabulary
from halfopen.scenario import make_plans
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.scenario.scaling import scale_seconds

from .kinds import NETNS, Load, PlanOf


@pytest.fixture
def plan(load: Load, vocabulary: Vocabulary) -> PlanOf:
    def of(text: str, lab: LabSpec = NETNS, scale: float | None = None) -> Any:
        (only,) = make_plans(load(text), lab=lab, scale=scale, seed=7)
        return only

    return of


def test_everything_is_divided_by_the_scale(plan: PlanOf, base: str) -> None:
    text = base.replace("keepalive: off", "ack timeout: 90 s\n    pauses: [1 h, 5 min]")
    text = text.replace("profile: fortigate", "profile: fortigate\n    half closed: 2 h")
    text += "  - dead connection removal: { at: receiver, within: 4 h }\n"
    found = plan(text)
    assert (found.lab, found.scale, found.seed, found.variant) == ("netns", 600.0, 7, "default")
    sender, firewall, receiver = found.hosts
    assert sender.options["pauses"] == [6.0, 0.5]
    assert sender.options["ack_timeout"] == 0.5  # 0.15 would be less than a program needs
    assert (firewall.options["idle_timeout"], firewall.options["half_closed"]) == (6.0, 12.0)
    assert (firewall.system, firewall.profile) == (None, "fortigate")
    assert (receiver.system, receiver.profile) == ("relpio receive", None)
    assert [step.text for step in found.steps] == [
        "send 20 messages from sender",
        "wait 75 min",
        "send 20 messages from sender",
    ]
    first, wait, _ = found.steps
    assert first == PlannedSend(host="sender", count=20, text=first.text, line=first.line)
    assert isinstance(wait, PlannedWait)
    assert wait.seconds == 7.5
    assert found.checks[1].params == {"at": "receiver", "within": 24.0, "not_before": None}
    scaled = {each.name: (each.production_s, each.lab_s, each.line) for each in found.scaling}
    assert scaled["wait"] == (4500.0, 7.5, 17)
    assert scaled["firewall idle timeout"] == (3600.0, 6.0, 9)
    assert scaled["firewall half closed"] == (7200.0, 12.0, 11)
    assert scaled["sender ack timeout"] == (90.0, 0.5, 7)
    assert scaled["dead connection removal at receiver within"] == (14400.0, 24.0, 21)


def test_a_handshake_has_the_time_that_it_takes(plan: PlanOf, base: str) -> None:
    """Half a second at least: a busy machine may need that for three packets, at any scale."""
    short = "profile: fortigate\n    half open: 10 s\n    half closed: 120 s"
    found = plan(base.replace("profile: fortigate", f"{short}\n    engine: userspace"), scale=1800)
    options = found.hosts[1].options
    assert (options["half_open"], options["half_closed"], options["after_rst"]) == (
        *(0.5, 0.5),
        10 / 1800,
    )
    found = plan(base.replace("profile: fortigate", short), scale=1800)
    assert found.hosts[1].options["half_open"] == 1.0


def test_whole_seconds_are_rounded_and_what_follows_is_recorded(plan: PlanOf, base: str) -> None:
    found = plan(
        base.replace("keepalive: off", "keepalive: { idle: 2 h, interval: 75 s, probes: 9 }"),
        scale=700,
    )
    assert found.hosts[0].options["keepalive"] == {"idle": 10.0, "interval": 1.0, "probes": 9}
    assert found.hosts[1].options["idle_timeout"] == 5.0  # 5.14
    scaled = {each.name: (each.production_s, each.lab_s) for each in found.scaling}
    assert scaled["sender keepalive detection"] == (7875.0, 19.0)


def test_a_plan_is_plain_json_and_reads_back(
    plan: PlanOf, base: str, vocabulary: Vocabulary
) -> None:
    text = base.replace("keepalive: off", "keepalive: { idle: 2 h, interval: 75 s, probes: 9 }")
    text = text.replace("  - wait: 75 min\n", "  - fault: forget flows\n    at: firewall\n")
    text += "reproduces: { half-open: seen }\n"
    found = plan(text, scale=1)
    assert plan_from_json(json.loads(json.dumps(found.to_json()))) == found
    for host in found.hosts:
        options: Any
        if host.system:
            options = vocabulary.systems[host.system].model_validate(host.options)
        else:
            options = MiddleboxOptions.model_validate(host.options)
        assert options.model_dump(mode="json") == host.options
    for check in found.checks:
        params = vocabulary.checks[check.check].model_validate(check.params)
        assert params.model_dump(mode="json") == check.params
    assert found.checks[0].reproduces == {"": "seen"}
    assert found.steps[1] == PlannedInject(
        name="forget flows",
        params={"at": "firewall", "of": None, "every": 1, "most": None},
        text="forget flows at firewall",
        line=found.steps[1].line,
    )


def test_a_lab_whose_time_is_not_real_is_not_scaled(plan: PlanOf, base: str) -> None:
    found = plan(base, lab=replace(NETNS, scaled=False), scale=600)
    assert found.scale == 1
    assert found.hosts[1].options["idle_timeout"] == 3600
    assert isinstance(found.steps[1], PlannedWait)
    assert found.steps[1].seconds == 4500.0


def test_sysctls_that_are_seconds_are_scaled_to_whole_ones(plan: PlanOf, base: str) -> None:
    text = base.replace(
        "keepalive: off",
        "sysctls:\n      net.ipv4.tcp_keepalive_time: 30 min\n"
        "      net.ipv4.tcp_keepalive_intvl: 75 s\n      net.ipv4.tcp_keepalive_probes: 9\n"
        "      net.ipv4.tcp_rmem: 4096 87380 6291456",
    )
    assert (
        plan(text).hosts[0].sysctls.items()
        >= {
            "net.ipv4.tcp_keepalive_time": "3",
            "net.ipv4.tcp_keepalive_intvl": "1",
            "net.ipv4.tcp_keepalive_probes": "9",
            "net.ipv4.tcp_rmem": "4096 87380 6291456",
        }.items()
    )


def test_a_variant_has_its_own_scale_and_the_command_line_overrides_all(
    load: Load, base: str, vocabulary: Vocabulary
) -> None:
    scenario = load(base + "variants: { a: { scale: 20 }, b: {} }\n")
    plans = make_plans(scenario, lab=NETNS, scale=None, seed=0)
    assert [(each.variant, each.scale) for each in plans] == [("a", 20.0), ("b", 600.0)]
    plans = make_plans(scenario, lab=NETNS, scale=100, seed=0)
    assert [each.scale for each in plans] == [100.0, 100.0]
    plans = make_plans(scenario, lab=NETNS, scale=None, seed=0, variants=["b"])
    assert [each.variant for each in plans] == ["b"]


@pytest.mark.parametrize("scale", [0.0, 0.99, -1.0, float("nan"), float("inf"), 1e9])
def test_a_scale_that_is_none(load: Load, base: str, vocabulary: Vocabulary, scale: float) -> None:
    with pytest.raises(UsageError, match=r"^--scale \S+: write a number from 1 to 1000000$"):
        make_plans(load(base), lab=NETNS, scale=scale, seed=0)


def test_a_variant_that_there_is_not(load: Load, base: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(UsageError, match="unknown variant 'defualt'; did you mean 'default'"):
        make_plans(load(base), lab=NETNS, scale=None, seed=0, variants=["defualt"])


@pytest.mark.parametrize(
    ("seconds", "scale", "mark", "wanted"),
    [
        (3600, 600, Scaled(), 6.0),
        (3600, 700, Scaled(whole=True), 5.0),
        (10, 600, Scaled(whole=True), 1.0),
        (90, 600, Scaled(least=0.5), 0.5),
        (0.2, 600, Scaled(least=0.5), 0.2),
        (90, 10, Scaled(least=0.5), 9.0),
        (0, 600, Scaled(least=0.5), 0.0),
    ],
)
def test_what_a_scale_does_to_one_value(
    seconds: float, scale: float, mark: Scaled, wanted: Any
) -> None:
    assert scale_seconds(seconds, scale, mark) == wanted
