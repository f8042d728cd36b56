"""The wheel holds what the programs need at run time, and nothing of the tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_is_complete(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = [n for n in names if n.endswith("entry_points.txt")]
        points = archive.read(entry_points).decode()
    for package in ("halfopen", "relpio"):
        assert f"{package}/py.typed" in names
    assert "halfopen/scenario/scenario.schema.json" in names
    assert any(n.startswith("halfopen/profiles/data/") and n.endswith(".yaml") for n in names)
    assert any(n.startswith("halfopen/report/templates/") for n in names)
    assert not [n for n in names if n.startswith(("tests/", "scenarios/"))]
    for line in ("halfopen = halfopen.cli.main:main", "relpio = relpio.command.main:main"):
        assert line in points


def test_nothing_depends_on_paths_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "grep", "-nIE", r"(^|[^a-zA-Z0-9_.-])/(work|farm|home/[a-z]+)/", "--", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    found = [line for line in listed.stdout.splitlines() if "test_wheel.py" not in line]
    assert not found
