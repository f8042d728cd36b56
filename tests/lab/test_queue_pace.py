"""The scenarios of a queue's pace fail on a relpio that takes no notice of its settings."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import relpio
from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

SCENARIOS = Path(__file__).parents[2] / "scenarios/queues"


def _breed(directory: Path, module: str, old: str, new: str) -> Path:
    """A relpio with one line changed; returns the directory that it is in."""
    package = directory / "mutant" / "relpio"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(relpio.__file__).parent, package, ignore=ignored)
    source = (package / module).read_text()
    assert source.count(old) == 1, f"{module} no longer has the line to change"
    (package / module).write_text(source.replace(old, new))
    return package.parent


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("scenario", "module", "old", "new", "check"),
    [
        ("batches", "sender/pace.py", "now + self._policy.slow_down", "now", "arrivals"),
        ("workers", "queue/policy.py", "min(settings.worker_threads, ", "min(1, ", "connections"),
        (
            "counted",
            "queue/memory.py",
            "room = self.max_messages - ",
            "room = self.max_messages + 1 - ",
            "delivery",
        ),
    ],
)
def test_a_sender_that_ignores_a_setting_is_found_out(
    tmp_path: Path, scenario: str, module: str, old: str, new: str, check: str
) -> None:
    results = tmp_path / "results.json"
    done = halfopen(
        "run", SCENARIOS / f"{scenario}.scenario.yaml", "--variant", "relpio-memory",
        "--out", tmp_path / "out", "--json", results, "--no-report", "--quiet",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(_breed(tmp_path, module, old, new))},
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    (result,) = json.loads(results.read_text())["results"]
    failed = {each["check"] for each in result["checks"] if each["verdict"] == "fail"}
    assert failed == {check}, result["checks"]
