"""What the guides show runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/scenarios.md",
        "docs/commands.md",
        "docs/operations.md",
        "docs/toxiproxy.md",
    ],
)
def test_the_scenario_of_the_page_runs_as_it_says(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    (whole,) = [block for block in blocks if block.startswith("scenario:")]
    path = tmp_path / "shown.scenario.yaml"
    path.write_text(whole)
    done = halfopen("run", path, "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
