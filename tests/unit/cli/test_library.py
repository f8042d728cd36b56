"""The scenario library is found by names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from halfopen.cli.demo import SCENARIO
from halfopen.cli.loading import scenario_files
from halfopen.cli.main import app
from halfopen.errors import UsageError
from halfopen.scenario import library
from halfopen.scenario.library import SUFFIX

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "scenarios").rglob(f"*{SUFFIX}"))
FORTIGATE = ROOT / "scenarios" / "incidents" / f"fortigate-idle-relp{SUFFIX}"


def test_it_holds_what_the_demonstration_plays() -> None:
    assert library.file_of(SCENARIO) == FORTIGATE


@pytest.mark.parametrize("name", ["@fortigate-idle-relp", "@incidents/fortigate-idle-relp"])
def test_a_scenario_has_a_short_name_and_a_whole_one(name: str) -> None:
    assert scenario_files([Path(name)]) == [FORTIGATE]


def test_a_directory_and_all_of_it_have_names() -> None:
    incidents = [each for each in FILES if each.parent.name == "incidents"]
    assert scenario_files([Path("@incidents")]) == incidents
    assert scenario_files([Path("@")]) == FILES


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("@fortigate-idle-rlp", "did you mean @fortigate-idle-relp?"),
        ("@incident/fortigate-idle-relp", "did you mean @incidents/fortigate-idle-relp?"),
        ("@disk-full", "there are several; write @faults/disk-full or @queues/disk-full"),
        ("@none-like-it-at-all", "`halfopen library` lists them"),
        ("@..", "the library has no such scenario"),
        ("@/etc", "the library has no such scenario"),
    ],
)
def test_a_name_that_means_nothing_is_told_what_would(name: str, remedy: str) -> None:
    with pytest.raises(UsageError) as error:
        scenario_files([Path(name)])
    assert str(error.value).startswith(f"{name}: ") and remedy in str(error.value)


def test_a_file_of_that_name_is_no_name_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("@incidents").write_text("scenario: mine")
    assert scenario_files([Path("@incidents")]) == [Path("@incidents")]


def test_it_is_listed_with_titles() -> None:
    listed = CliRunner().invoke(app, ["library"]).output.splitlines()
    assert len(listed) == len(FILES)
    assert any(
        line.split(maxsplit=1) == [SCENARIO, "an hour of silence behind a FortiGate"]
        for line in listed
    )
    said = json.loads(CliRunner().invoke(app, ["library", "--json"]).output)
    assert [each["name"] for each in said] == library.names()
    assert all(each["title"] for each in said)


def test_one_is_printed_as_it_is_but_for_what_only_its_editor_needs() -> None:
    text = CliRunner().invoke(app, ["library", "@fortigate-idle-relp"]).output
    first, _, rest = FORTIGATE.read_text().partition("\n")
    assert first.startswith("# yaml-language-server:")
    assert text == rest


def test_where_it_is_not_installed_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the scenario library is not installed"):
        library.directory([tmp_path, tmp_path / "none"])
