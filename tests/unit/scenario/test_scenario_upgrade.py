"""An upgrade's options are held against the system's, in its own lines."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.model.steps import PlannedInject
from halfopen.ports import Vocabulary
from halfopen.scenario import make_plans
from halfopen.scenario.model import Inject

from .kinds import NETNS, Complain, Load

UPGRADE = """\
  - fault: upgrade
    at: receiver
    options: OPTIONS
    down for: 10 min
"""


def with_upgrade(base: str, options: str, host: str = "receiver") -> str:
    """The base scenario with an upgrade as its last step."""
    step = UPGRADE.replace("OPTIONS", options).replace("at: receiver", f"at: {host}")
    assert "expect:\n" in base
    return base.replace("expect:\n", step + "expect:\n", 1)


@pytest.mark.parametrize(
    ("host", "options", "says"),
    [
        ("receiver", "{ durabel: true }", "unknown key 'durabel' for receiver"),
        ("receiver", "{ durable: perhaps }", "durable for receiver"),
        ("receiver", "{ keepalive: { idle: 60, interval: 1 s, probes: 3 } }", "has no unit"),
        ("receiver", "{}", "options"),
        ("sender", "{ to: nowhere }", "names unknown host 'nowhere'"),
        ("sender", "{ window: 0 }", "too small"),
        ("firewall", "{ durable: true }", "needs a host that runs a system"),
    ],
)
def test_wrong_options_are_told_with_their_line(
    base: str, complain: Complain, host: str, options: str, says: str
) -> None:
    text = with_upgrade(base, options, host)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "options:" in each)
    told = [each for each in complain(text) if says in each]
    assert told, complain(text)
    assert int(told[0].split(":")[1]) in (line, line - 1, line - 2), told


def test_named_options_replace_and_the_others_stay(base: str, load: Load) -> None:
    options = "{ window: 7, keepalive: { idle: 1 h, interval: 10 min, probes: 2 } }"
    (variant,) = load(with_upgrade(base, options, "sender")).variants
    step: Any = next(s for s in variant.steps if isinstance(s, Inject)).upgraded
    assert step.name == "sender"
    assert (step.settings.window, step.settings.to) == (7, "receiver")
    assert step.settings.keepalive.idle == 3600


def test_new_options_are_scaled_like_the_old(base: str, load: Load, vocabulary: Vocabulary) -> None:
    keepalive = "{ keepalive: { idle: 2 h, interval: 20 min, probes: 2 } }"
    scenario = load(with_upgrade(base, keepalive))
    (planned,) = make_plans(scenario, lab=NETNS, scale=None, seed=1)
    step = next(s for s in planned.steps if isinstance(s, PlannedInject))
    assert step.options is not None
    assert step.options["keepalive"] == {"idle": 12.0, "interval": 2.0, "probes": 2}
    assert step.params["down_for"] == 1.0
    assert any("keepalive idle after upgrade" in value.name for value in planned.scaling)
