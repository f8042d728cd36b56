"""The contract of the command line: exit statuses, JSON, JUnit; each status is seen here."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.lab.scenarios import SHORT, halfopen, told, write_short

pytestmark = pytest.mark.lab


@pytest.mark.usefixtures("netns")
def test_all_as_expected_is_0_and_json_has_the_agreed_form(tmp_path: Path) -> None:
    path = write_short(tmp_path)
    done = halfopen(
        "run", path, "--variant", "leaks", "--json", "r.json", "--junit", "r.xml", "--seed", "7",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "r.json").read_text())
    assert results["version"] == 1
    (result,) = results["results"]
    assert (result["scenario"], result["variant"]) == ("short silence", "leaks")
    assert (result["lab"], result["verdict"], result["seed"]) == ("netns", "reproduced", 7)
    assert 0 < result["wall_s"] < result["virtual_s"]
    half_open = next(c for c in result["checks"] if c["check"] == "half-open")
    assert (half_open["verdict"], half_open["observed"]) == ("fail", 1)
    assert {"check", "verdict", "observed", "bound", "why"} <= set(half_open)
    (case,) = ET.parse(tmp_path / "r.xml").iter("testcase")
    assert case.get("name") == "leaks [netns]"
    assert not list(case.iter("failure"))
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000


@pytest.mark.usefixtures("netns")
def test_an_expectation_that_fails_is_1_and_a_saved_history_judges_the_same(
    tmp_path: Path,
) -> None:
    path = write_short(tmp_path)
    done = halfopen("run", path, "--variant", "fails", "--json", "r.json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "half-open" in done.stdout
    again = halfopen("check", "out", "--json", "again.json", cwd=tmp_path)
    assert again.returncode == 1
    first, second = (
        json.loads((tmp_path / name).read_text())["results"][0] for name in ("r.json", "again.json")
    )
    assert first["checks"] == second["checks"]
    assert first["verdict"] == second["verdict"] == "fail"


def test_wrong_input_is_2_with_every_place_and_nothing_is_started(tmp_path: Path) -> None:
    text = SHORT.replace("wait: 2 h", "wait: -2 h").replace("profile: fortigate", "profile: fort")
    path = write_short(tmp_path, text.replace("at: receiver, at end", "at: nowhere, at end"))
    done = halfopen("run", path, cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.rsplit("/", 1)[-1].split(":")[1] for line in lines] == ["5", "10", "14"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nothing.scenario.yaml"],
        ["run", "."],
        ["run"],
        ["run", "short.scenario.yaml", "--lab", "moon"],
        ["run", "short.scenario.yaml", "--variant", "none"],
        ["run", "short.scenario.yaml", "--jobs", "0"],
        ["run", "short.scenario.yaml", "--scale", "-3"],
        ["run", "short.scenario.yaml", "--out", "/proc/nowhere"],
        ["run", "short.scenario.yaml", "--json", "/nowhere/results.json"],
        ["check", "."],
        ["profiles", "none"],
        ["bogus"],
    ],
)
def test_wrong_arguments_are_2(tmp_path: Path, arguments: list[str]) -> None:
    if "." not in arguments:
        write_short(tmp_path)
    done = told(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("netns")
def test_a_scale_that_turns_timers_round_is_refused_with_a_remedy(tmp_path: Path) -> None:
    done = told("run", write_short(tmp_path), "--scale", "100000", cwd=tmp_path)
    assert done.returncode == 2
    assert "idle timeout" in done.stderr
    assert "scale" in done.stderr


@pytest.mark.usefixtures("netns")
def test_a_machine_that_forbids_namespaces_is_3_and_says_what_is_missing(tmp_path: Path) -> None:
    """A namespace in which no further network namespaces may be made plays that machine."""
    write_short(tmp_path)
    script = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh",
         sys.executable, "-m", "halfopen", "run", "short.scenario.yaml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    assert "namespaces" in done.stderr


@pytest.mark.usefixtures("netns")
def test_new_writes_a_scenario_that_runs(tmp_path: Path) -> None:
    made = told("new", "first", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert told("new", "first", cwd=tmp_path).returncode == 2  # it overwrites nothing
    done = halfopen("run", "first.scenario.yaml", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["profiles", "faults", "systems", "checks"])
def test_what_there_is_can_be_listed_and_explained(tmp_path: Path, command: str) -> None:
    listed = json.loads(told(command, "--json", cwd=tmp_path).stdout)
    assert listed
    for item in listed:
        assert item["name"] and item["summary"]
    shown = told(command, cwd=tmp_path).stdout
    assert all(item["name"] in shown for item in listed)
    one = told(command, listed[0]["name"], cwd=tmp_path)
    assert one.returncode == 0
    assert listed[0]["name"] in one.stdout


@pytest.mark.usefixtures("netns")
def test_doctor_says_what_works(tmp_path: Path) -> None:
    done = told("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert {"name": "netns", "works": True, "missing": []} in json.loads(done.stdout)["labs"]
