"""The step of the GitHub action that plays scenarios, as a runner would start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

ROOT = Path(__file__).parents[2]

TEXT = """\
scenario: a message
scale: 1
hosts:
  sender: { run: tcp client, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: tcp server }
path: [sender, firewall, receiver]
steps:
  - send: 1 message
  - wait until: 1 delivered
expect:
  - delivery: { lost: 0 }
  - connections: { at: sender, opened: 2 }
variants:
  one: {}
"""


def test_what_fails_is_annotated_and_summed_up(tmp_path: Path) -> None:
    (tmp_path / "halfopen").symlink_to(Path(sys.prefix))
    (tmp_path / "a.scenario.yaml").write_text(TEXT)
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    (step,) = (each for each in action["runs"]["steps"] if each["name"] == "Scenarios")
    given = {"scenarios": "a.scenario.yaml", "options": "--late-retries 1", "out": "results"}
    environment = {
        name: given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        # docs.github.com, "Workflow syntax": how `shell: bash` starts a script
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={
            **os.environ,
            **environment,
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    told = "::error file=a.scenario.yaml,line=13,title=a message / one::fail: connections at sender"
    assert told in done.stdout
    assert "halfopen: 0 of 1 variant as expected" in (tmp_path / "summary.md").read_text()
    for name in ("report.html", "junit.xml", "results.json"):
        assert (tmp_path / "results" / name).exists()
