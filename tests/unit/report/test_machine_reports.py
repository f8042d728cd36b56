"""The reports that programs read: JSON and JUnit; and the terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from halfopen.model.verdict import CheckResult, Evidence, VariantResult, Verdict
from halfopen.report._text import in_words
from halfopen.report.junit import write_junit
from halfopen.report.results import results_json, write_json
from halfopen.report.terminal import plain_lines, print_results

BAD = CheckResult(
    check="half-open",
    verdict=Verdict.FAIL,
    observed=3.0,
    bound="at end exactly 0",
    why="half-open connections: at end 3 instead of 0",
    evidence=(Evidence(8.4, "10.0.0.2:514 has no live peer \x00<b>", "a > b"),),
    label="half-open at receiver",
    line=43,
)
FAILED = VariantResult(
    scenario="silence",
    variant="off",
    lab="netns",
    verdict=Verdict.FAIL,
    seed=7,
    wall_s=12.3456,
    virtual_s=7200.0,
    checks=(BAD,),
    why="half-open at receiver: at end 3",
    directory="out/off",
    file="silence.scenario.yaml",
)
RESULTS = (
    replace(FAILED, variant="on", verdict=Verdict.PASS, checks=(), why="every expectation holds"),
    FAILED,
    replace(FAILED, variant="torn", verdict=Verdict.UNKNOWN, checks=(), why="the lab broke"),
    replace(FAILED, variant="rst", verdict=Verdict.UNSUPPORTED, checks=(), why="needs RST"),
)


VIRTUAL = replace(FAILED, lab="warp", kernel="7.2.13-halfopen", hz=100)


def test_the_reason_for_a_chosen_lab_is_recorded(tmp_path: Path) -> None:
    chosen = replace(FAILED, lab_why="no kernel & no memory")
    found = results_json([chosen, FAILED])["results"]
    assert found[0]["lab_why"] == "no kernel & no memory"
    assert "lab_why" not in found[1]
    write_junit([chosen, FAILED], tmp_path / "junit.xml")
    properties = ElementTree.parse(tmp_path / "junit.xml").findall(".//property[@name='lab_why']")
    assert [each.get("value") for each in properties] == ["no kernel & no memory"]


def test_the_kernel_of_a_lab_that_brings_one_is_named() -> None:
    found = results_json([VIRTUAL, FAILED])["results"]
    assert (found[0]["kernel"], found[0]["hz"]) == ("7.2.13-halfopen", 100)
    assert "kernel" not in found[1]
    line = "lab warp: Linux 7.2.13-halfopen, HZ=100, seed 7"
    assert plain_lines([VIRTUAL, VIRTUAL, FAILED]).count(line) == 1
    assert not [each for each in plain_lines([FAILED]) if "HZ" in each]


def test_the_json_has_the_keys_that_scripts_read(tmp_path: Path) -> None:
    write_json(RESULTS, tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())
    assert data == results_json(RESULTS)
    assert data["version"] == 1
    result = data["results"][1]
    must = {"scenario", "variant", "lab", "verdict", "seed", "wall_s", "virtual_s", "checks"}
    assert must <= result.keys()
    assert (result["verdict"], result["wall_s"], result["virtual_s"]) == ("fail", 12.346, 7200)
    check = result["checks"][0]
    assert {"check", "verdict", "observed", "bound", "why"} <= check.keys()
    assert (check["verdict"], check["expected"], check["observed"]) == ("fail", "pass", 3)


def test_junit_gives_each_verdict_its_element(tmp_path: Path) -> None:
    write_junit(RESULTS, tmp_path / "j.xml")
    (suite,) = ElementTree.parse(tmp_path / "j.xml").getroot()
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case if child.tag != "properties"] for case in suite] == [
        [],
        ["failure"],
        ["error"],
        ["skipped"],
    ]
    words = [case.find("properties/property").get("value") for case in suite]  # type: ignore[union-attr]
    assert words == ["pass", "fail", "unknown", "unsupported"]
    failure = suite[1][1]
    assert failure.get("message") == "half-open at receiver: at end 3"
    assert "silence.scenario.yaml:43" in (failure.text or "")
    assert "8.400 s: 10.0.0.2:514 has no live peer \ufffd<b>" in (failure.text or "")
    assert suite[3][1].get("message") == "needs RST"


def test_plain_lines_where_there_is_no_terminal() -> None:
    output = io.StringIO()
    print_results(RESULTS, Console(file=output, width=40))
    assert output.getvalue().splitlines() == plain_lines(RESULTS)
    lines = plain_lines(RESULTS)
    assert lines[:5] == [
        "pass        silence / on [netns]",
        "fail        silence / off [netns]",
        "    half-open at receiver: at end 3",
        "",
        "    half-open at receiver: fail",
    ]
    assert "      at silence.scenario.yaml:43" in lines
    assert lines[-1] == "1 pass, 1 fail, 1 unknown, 1 unsupported in 49.4 s (simulated 8 h)"
    assert plain_lines(RESULTS, took_s=21.0)[-1].endswith("in 21 s (simulated 8 h)")
    assert "\x1b" not in output.getvalue()


@pytest.mark.parametrize("color", ["truecolor", None])
def test_the_terminal_says_verdicts_in_words(color: str | None) -> None:
    output = io.StringIO()
    many = replace(BAD, evidence=BAD.evidence * 9)
    results = (*RESULTS, replace(FAILED, variant="many", checks=(many,)))
    console = Console(
        file=output,
        width=110,
        force_terminal=True,
        color_system="truecolor" if color else None,
        no_color=color is None,
    )
    print_results(results, console)
    text = output.getvalue()
    for words in ("✓ pass", "✗ fail", "? unknown", "- unsupported", "silence.scenario.yaml:43"):
        assert words in text
    assert "3 more in the report" in text
    assert "needs RST" in text


def test_markup_in_messages_is_not_obeyed() -> None:
    output = io.StringIO()
    hostile = replace(FAILED, why="[red]x[/red] [/]", checks=(replace(BAD, why="[/nope]"),))
    print_results(
        [hostile], Console(file=output, width=110, force_terminal=True, color_system=None)
    )
    assert "[red]x[/red] [/]" in output.getvalue()
    assert "[/nope]" in output.getvalue()


def test_control_characters_of_others_never_reach_the_terminal() -> None:
    evil = "\x1b[2J\x1b[1;32mpass\u202e\x07 caf\u00e9"
    bad = replace(BAD, why=evil, label=evil, evidence=(Evidence(1.0, evil),))
    result = replace(FAILED, scenario=evil, variant=evil, why=evil, checks=(bad,))
    lines = "\n".join(plain_lines([result]))
    assert "\\x1b[2J\\x1b[1;32mpass\\u202e\\x07 caf\u00e9" in lines
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    print_results([result], console)
    assert isinstance(console.file, io.StringIO)
    for text in (lines, console.file.getvalue()):
        assert not any(each in text for each in ("\x1b[2J", "\u202e", "\x07"))


def test_of_a_thousand_pieces_of_evidence_twenty_are_printed() -> None:
    many = tuple(Evidence(float(t), f"flow {t} is half-open") for t in range(1000))
    said = in_words(replace(FAILED, checks=(replace(BAD, evidence=many),)))
    assert said.count(" is half-open") == 20
    assert "980 more in the HTML report and in the file of --json" in said
