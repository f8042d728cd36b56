"""The control of a plan, and what it says about the expectations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from halfopen.cli.finish import exit_status
from halfopen.model.plan import Plan, PlannedHost
from halfopen.model.steps import (
    PlannedHeal,
    PlannedInject,
    PlannedStart,
    PlannedStep,
    PlannedStop,
    PlannedWait,
    PlannedWaitUntil,
)
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report.results import results_json
from halfopen.report.terminal import plain_lines
from halfopen.runner.control import compare, control_plan
from halfopen.runner.run import run_with_controls
from halfopen.vocabulary import default_vocabulary

VOCABULARY = default_vocabulary()

PLAN = Plan(
    scenario="s",
    file="f",
    variant="v",
    lab="netns",
    scale=1.0,
    seed=0,
    hosts=(
        PlannedHost("sender", "relpio send"),
        PlannedHost(
            "firewall",
            None,
            {"idle_timeout": 60.0, "nat": "none", "port_reuse": "drop"},
            profile="fortigate",
        ),
    ),
    path=("sender", "firewall"),
    steps=(
        PlannedInject(name="loss", params={"at": "firewall", "share": 0.1}, text="loss"),
        PlannedWait(seconds=1.0, text="wait"),
        PlannedInject(
            name="pause",
            params={"at": "receiver"},
            when="5 acked",
            at_most=9.0,
            text="pause",
            line=7,
        ),
        PlannedInject(
            name="pause",
            params={"at": "receiver"},
            when="6 acked",
            at_most=9.0,
            background=True,
            text="pause",
        ),
        PlannedStop(host="receiver", text="stop"),
        PlannedHeal(name="loss", text="heal"),
        PlannedStart(host="receiver", text="start"),
        PlannedStop(host="sender", text="stop for good"),
    ),
    checks=(),
)


def test_faults_are_taken_away_and_waits_stay() -> None:
    control = control_plan(PLAN, VOCABULARY)
    assert control.steps == (
        PLAN.steps[1],
        PlannedWaitUntil(until="5 acked", at_most=9.0, text="wait until 5 acked", line=7),
        PLAN.steps[-1],
    )


def without_faults(*steps: PlannedStep) -> tuple[PlannedStep, ...]:
    return control_plan(replace(PLAN, steps=steps), VOCABULARY).steps


def fault(name: str, lasts: float = 0.0, **params: object) -> PlannedInject:
    return PlannedInject(name=name, params=params, lasts=lasts, text=name)


WAIT = PlannedWait(seconds=1.0, text="wait")


def test_a_program_that_a_fault_ended_is_not_started_a_second_time() -> None:
    start = PlannedStart(host="receiver", text="start")
    assert without_faults(fault("kill", at="receiver"), WAIT, start) == (WAIT,)
    assert without_faults(fault("pause", at="receiver"), WAIT, start) == (WAIT, start)
    assert without_faults(fault("kill", at="sender"), WAIT, start) == (WAIT, start)


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([fault("restart", at="receiver", down_for=3.0), WAIT], [3.0, 1.0]),
        ([fault("loss", at="firewall", share=0.1, lasts=5.0), WAIT], [1.0, 4.0]),
        ([fault("loss", at="firewall", share=0.1, lasts=1.0), WAIT], [1.0]),
        (
            [
                fault("loss", at="firewall", share=0.1, lasts=5.0),
                WAIT,
                PlannedHeal(name="loss", text="heal"),
                WAIT,
            ],
            [1.0, 1.0],
        ),
        (
            [fault("link flap", between=("sender", "firewall"), down=2.0, up=4.0, times=2), WAIT],
            [1.0, 7.0],
        ),
    ],
)
def test_the_time_that_a_fault_takes_passes_without_it(
    steps: Sequence[PlannedStep], seconds: Sequence[float]
) -> None:
    waits = without_faults(*steps)
    assert [each.seconds for each in waits if isinstance(each, PlannedWait)] == seconds
    assert len(waits) == len(seconds)


def test_a_middlebox_forgets_nothing() -> None:
    sender, firewall = control_plan(PLAN, VOCABULARY).hosts
    assert sender == PLAN.hosts[0]
    assert firewall.options == {"idle_timeout": None, "nat": "none", "port_reuse": "new flow"}


def result(verdict: Verdict, *checks: Verdict, late_s: float = 0.0) -> VariantResult:
    return VariantResult(
        "s",
        "v",
        "netns",
        verdict,
        0,
        1.0,
        1.0,
        late_s=late_s,
        checks=tuple(
            CheckResult(f"c{n}", each, None, "", "", label=f"c{n}", line=n + 1)
            for n, each in enumerate(checks)
        ),
    )


PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("disturbed", "control", "words", "clean", "said"),
    [
        (
            (PASS, PASS),
            (PASS, FAIL),
            "",
            True,
            "notice the faults: c1; the same without",
        ),
        ((FAIL, PASS), (PASS, PASS), "", True, "notice the faults: c0"),
        ((PASS, PASS), (PASS, UNKNOWN), "", True, "notice the faults: c1"),
        ((PASS, PASS), (PASS, PASS), "", False, "no expectation notices the faults"),
        ((PASS, PASS), (PASS, PASS), "it holds", True, "without the faults: it holds"),
        ((), (), "", False, "could not be compared"),
    ],
)
def test_expectations_that_notice_the_faults(
    disturbed: Sequence[Verdict],
    control: Sequence[Verdict],
    words: str,
    clean: bool,
    said: str,
) -> None:
    found = compare(result(PASS, *disturbed), result(PASS, *control), words)
    assert found.clean is clean
    assert said in found.in_words


def test_a_failure_by_other_figures_is_not_the_same() -> None:
    reproduced, other = result(FAIL, FAIL, FAIL), result(FAIL, FAIL, FAIL)
    first, second = reproduced.checks
    reproduced = replace(reproduced, checks=(replace(first, expected=FAIL), second))
    found = compare(reproduced, other, "")
    assert (found.differ, found.same) == (("c0",), ("c1",))


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.UNSUPPORTED, Verdict.UNKNOWN])
def test_a_control_that_could_not_be_judged_proves_nothing(verdict: Verdict) -> None:
    control = result(verdict, FAIL, late_s=1.0)
    assert not compare(result(PASS, PASS), control, "").clean


@pytest.mark.parametrize(("undisturbed", "status"), [(PASS, 1), (FAIL, 0)])
def test_what_is_not_clean_is_told_and_is_a_failure(undisturbed: Verdict, status: int) -> None:
    played: list[tuple[str, Sequence[Plan]]] = []

    async def play(plans: Sequence[Plan], below: str) -> list[VariantResult]:
        played.append((below, plans))
        return [result(PASS, undisturbed if below else PASS)]

    results = asyncio.run(run_with_controls([PLAN], VOCABULARY, play))
    assert played == [("", [PLAN]), ("control", [control_plan(PLAN, VOCABULARY)])]
    assert exit_status(results) == status
    (told,) = results_json(results)["results"]
    assert told["control"]["clean"] is (status == 0)
    lines = plain_lines(results)
    assert any("NOT CLEAN: s / v" in line for line in lines) is (status == 1)
    assert f"{status} of 1 not clean under --control" in lines[-1]
    assert "control" not in results_json([replace(results[0], control=None)])["results"][0]
