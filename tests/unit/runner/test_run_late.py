"""A variant that is unknown because the machine was late can be run again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from halfopen.cli.loading import load_plans
from halfopen.labs import all_labs
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.report.terminal import plain_lines
from halfopen.runner import run
from halfopen.runner.concurrency import fixed
from halfopen.vocabulary import default_vocabulary

from .test_run_order import SCENARIO

LATE = (Verdict.UNKNOWN, 0.7)
OTHER = (Verdict.UNKNOWN, 0.0)
PASS = (Verdict.PASS, 0.0)
FAIL = (Verdict.FAIL, 0.0)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plays one variant whose runs end as given; returns the result and the number of runs."""

    def play(retries: int, *outcomes: tuple[Verdict, float]) -> tuple[VariantResult, int]:
        runs = []

        async def run_plan(plan: Any, *_: Any, **__: Any) -> VariantResult:
            runs.append(plan)
            verdict, late_s = outcomes[len(runs) - 1]
            return VariantResult(
                plan.scenario, plan.variant, "netns", verdict, 0, 1.0, 60.0, late_s=late_s
            )

        monkeypatch.setattr(run, "run_plan", run_plan)
        path = tmp_path / "late.scenario.yaml"
        path.write_text(SCENARIO.replace("STEPS", "  - send: 1 message"))
        lab = all_labs()["netns"]
        plans = load_plans([path], lab=lab)
        vocabulary = default_vocabulary()
        results = asyncio.run(
            run.run_plans(plans, lab, vocabulary, tmp_path, jobs=fixed(1), late_retries=retries)
        )
        return results[0], len(runs)

    return play


def test_what_was_late_is_run_again_and_says_so(played: Any) -> None:
    result, runs = played(1, LATE, PASS)
    assert (result.verdict, runs) == (Verdict.PASS, 2)
    words = "of some length / default: run 2: before it the machine was late by 0.7 s"
    assert words in plain_lines([result])


def test_nothing_else_is(played: Any) -> None:
    for outcome in (OTHER, FAIL, PASS):
        assert played(1, outcome)[1] == 1


def test_not_unless_asked_and_not_without_end(played: Any) -> None:
    assert played(0, LATE)[1] == 1
    result, runs = played(2, LATE, LATE, LATE)
    assert (result.late_s, runs) == (0.7, 3)


def test_a_failure_in_the_second_run_is_one(played: Any) -> None:
    assert played(1, LATE, FAIL)[0].verdict is Verdict.FAIL
