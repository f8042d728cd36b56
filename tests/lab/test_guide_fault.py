"""The fault of the guide, put together as the guide says, is found, played and tested."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import halfopen as package
from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

GUIDE = Path(__file__).parents[2] / "docs/adding-a-fault.md"


def _follow(directory: Path) -> dict[str, str]:
    """Do what the guide says in a copy of halfopen; returns the environment that finds it."""
    shutil.copytree(
        Path(package.__file__).parent,
        directory / "harness/halfopen",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    blocks = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for name, text in blocks:
        target = directory / name
        before = target.read_text() if target.exists() else ""
        target.write_text(before + text)
    return {**os.environ, "PYTHONPATH": str(directory / "harness")}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("fault", "word", "name", "tests"),
    [("few cores", "cores", "few-cores", 2), ("mss clamp", "segment size", "mss-clamp", 3)],
)
def test_the_guide_leads_to_a_fault_that_works(
    tmp_path: Path, fault: str, word: str, name: str, tests: int
) -> None:
    env = _follow(tmp_path)
    shown = halfopen("faults", fault, cwd=tmp_path, env=env)
    assert word in shown.stdout, shown.stdout + shown.stderr
    done = halfopen("run", f"{name}.scenario.yaml", "--no-report", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    test = f"test_fault_{name.replace('-', '_')}.py"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"{tests} passed" in tested.stdout, tested.stdout + tested.stderr
