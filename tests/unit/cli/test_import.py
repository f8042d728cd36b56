"""`halfopen import`: what it says, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.scenarios import told
from tests.unit.importing.texts import SS, SYSCTL, cut

ROOT = Path(__file__).parents[3]


def test_the_scenario_is_written_and_valid(tmp_path: Path) -> None:
    (tmp_path / "ss.txt").write_text(SS)
    (tmp_path / "sysctl.txt").write_text(SYSCTL)
    words = ("import", "--ss", "ss.txt", "--sysctl", "sysctl.txt", "--out", "mine.scenario.yaml")
    done = told(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "understood: 4 connections, 2 listening ports, 5 settings" in done.stdout
    assert "wrote mine.scenario.yaml: port 514, firewall linux-conntrack" in done.stdout
    assert "ss.txt:4" in (tmp_path / "mine.scenario.yaml").read_text()
    done = told("validate", "mine.scenario.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = told(*words, cwd=tmp_path)
    assert done.returncode == 2 and "mine.scenario.yaml exists already" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no input; give at least one of --ss"),
        (["--ss", "none.txt"], "none.txt:1: cannot be read: No such file or directory"),
        (["--ss", "."], ".:1: cannot be read: Is a directory"),
        (["--ss", "cut.txt"], "cut.txt:5: the file seems cut in this line"),
        (["--ss", "cut.txt", "--out", "a.yaml"], "--out a.yaml: the name must end with"),
        (["--sysctl", "cut.txt"], "cut.txt:1: no name = value"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "cut.txt").write_text(cut(SS, 5, 40))
    done = told("import", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["cut.txt"]


def test_the_guide_shows_what_is_said(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "import.md").read_text()
    (sockets,) = re.findall(r"```text\n(.*?)```", guide, re.DOTALL)
    (session,) = re.findall(r"```console\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "ss.txt").write_text(sockets)
    for command, said in re.findall(r"^\$ halfopen (.*)\n((?:[^$].*\n)*)", session, re.MULTILINE):
        done = told(*command.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == said
