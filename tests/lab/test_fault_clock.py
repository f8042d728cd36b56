"""The clock-step scenario fails on a relpio that measures its time-outs by the time of day."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import relpio
from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCENARIO = Path(__file__).parents[2] / "scenarios/faults/clock-step.scenario.yaml"
VARIANT = "back-while-the-path-is-broken"


def _breed(directory: Path) -> Path:
    """A relpio whose endpoints read CLOCK_REALTIME; returns the directory that it is in."""
    package = directory / "mutant" / "relpio"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(relpio.__file__).parent, package, ignore=ignored)
    changed = 0
    for module in [package / "net/transport.py", *(package / "sender").glob("*.py")]:
        source = module.read_text()
        changed += source.count("loop.time()")
        source = source.replace("self._loop.time()", '__import__("time").time()')
        module.write_text(source.replace("loop.time()", '__import__("time").time()'))
    assert changed > 3, "relpio's endpoints no longer ask their loop for the time"
    return package.parent


@pytest.mark.timeout(120)
def test_a_sender_that_trusts_the_time_of_day_hangs_when_it_is_set_back(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    done = halfopen(
        "run", SCENARIO, "--variant", VARIANT, "--out", tmp_path / "out", "--json", results,
        "--no-report", "--quiet",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(_breed(tmp_path))},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert results.exists(), done.stdout + done.stderr
    (result,) = json.loads(results.read_text())["results"]
    failed = {check["check"] for check in result["checks"] if check["verdict"] == "fail"}
    assert failed == {"connections"}, result["checks"]
