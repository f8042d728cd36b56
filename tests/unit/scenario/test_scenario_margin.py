"""How late a run may be before two timers change their order."""

from __future__ import annotations

from halfopen.scenario import make_plans
from halfopen.scenario.margin import UNCOMPARED_S

from .kinds import NETNS, Load


def bears(load: Load, text: str, scale: float) -> float | None:
    return make_plans(load(text), lab=NETNS, scale=scale, seed=0)[0].bears_s


PAUSED = """\
scenario: a pause that ends before the firewall forgets
hosts:
  sender: { run: relpio send, to: receiver, ack timeout: off, keepalive: off }
  firewall: { profile: fortigate, idle timeout: 3600 s }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 1 message
  - wait: PAUSE
  - send: 1 message
expect:
  - delivery: { lost: 0 }
"""


def test_without_two_timers_nothing_can_change_its_order(load: Load) -> None:
    assert bears(load, PAUSED.replace("  - wait: PAUSE\n", ""), 1) is None


def test_a_scaled_run_without_two_timers_does_not_bear_everything(load: Load) -> None:
    assert bears(load, PAUSED.replace("  - wait: PAUSE\n", ""), 60) == UNCOMPARED_S


def test_a_pause_may_not_outlast_what_it_should_not(load: Load) -> None:
    assert bears(load, PAUSED.replace("PAUSE", "50 min"), 60) == 10
    assert bears(load, PAUSED.replace("PAUSE", "50 min"), 600) == 1


def test_a_pause_that_is_longer_already_may_last_on(load: Load) -> None:
    assert bears(load, PAUSED.replace("PAUSE", "70 min"), 60) == UNCOMPARED_S


def end_bears(load: Load, text: str, scale: float) -> float | None:
    return make_plans(load(text), lab=NETNS, scale=scale, seed=0)[0].end_bears_s


def test_the_end_may_last_until_what_is_remembered_then_is_forgotten(load: Load) -> None:
    assert end_bears(load, PAUSED.replace("PAUSE", "50 min"), 60) == 60
    steps = PAUSED.index("steps:"), PAUSED.index("expect:")
    paused_last = (
        PAUSED[: steps[0]] + "steps: [{send: 1 message}, {wait: PAUSE}]\n" + PAUSED[steps[1] :]
    )
    assert end_bears(load, paused_last.replace("PAUSE", "50 min"), 60) == 10
    assert end_bears(load, paused_last.replace("PAUSE", "90 min"), 60) is None
    background = paused_last.replace("1 message}", "11 messages, every: 2 min, background: true}")
    assert end_bears(load, background.replace("PAUSE", "50 min"), 60) == 30


def test_the_end_may_last_until_the_kernel_gives_up_what_was_sent_into_the_void(load: Load) -> None:
    text = PAUSED.replace("PAUSE", "90 min").replace("expect:", "  - wait: 5 min\nexpect:")
    found = end_bears(load, text, 60)
    assert found is not None  # 928 s after the message, 5 minutes of which are over
    assert (928 - 300) / 60 - 1 < found < (928 - 300) / 60 + 5
