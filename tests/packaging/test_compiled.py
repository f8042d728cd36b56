"""Wheels with their compiled part, and without it where it cannot be made."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from tests.unit.labs.forwarder.loops import both as of_halfopen
from tests.unit.relpio.loops import both as of_relpio

ROOT = Path(__file__).parents[2]


class Project(NamedTuple):
    """A distribution: where it is built, its module, what leaves that out, whether it is built."""

    root: Path
    module: str
    variable: str
    loops: Callable[[str], ModuleType]


PROJECTS = [
    Project(
        ROOT,
        "halfopen/labs/forwarder/loops/_compiled.abi3.so",
        "HALFOPEN_PURE",
        of_halfopen.loops,
    ),
    Project(ROOT / "impl", "relpio/loops/_compiled.abi3.so", "RELPIO_PURE", of_relpio.loops),
]
each_project = pytest.mark.parametrize("project", PROJECTS, ids=["halfopen", "relpio"])


def build(project: Project, directory: Path, **environment: str) -> tuple[Path, str]:
    """Build a wheel; return it, and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=project.root,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel, done.stdout + done.stderr


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@each_project
def test_the_wheel_with_the_compiled_part_is_for_every_python_of_this_platform(
    project: Project, tmp_path: Path
) -> None:
    project.loops("compiled")
    wheel, _ = build(project, tmp_path, **{project.variable: ""})
    platform = sysconfig.get_platform().replace("-", "_")
    assert wheel.name.endswith(f"-cp311-abi3-{platform}.whl")
    assert project.module in names(wheel)


@each_project
def test_a_variable_makes_the_wheel_pure(project: Project, tmp_path: Path) -> None:
    wheel, _ = build(project, tmp_path, **{project.variable: "1"})
    assert wheel.name.endswith("-py3-none-any.whl")
    assert project.module not in names(wheel)


@each_project
def test_without_a_compiler_the_wheel_is_pure(project: Project, tmp_path: Path) -> None:
    wheel, output = build(project, tmp_path, CC="no-such-compiler")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert project.module not in names(wheel)
    assert "without its compiled part" in output
