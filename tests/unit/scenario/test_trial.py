"""The scenario that `halfopen try` writes is one, whatever the commands are."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from halfopen.scenario import Scenario, load_scenario, make_plans
from halfopen.scenario.trial import Trial, TrialFirewall
from halfopen.vocabulary import default_vocabulary

from .kinds import NETNS

WORDS = st.text(string.printable.strip() + " äß☃\u2028", min_size=1, max_size=20)
COMMANDS = st.lists(WORDS, min_size=1, max_size=5)


def trial(
    client: Sequence[str] = ("client",),
    server: Sequence[str] = ("server",),
    idle: float = 350.0,
    silence: float = 3600.0,
    keepalive: tuple[float, float, int] | None = None,
) -> Trial:
    firewalls = [TrialFirewall("aws-nlb-tcp", idle, own=True)]
    return Trial(client, server, 9000, firewalls, silence, keepalive=keepalive)


def load(directory: Path, made: Trial) -> Scenario:
    path = directory / "try.scenario.yaml"
    path.write_text(made.text(made.scale), encoding="utf-8")
    return load_scenario(path, default_vocabulary())


@given(COMMANDS, COMMANDS)
@example(["a", " \u2028", "\x85b"], ["b", "\ufeff", "\U000e0001"])
def test_arguments_reach_the_program_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, client: list[str], server: list[str]
) -> None:
    made = trial(client, server)
    (plan,) = make_plans(
        load(tmp_path_factory.mktemp("trial"), made), lab=NETNS, scale=None, seed=0
    )
    assert list(plan.host("client").options["start"]) == client
    assert list(plan.host("server").options["start"]) == server


@pytest.mark.parametrize(
    ("idle", "silence", "keepalive", "scale"),
    [
        (350, 3600, None, 58),
        (3600, 300, None, 50),
        (60, 3, None, 1),
        (3600, 7200, (1800, 75, 9), 75),
        (3600, 7200, (1800, 1, 9), 1),
    ],
)
def test_the_scale_leaves_every_time_some_seconds(
    tmp_path: Path,
    idle: float,
    silence: float,
    keepalive: tuple[float, float, int] | None,
    scale: float,
) -> None:
    made = trial(idle=idle, silence=silence, keepalive=keepalive)
    assert made.scale == scale
    plans = make_plans(load(tmp_path, made), lab=NETNS, scale=None, seed=0)
    assert [plan.scale for plan in plans] == [scale] * (2 if keepalive else 1)


def test_firewalls_keep_their_order_and_their_own_timeouts(tmp_path: Path) -> None:
    made = trial()
    firewalls = [
        TrialFirewall("fortigate", 3600.0, own=False),
        TrialFirewall("aws-nlb-tcp", 350.5, own=True),
        TrialFirewall("linux-conntrack", None, own=True),
    ]
    made = Trial(made.client, made.server, made.port, firewalls, made.silence)
    scenario = load(tmp_path, made)
    (variant,) = scenario.variants
    found = [
        (host.name, host.profile, getattr(host.settings, "idle_timeout", None))
        for host in variant.hosts
        if host.system is None
    ]
    assert found == [
        ("firewall", "fortigate", 3600.0),
        ("firewall2", "aws-nlb-tcp", 350.5),
        ("firewall3", "linux-conntrack", None),
    ]
