"""relpio's wheel with its compiled part, and without it where it cannot be made."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.unit.relpio.loops.both import loops

IMPL = Path(__file__).parents[2] / "impl"
MODULE = "relpio/loops/_compiled.abi3.so"


def build(directory: Path, **environment: str) -> tuple[Path, str]:
    """Build a wheel; return it, and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=IMPL,
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


def test_the_wheel_with_the_compiled_part_is_for_every_python_of_this_platform(
    tmp_path: Path,
) -> None:
    loops("compiled")
    wheel, _ = build(tmp_path, RELPIO_PURE="")
    platform = sysconfig.get_platform().replace("-", "_")
    assert wheel.name.endswith(f"-cp311-abi3-{platform}.whl")
    assert MODULE in names(wheel)


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"RELPIO_PURE": "1"}, ""), ({"CC": "no-such-compiler"}, "without its compiled part")],
)
def test_without_a_compiler_the_wheel_is_pure(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    wheel, output = build(tmp_path, **environment)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert MODULE not in names(wheel)
    assert said in output
