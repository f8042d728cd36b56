"""What a GitHub job shows of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.cli.annotations import annotation, annotations_of, append_summary, summary
from halfopen.errors import OutputError
from halfopen.model.verdict import CheckResult, ControlResult, VariantResult, Verdict
from halfopen.runner.twice import SAME

FAILED = CheckResult("half-open", Verdict.FAIL, 1, "at end exactly 0", "1 is left", line=27)
RESULT = VariantResult(
    scenario="behind a firewall",
    variant="naive",
    lab="netns",
    verdict=Verdict.FAIL,
    seed=1,
    wall_s=2.0,
    virtual_s=7200.0,
    checks=(FAILED,),
    why="half-open: 1 is left",
    file="scenarios/a.scenario.yaml",
)
PASSED = replace(RESULT, variant="keepalive", verdict=Verdict.PASS, checks=(), why="all holds")


def test_each_check_that_is_not_as_expected_is_shown_at_its_line() -> None:
    assert annotations_of([PASSED, RESULT]) == [
        "::error file=scenarios/a.scenario.yaml,line=27,title=behind a firewall / naive"
        "::fail: half-open: 1 is left"
    ]


def test_a_run_without_checks_says_why_at_the_first_line() -> None:
    crashed = replace(RESULT, verdict=Verdict.ERROR, checks=(), why="the run did not finish")
    assert annotations_of([crashed])[0].endswith(
        "line=1,title=behind a firewall / naive::error: the run did not finish"
    )
    lacking = replace(crashed, verdict=Verdict.UNSUPPORTED, why="rsyslog is missing")
    assert annotations_of([lacking])[0].startswith("::warning ")


def test_what_control_and_twice_found_is_shown_beside_a_pass() -> None:
    control = ControlResult(Verdict.PASS, "all holds", "out/control", (), ("half-open",))
    for result, words in (
        (replace(PASSED, control=control), "not clean under --control: no expectation notices"),
        (replace(PASSED, extra={"twice": "record 7 differs"}), "not the same twice: record 7"),
    ):
        (shown,) = annotations_of([result])
        assert shown.startswith("::error file=scenarios/a.scenario.yaml,line=1,title=")
        assert words in shown
        assert "0 of 1 variant as expected" in summary([result])
        assert words in summary([result])
    clean = replace(control, differ=("half-open",), same=())
    assert annotations_of([replace(PASSED, control=clean, extra={"twice": SAME})]) == []


def test_the_summary_has_what_is_not_as_expected_first() -> None:
    lines = summary([PASSED, RESULT]).splitlines()
    assert lines[0] == "### halfopen: 1 of 2 variants as expected"
    assert lines[4:] == [
        "| ✗ fail | behind a firewall / naive | half-open: 1 is left | 2 h |",
        "| ✓ pass | behind a firewall / keepalive | all holds | 2 h |",
    ]


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    hostile = replace(RESULT, variant=text, why=text, checks=(replace(FAILED, why=text),))
    (line,) = annotations_of([hostile])
    assert line.count("::error") >= 1
    assert len(line.splitlines()) == 1 or "\n" not in line
    assert "\n" not in line
    assert "\r" not in line
    rows = summary([hostile]).split("\n")[4:-1]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 5


def test_a_workflow_command_is_escaped() -> None:
    assert annotation("error", "a,b:c.yaml", 3, "50 %\nmore", "x: y") == (
        "::error file=a%2Cb%3Ac.yaml,line=3,title=x%3A y::50 %25%0Amore"
    )


def test_the_summary_is_appended_where_the_job_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    append_summary([RESULT])
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    append_summary([RESULT])
    assert path.read_text() == "before\n" + summary([RESULT])
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(OutputError, match="cannot be written"):
        append_summary([RESULT])
