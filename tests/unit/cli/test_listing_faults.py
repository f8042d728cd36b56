"""`halfopen faults NAME`: what a fault takes and means, who can do it, who shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner

from halfopen.cli import fault_page as page
from halfopen.cli.main import app
from halfopen.cli.parameters import describe
from halfopen.faults import all_faults
from halfopen.fields import Duration, RealTimeout, Section, Share
from halfopen.labs import all_labs
from halfopen.packet_faults.block import Block
from halfopen.systems import all_systems
from halfopen.verbs import EndPacketFault, SetLink


class Inner(Section):
    """A section in a section."""

    depth: int = 3


class Base(Section):
    """What two share.

    Attributes:
        at: where it is,
            in two lines.
    """

    at: str


class Params(Base):
    """Parameters.

    Attributes:
        how_long: it takes.
        kind: of it.

    Note:
        nothing: this is no field.
    """

    how_long: Duration = 90.0
    kind: Literal["a", "b"]
    patience: RealTimeout = None
    share: Share = 0.05
    number: int = Field(default=7, ge=1, le=9)
    between: tuple[str, str] = Field(min_length=2, max_length=2)
    inner: Inner = Inner()


def test_parameters_are_described_by_type_docstring_and_default() -> None:
    found = describe(Params)
    assert list(found) == [
        "at", "how long", "kind", "patience", "share", "number", "between", "inner"
    ]  # fmt: skip
    assert found["at"] == {
        "required": True,
        "type": "text",
        "default": None,
        "meaning": "where it is, in two lines.",
    }
    assert found["how long"]["type"] == "duration, such as 75 s"
    assert found["how long"]["default"] == "90 s"
    assert found["how long"]["meaning"] == "it takes."
    assert found["kind"]["type"] == "a or b"
    assert found["patience"]["type"] == "duration, such as 75 s or off"
    assert found["share"]["type"] == "such as 5 %"
    assert found["share"]["default"] == "5 %"
    assert found["number"]["type"] == "whole number, 1 or more, at most 9"
    assert found["number"]["default"] == 7
    assert found["between"]["type"] == "list of 2 of: text"
    assert found["inner"]["default"] == {"depth": 3}
    assert json.dumps(found)


def test_a_parameter_that_names_a_host_says_which_kind() -> None:
    found = describe(all_faults()["mtu black hole"])
    assert found["at"]["type"] == "a middlebox"
    assert found["towards"]["type"] == "an endpoint"
    assert describe(all_faults()["link flap"])["between"]["type"] == "a link: two neighbours"
    assert describe(all_faults()["toxic timeout"])["at"]["type"] == "a host that runs toxiproxy"


@pytest.mark.parametrize("name", sorted(all_faults()))
def test_every_fault_can_be_explained(name: str) -> None:
    fault = all_faults()[name]
    assert fault.about()
    for key, parameter in describe(fault).items():
        assert parameter["meaning"], f"the docstring of {fault.__name__} does not explain {key}"


def test_who_can_do_a_fault_and_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    real = next(iter(all_labs().values()))
    able = replace(
        real,
        verbs=frozenset({Block, EndPacketFault, SetLink}),
        engines={"good": frozenset({Block, EndPacketFault}), "half": frozenset({Block})},
        missing=lambda: (),
        lacks=lambda verb: ["install it"] if verb is SetLink else [],
    )
    labs = {
        "able": replace(able, name="able"),
        "broken": replace(able, name="broken", missing=lambda: ["no namespaces"]),
        "other": replace(able, name="other", verbs=frozenset({Block})),
    }
    monkeypatch.setattr(page, "all_labs", lambda: labs)
    able_, broken, other = page.fault_page(all_faults()["silent drop"], ["x.scenario.yaml"])["labs"]
    assert able_ == {"name": "able", "can": True, "reasons": [], "engines": ["good"]}
    assert (broken["can"], broken["reasons"]) == (False, ["no namespaces"])
    assert (other["can"], other["reasons"]) == (False, ["no verb EndPacketFault"])
    (link, *_) = page.fault_page(all_faults()["link down"], ())["labs"]
    assert (link["can"], link["reasons"], link["engines"]) == (False, ["install it"], [])


def test_the_scenarios_that_use_a_fault_are_found_also_in_variants(tmp_path: Path) -> None:
    for name, text in {
        "one": "steps:\n  - fault: loss\n    at: f\n",
        "two": "variants:\n  v:\n    steps:\n      - fault: kill\n        at: a\n",
        "broken": "steps: [\n",
        "none": "about: 'fault: loss'\n",
    }.items():
        (tmp_path / f"{name}.scenario.yaml").write_text(text)
    found = page.scenarios_by_fault(tmp_path)
    assert {fault: [Path(path).name for path in paths] for fault, paths in found.items()} == {
        "loss": ["one.scenario.yaml"],
        "kill": ["two.scenario.yaml"],
    }


def test_a_fault_is_explained_in_words_and_as_json() -> None:
    shown = CliRunner().invoke(app, ["faults", "loss"]).stdout
    for word in ("loss: ", "share", "(required)", "such as 5 %", "netns", "until", "towards"):
        assert word in shown
    (item,) = json.loads(CliRunner().invoke(app, ["faults", "loss", "--json"]).stdout)
    assert item["name"] == "loss"
    assert item["heals"]
    assert item["parameters"]["share"]["required"]
    assert [lab["name"] for lab in item["labs"]] == list(all_labs())
    assert any("loss" in path for path in item["scenarios"])


@pytest.mark.parametrize("name", sorted(all_systems()))
def test_every_system_can_be_described(name: str) -> None:
    assert json.dumps(describe(all_systems()[name]))
