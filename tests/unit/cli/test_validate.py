"""`halfopen validate`: what is wrong with scenario files, without running them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]

RIGHT = """\
scenario: an hour of silence
scale: 600
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 75 min
  - send: 20 messages
expect:
  - delivery: { lost: 0 }
variants:
  one: {}
  two: { steps: [{ send: 20 messages }] }
"""


def validate(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "halfopen", "validate", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "right.scenario.yaml").write_text(RIGHT)
    (tmp_path / "wrong.scenario.yaml").write_text(
        RIGHT.replace("75 min", "75").replace("fortigate", "fortgate")
    )
    return tmp_path


def test_a_file_that_is_right_says_how_long_it_takes(directory: Path) -> None:
    done = validate(directory, "right.scenario.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "right.scenario.yaml: 2 variants; the longest takes about 7.5 s (simulates about 75 min)\n"
    )
    assert not (directory / "out").exists()


def test_a_file_that_is_wrong_hides_none_that_is_right(directory: Path) -> None:
    done = validate(directory, ".")
    assert done.returncode == 2
    assert done.stdout.startswith("right.scenario.yaml: 2 variants")
    complaints = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in complaints] == [
        "wrong.scenario.yaml:5",
        "wrong.scenario.yaml:10",
    ]
    assert "did you mean 'fortigate'?" in complaints[0]


def test_json_holds_files_and_problems(directory: Path) -> None:
    done = validate(directory, ".", "--format", "json")
    assert (done.returncode, done.stderr) == (2, "")
    said = json.loads(done.stdout)
    (file,) = said["files"]
    assert (file["file"], file["scenario"]) == ("right.scenario.yaml", "an hour of silence")
    assert file["variants"] == [
        {"variant": "one", "seconds": 7.5, "simulated_s": 4500.0},
        {"variant": "two", "seconds": 0.0, "simulated_s": 0.0},
    ]
    assert [(each["file"], each["line"]) for each in said["problems"]] == [
        ("wrong.scenario.yaml", 5),
        ("wrong.scenario.yaml", 10),
    ]


def test_annotations_are_escaped(tmp_path: Path) -> None:
    odd = tmp_path / "a,b.scenario.yaml"
    odd.write_text(RIGHT.replace("run: relpio send", "run: 100%"))
    done = validate(tmp_path, odd.name, "--format", "github")
    assert done.returncode == 2
    assert re.match(r"::error file=a%2Cb\.scenario\.yaml,line=4::.*'100%25'", done.stdout)


def test_another_scale_is_judged_as_well(directory: Path) -> None:
    done = validate(directory, "right.scenario.yaml", "--scale", "100000")
    assert done.returncode == 2
    assert "right.scenario.yaml:" in done.stderr and "scale" in done.stderr


def test_the_hook_of_pre_commit_takes_every_scenario_of_the_library(tmp_path: Path) -> None:
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    files = [str(each.relative_to(ROOT)) for each in (ROOT / "scenarios").rglob("*.scenario.yaml")]
    taken = [each for each in files if re.search(hook["files"], each)]
    assert sorted(taken) == sorted(files)
    program, *words = hook["entry"].split()
    assert program == "halfopen"
    command = [sys.executable, "-m", program, *words, taken[0]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
