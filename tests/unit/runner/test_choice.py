"""Which lab a scenario is played in if nobody says, and that its reason is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halfopen.cli.loading import load_auto
from halfopen.errors import UsageError
from halfopen.labs import all_labs
from halfopen.model.history import History
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.ports import LabSpec
from halfopen.runner import choice
from halfopen.runner.choice import Chooser, play_by_lab
from halfopen.runner.estimate import computing_s, long_warning, simulated_s
from halfopen.runner.play import header_record
from halfopen.runner.run import judge_run, run_plan
from halfopen.scenario import Scenario, load_scenario
from halfopen.vocabulary import default_vocabulary

SCENARIO = """\
scenario: s
scale: 40
hosts:
  client: {{ run: {client} }}
  server: {{ run: {server} }}
  middlebox: {{ profile: aws-nlb-tcp }}
path: [client, middlebox, server]
steps:
  - wait: {wait}
expect:
  - {check}
variants:
  one: {{}}
  two: {{}}
"""
HALF_OPEN = "half-open: { at: server, at end: 0 }"
CPU = "cpu: { at: server, at most: 50 % }"
TCP = ("tcp client, to: server", "tcp server")
KAFKA = ("kafka produce, to: server", "kafka broker")
VOCABULARY = default_vocabulary()
REAL, VIRTUAL = all_labs()["netns"], replace(all_labs()["warp"], missing=list)


def _file(
    directory: Path, programs: tuple[str, str] = TCP, wait: str = "1 h", check: str = HALF_OPEN
) -> Path:
    path = directory / "s.scenario.yaml"
    client, server = programs
    path.write_text(SCENARIO.format(client=client, server=server, wait=wait, check=check))
    return path


def _scenario(directory: Path, **more: Any) -> Scenario:
    return load_scenario(_file(directory, **more), VOCABULARY)


def test_virtual_time_is_preferred(tmp_path: Path) -> None:
    found = Chooser(VIRTUAL, REAL, VOCABULARY).choose(_scenario(tmp_path))
    assert (found.lab, found.why) == (VIRTUAL, "production values on virtual time")
    assert [(plan.lab, plan.scale) for plan in found.plans] == [("warp", 1.0)] * 2


def test_what_cannot_be_played_there_is_played_at_its_scale(tmp_path: Path) -> None:
    found = Chooser(VIRTUAL, REAL, VOCABULARY).choose(_scenario(tmp_path, check=CPU))
    assert found.lab is REAL
    assert found.why == (
        "the lab warp does not support the check 'cpu': on virtual time, computing takes no time"
    )
    assert [(plan.lab, plan.scale) for plan in found.plans] == [("netns", 40.0)] * 2
    assert {plan.lab_why for plan in found.plans} == {found.why}


def test_the_reason_is_in_the_history_and_in_every_result(tmp_path: Path) -> None:
    chooser = Chooser(VIRTUAL, replace(REAL, blind={"half-open": "it is dark"}), VOCABULARY, "so")
    plan = chooser.choose(_scenario(tmp_path)).plans[0]
    not_run = asyncio.run(run_plan(plan, chooser.scaled, VOCABULARY, tmp_path / "a"))
    assert (not_run.verdict, not_run.lab_why) == (Verdict.UNSUPPORTED, "so")
    judged = judge_run(History([header_record(plan, {}, REAL)]), tmp_path)
    assert judged.lab_why == "so"


@pytest.mark.parametrize(("scale", "lab"), [(40, "netns"), (1, "warp")])
def test_what_no_scale_divides_is_played_at_the_scale_that_it_was_chosen_for(
    tmp_path: Path, scale: int, lab: str
) -> None:
    path = _file(tmp_path)
    delay = "  - fault: delay\n    at: middlebox\n    by: 300 ms\n    stays: true\n"
    text = path.read_text().replace("steps:\n", f"steps:\n{delay}")
    path.write_text(text.replace("scale: 40", f"scale: {scale}"))
    found = Chooser(VIRTUAL, REAL, VOCABULARY).choose(load_scenario(path, VOCABULARY))
    assert found.lab.name == lab
    why = "no scale divides 'by' of the fault 'delay', which was chosen for a scale of 40"
    assert (found.why == why) == (lab == "netns")


def test_what_neither_can_play_stays_on_virtual_time(tmp_path: Path) -> None:
    lame = [replace(lab, verbs=frozenset(), blind={"half-open": "dark"}) for lab in (VIRTUAL, REAL)]
    same = [replace(lab, name="warp") for lab in lame]
    found = Chooser(same[0], same[1], VOCABULARY).choose(_scenario(tmp_path))
    assert found.lab is same[0]


def test_an_objection_holds_for_every_scenario(tmp_path: Path) -> None:
    chooser = Chooser(VIRTUAL, REAL, VOCABULARY, "no kernel", scale=50)
    found = chooser.choose(_scenario(tmp_path), {"two"})
    assert (found.lab, found.why) == (REAL, "no kernel")
    assert [(plan.variant, plan.scale) for plan in found.plans] == [("two", 50)]


def test_programs_that_are_never_idle_are_played_where_it_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = Chooser(VIRTUAL, REAL, VOCABULARY).choose
    kafka = VOCABULARY.systems["kafka broker"]
    assert kafka.hourly_s > 0
    monkeypatch.setattr(kafka, "hourly_s", 600.0)
    monkeypatch.setattr(VOCABULARY.systems["kafka produce"], "hourly_s", 0.0)
    long = _scenario(tmp_path, programs=KAFKA, wait="30 h")
    found = choose(long)
    assert found.lab is REAL
    assert "its programs are never idle: the lab warp would compute for about" in found.why
    assert choose(_scenario(tmp_path, programs=KAFKA, wait="5 min")).lab is VIRTUAL
    (plan, _) = Chooser(VIRTUAL, VIRTUAL, VOCABULARY, "so").choose(long).plans
    assert simulated_s(plan) == 30 * 3600
    assert computing_s(plan, VOCABULARY) == pytest.approx(30 * kafka.hourly_s)
    words = long_warning([plan, plan], VOCABULARY)
    assert f"(for each simulated hour: kafka broker {kafka.hourly_s:g} s)" in words
    assert "60 h" in words or "2 d 12 h" in words


def test_nobody_is_warned_of_what_takes_seconds(tmp_path: Path) -> None:
    found = Chooser(VIRTUAL, REAL, VOCABULARY).choose(_scenario(tmp_path, wait="900 h"))
    assert long_warning(found.plans, VOCABULARY) == ""


def test_the_command_line_says_what_was_chosen_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALFOPEN_UML", "/nowhere/linux")
    said: list[str] = []

    def load(scale: float | None = None, *, pcap: bool = False, variant: str = "one") -> list[Plan]:
        said.clear()
        plans = load_auto(
            [_file(tmp_path)],
            VOCABULARY,
            scale=scale,
            seed=3,
            variants=[variant],
            pcap=pcap,
            say=said.append,
        )
        assert {f"lab netns for 1 scenario: {plan.lab_why}" for plan in plans} == set(said)
        return plans

    (plan,) = load()
    assert (plan.lab, plan.variant, plan.seed) == ("netns", "one", 3)
    assert said == [
        "lab netns for 1 scenario: HALFOPEN_UML: there is no file /nowhere/linux; unset it, or "
        "name a kernel"
    ]
    load(20)
    assert said == [
        "lab netns for 1 scenario: --scale asks for scaled time, and the lab warp has none"
    ]
    load(pcap=True)
    assert "--pcap asks for captures" in said[0]
    with pytest.raises(UsageError, match="unknown variant 'tow'; did you mean 'two'"):
        load(variant="tow")


def _plan(file: str, variant: str, lab: str) -> Plan:
    return Plan("s", file, variant, lab, 1.0, 0, (), (), (), ())


def test_plans_of_two_labs_are_played_one_lab_after_the_other(tmp_path: Path) -> None:
    plans = [
        _plan("a/s.scenario.yaml", "v", "netns"),
        _plan("b/s.scenario.yaml", "v", "warp"),
        _plan("b/s.scenario.yaml", "w", "warp"),
    ]
    played: list[tuple[str, list[str]]] = []

    async def play(
        lab: LabSpec, part: Sequence[Plan], directories: Sequence[Path]
    ) -> list[VariantResult]:
        played.append((lab.name, [str(each.relative_to(tmp_path)) for each in directories]))
        return [
            VariantResult("s", plan.variant, lab.name, Verdict.PASS, 0, 1.0, 1.0, file=plan.file)
            for plan in part
        ]

    found = asyncio.run(play_by_lab(plans, [VIRTUAL, REAL], tmp_path, play))
    assert played == [("warp", ["s-2/v", "s-2/w"]), ("netns", ["s/v"])]
    assert [(each.file, each.variant, each.lab) for each in found] == [
        (plan.file, plan.variant, plan.lab) for plan in plans
    ]


def test_the_module_names_no_lab() -> None:
    text = Path(choice.__file__).read_text()
    assert "warp" not in text and "netns" not in text
