"""The order-of-timers rule."""

from typing import Any

import pytest

from halfopen.errors import InputError
from halfopen.kernel.timers import granularity
from halfopen.ports import Vocabulary
from halfopen.scenario import make_plans
from halfopen.scenario.clocks import silences
from halfopen.scenario.model import Heal, Send, Step, Wait
from halfopen.scenario.timescale import conflicts, largest_scale

from .kinds import NETNS, Load, Refusal

# Lateness that was measured on kernels with 250 ticks a second, and the limit at other rates.
LATENESS = [
    (60, 100, 5.12),
    (60, 250, 2.048),
    (60, 1000, 4.096),
    (120, 300, 13.65),
    (180, 250, 16.384),
    (300, 1000, 32.768),
    (340, 100, 40.96),
    (340, 250, 16.384),
    (7200, 100, 327.68),
    (7200, 250, 131.072),
    (7200, 300, 873.8),
    (7200, 1000, 262.144),
    (0.1, 250, 0.004),
]


@pytest.mark.parametrize(("seconds", "hz", "wanted"), LATENESS)
def test_kernel_timers_are_late_by_up_to_an_eighth(seconds: float, hz: int, wanted: Any) -> None:
    assert granularity(seconds, hz) == pytest.approx(wanted, rel=1e-3)


@pytest.fixture
def refusal(load: Load, vocabulary: Vocabulary) -> Refusal:
    """What is said of a text at a scale; empty if it is planned."""

    def of(text: str, scale: float) -> Any:
        try:
            make_plans(load(text), lab=NETNS, scale=scale, seed=0)
        except InputError as error:
            return str(error).splitlines()
        return []

    return of


PROBES = "keepalive: { idle: 1800 s, interval: 75 s, probes: 9 }"


def test_probes_that_keep_the_flow_known_make_detection_irrelevant(
    refusal: Refusal, base: str
) -> None:
    assert refusal(base.replace("keepalive: off", PROBES), 600) == []


def test_rounding_puts_the_probe_beside_the_expiry(refusal: Refusal, base: str) -> None:
    assert refusal(base.replace("keepalive: off", PROBES), 2500) == [
        "s.yaml:7: in variant default a scale of 2500 changes the order of two timers: "
        "sender keepalive probe period (30 min) comes before firewall idle timeout (60 min), "
        "but in the lab (1 s and 1 s) at about the same time as it; "
        "the largest scale that works is 2218"
    ]


def test_a_fault_makes_detection_relevant(refusal: Refusal, base: str) -> None:
    fault = "  - wait: 20 min\n  - fault: forget flows\n    at: firewall\n"
    text = base.replace("keepalive: off", PROBES).replace("  - wait: 75 min\n", fault)
    assert refusal(text, 20) == []
    assert refusal(text, 600) == [
        "s.yaml:7: in variant default a scale of 600 changes the order of two timers: "
        "sender keepalive detection (2475 s) comes before firewall idle timeout (60 min), "
        "but in the lab (12 s and 6 s) after it; the largest scale that works is 153"
    ]


def test_a_bound_that_becomes_shorter_than_what_it_bounds(refusal: Refusal, base: str) -> None:
    text = base + "  - reconnect: { at: sender, within: 3 min }\n"
    assert refusal(text, 300) == []
    assert refusal(text, 700) == [
        "s.yaml:19: in variant default a scale of 700 changes the order of two timers: "
        "sender ack timeout (90 s) comes before reconnect at sender within (180 s), "
        "but in the lab (0.5 s and 0.257 s) at about the same time as it; "
        "the largest scale that works is 356"
    ]


def test_a_risk_of_production_is_not_hidden_by_rounding(refusal: Refusal, base: str) -> None:
    # The probe is due 10 s before the expiry, but the kernel may be 16 s late with it.
    text = base.replace("keepalive: off", "keepalive: { idle: 340 s, interval: 75 s, probes: 9 }")
    text = text.replace("profile: fortigate", "profile: aws-nat-gateway")
    assert refusal(text, 20) == []
    assert refusal(text, 100) == [
        "s.yaml:7: in variant default a scale of 100 changes the order of two timers: "
        "sender keepalive probe period (340 s) comes at about the same time as firewall idle "
        "timeout (350 s), but in the lab (3 s and 4 s) before it; "
        "the largest scale that works is 97"
    ]


def test_what_is_equal_in_production_asks_for_no_order(refusal: Refusal, base: str) -> None:
    text = base.replace("wait: 75 min", "wait: 1 h")
    for scale in (7, 11, 700, 1300):
        assert refusal(text, scale) == []


def test_where_even_whole_seconds_are_too_coarse_no_scale_serves(
    refusal: Refusal, base: str
) -> None:
    text = base.replace("keepalive: off", "keepalive: { idle: 1.1 s, interval: 1 s, probes: 3 }")
    text = text.replace("profile: fortigate", "profile: linux-conntrack\n    idle timeout: 1.4 s")
    (only,) = refusal(text, 2)
    assert only.endswith("; no scale works: this needs a lab with virtual time")


def test_the_largest_scale_serves_and_is_below(
    load: Load, vocabulary: Vocabulary, base: str
) -> None:
    text = base.replace("keepalive: off", PROBES)
    (variant,) = load(text).variants
    best = largest_scale(variant, 10_000)
    assert best is not None
    assert best < 10_000
    assert conflicts(variant, best) == []


def test_pauses_that_follow_each_other_add_up() -> None:
    steps: list[Step] = [
        Send("a", 1),
        Wait(30),
        Heal("silent drop"),
        Wait(40),
        Send("a", 3, every=10),
        Wait(5),
    ]
    assert [(name, seconds) for _, name, seconds in silences(steps)] == [
        ("pause", 70.0),
        ("every", 10.0),
        ("pause", 5.0),
    ]


def test_it_is_not_silent_while_messages_go_out_in_the_background() -> None:
    steps: list[Step] = [
        Send("a", 401, every=0.2, background=True),
        Wait(30),
        Heal("silent drop"),
        Wait(240),
        Send("a", 10),
    ]
    assert [(name, seconds) for _, name, seconds in silences(steps)] == [
        ("every", 0.2),
        ("pause", 190.0),
    ]
