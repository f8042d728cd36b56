"""The incident library has the verdicts of the netns lab in containers, too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from halfopen.cli.loading import load_plans
from halfopen.labs import all_labs
from halfopen.labs.netns import sandbox
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult
from halfopen.runner.concurrency import fixed
from halfopen.runner.estimate import expected_seconds
from halfopen.runner.requirements import needs
from halfopen.runner.run import run_plans
from halfopen.vocabulary import default_vocabulary

LIBRARY = Path(__file__).parents[2] / "scenarios" / "incidents"
SOAK = "HALFOPEN_SOAK" in os.environ
# A JVM, or a sender with many connections, wants a core for a second or two.
AT_A_TIME = 6
# Several brokers of Kafka that start in the same second can make each other late.
LATE_RETRIES = 2

UNSUPPORTED = {
    ("omrelp-keepalive", "asked-for"): "node: its image has no rsyslog of debian 14",
    ("rsyslog-at-the-limit", "imptcp-debian-14"): "receiver: its image has no rsyslog of debian 14",
    ("rsyslog-ka-vs-inflight", "in-flight-user-timeout"): (
        "sender: its image has no rsyslog of debian 14"
    ),
}
"""Variants that the docker lab cannot play, and what it says of that."""

BY_THEMSELVES = frozenset({"azure-lb-240-kafka", "eventhubs-30s-first-send"})
"""A current broker of Kafka wants a core for ten seconds to start: played in `make soak` only."""


def _plans(lab: str) -> list[Plan]:
    """Of all variants that the docker lab can play."""
    plans = load_plans([LIBRARY], lab=all_labs()[lab], seed=1)
    return [plan for plan in plans if _name(plan) not in UNSUPPORTED]


def _name(plan: Plan) -> tuple[str, str]:
    return Path(plan.file).name.partition(".")[0], plan.variant


def _shortest(plans: Sequence[Plan]) -> list[Plan]:
    """Of each incident the variant that takes the least time."""
    light = [plan for plan in plans if _name(plan)[0] not in BY_THEMSELVES]
    return [min(each, key=expected_seconds) for _, each in groupby(light, lambda plan: plan.file)]


def test_what_cannot_be_played_there_is_known() -> None:
    vocabulary, lab = default_vocabulary(), all_labs()["docker"]
    plans = load_plans([LIBRARY], lab=lab)
    reasons = {_name(plan): needs(plan, vocabulary, lab) for plan in plans}
    found = {name: reason for name, reason in reasons.items() if reason is not None}
    assert found.keys() == UNSUPPORTED.keys()
    for name, reason in found.items():
        assert UNSUPPORTED[name] in reason
        assert "set `image` to one that has" in reason


def _play(plans: Sequence[Plan], lab: str, out: Path) -> list[VariantResult]:
    vocabulary = default_vocabulary()
    return asyncio.run(
        run_plans(
            plans,
            all_labs()[lab],
            vocabulary,
            out,
            jobs=fixed(AT_A_TIME),
            late_retries=LATE_RETRIES,
        )
    )


def _verdicts(results: Sequence[VariantResult]) -> dict[str, Any]:
    """Of each variant its verdict, and that of each check."""
    return {
        f"{each.file}: {each.variant}": (
            each.verdict,
            [(check.check, check.verdict) for check in each.checks],
        )
        for each in results
    }


@pytest.mark.docker
@pytest.mark.usefixtures("images")
@pytest.mark.timeout(7200 if SOAK else 540)
def test_the_verdicts_are_those_of_the_netns_lab(tmp_path: Path) -> None:
    """Of each incident one variant, or all of them in `make soak`.

    `make incidents` has seen in the netns lab that each variant is as its file expects: it passes
    if every check does, or if exactly those fail of which the file says so.  The same is seen here;
    and in `make soak` the netns lab plays them beside it, and check is compared with check.
    """
    plans = _plans("docker")
    chosen = plans if SOAK else _shortest(plans)
    results = _play(chosen, "docker", tmp_path / "docker")
    not_expected = {
        f"{each.scenario} / {each.variant}": (each.verdict, each.why)
        for each in results
        if not each.verdict.as_expected
    }
    assert not_expected == {}
    for each in results:
        assert all(check.verdict is check.expected for check in each.checks), each.variant
    if SOAK and not sandbox.missing():
        beside = _play(_plans("netns"), "netns", tmp_path / "netns")
        assert _verdicts(results) == _verdicts(beside)
