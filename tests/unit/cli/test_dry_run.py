"""`halfopen run --dry-run`: what would be played; nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.scenarios import told
from tests.unit.cli.test_validate import RIGHT


@pytest.mark.parametrize(
    ("words", "together"),
    [
        ((), "2 variants of 1 file; about 7.5 s together; at a time up to 3 in the lab netns"),
        (("--control",), "2 variants of 1 file, each played twice; about 15 s together;"),
        (("--variant", "two"), "1 variant of 1 file; at a time up to 3 in the lab netns"),
    ],
)
def test_it_says_what_would_be_played(
    tmp_path: Path, words: tuple[str, ...], together: str
) -> None:
    (tmp_path / "a.scenario.yaml").write_text(RIGHT)
    command = ("run", "a.scenario.yaml", "--dry-run", "--jobs", "3", *words)
    done = told(*command, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *variants, last = done.stdout.splitlines()
    assert first == "a.scenario.yaml: an hour of silence (lab netns, scale 600)"
    assert ("  one: takes about 7.5 s (simulates about 75 min)" in variants) == (len(variants) == 2)
    assert variants[-1] == "  two: takes less than a second (simulates less than a second)"
    assert last.startswith(together)
    assert last.endswith("Nothing was started.")
    assert [each.name for each in tmp_path.iterdir()] == ["a.scenario.yaml"]


def test_what_is_wrong_is_2(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(RIGHT.replace("75 min", "75"))
    done = told("run", "a.scenario.yaml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 2
    assert "a.scenario.yaml:10: " in done.stderr
