"""What the guides add, put together as they say, is found, tested and played."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", re.DOTALL)


def _follow(guide: str, directory: Path) -> list[str]:
    """Do what the guide says in a copy of the repository; returns the paths of its files."""
    for part in ("harness/halfopen", "tests/unit"):
        ignored = shutil.ignore_patterns("__pycache__", "relpio")
        shutil.copytree(ROOT / part, directory / part, ignore=ignored)
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, directory / name)
    names = []
    for name, text in BLOCK.findall((ROOT / guide).read_text()):
        target = directory / name
        before = target.read_text() if target.exists() else ""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(before + text)
        names.append(name)
    return names


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("guide", "shown", "tests"),
    [
        (
            "docs/adding-a-fault.md",
            {"faults": {"few cores": "cores", "mss clamp": "segment size"}},
            5,
        ),
        ("docs/adding-a-check.md", {"checks": {"retransmissions": "in a row"}}, 6),
        ("docs/adding-a-system.md", {"systems": {"logger send": "octet count"}}, 3),
    ],
)
def test_the_guide_leads_to_an_addition_that_works(
    tmp_path: Path, guide: str, shown: dict[str, dict[str, str]], tests: int
) -> None:
    names = _follow(guide, tmp_path)
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "harness")}
    for command, pages in shown.items():
        for name, word in pages.items():
            page = halfopen(command, name, cwd=tmp_path, env=env)
            assert word in page.stdout, page.stdout + page.stderr

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    modules = [name for name in names if name.endswith(".py")]
    python("ruff", "check", "--no-cache", *modules)
    python("ruff", "format", "--no-cache", "--check", *modules)
    told = python("pytest", "-q", "-p", "no:cacheprovider", *(n for n in modules if "test_" in n))
    assert f"{tests} passed" in told, told

    scenarios = [name for name in names if name.endswith(".yaml")]
    done = halfopen("run", *scenarios, "--no-report", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
