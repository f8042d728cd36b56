"""The files for CI systems are as their schemas say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def refused(schema: str, path: Path) -> str:
    """What a schema that comes with check-jsonschema refuses; empty if nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "docs/ci/github-actions.yml"),
        ("vendor.gitlab-ci", "docs/ci/gitlab-ci.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/incident.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/wrong-verdict.yml"),
    ],
)
def test_a_file_is_as_its_schema_says(schema: str, name: str, tmp_path: Path) -> None:
    assert not refused(schema, ROOT / name)
    wrong = tmp_path / Path(name).name
    wrong.write_text((ROOT / name).read_text() + "\nruns: 7\njobs: 7\nscript: 7\nstages: 7\n")
    assert refused(schema, wrong)


def test_the_component_is_a_header_and_a_job(tmp_path: Path) -> None:
    header, job = YAML(typ="safe").load_all((ROOT / "templates/halfopen.yml").read_text())
    text = (ROOT / "templates/halfopen.yml").read_text().partition("\n---\n")[2]
    for name, given in header["spec"]["inputs"].items():
        placeholder = f"$[[ inputs.{name} ]]"
        assert placeholder in text, "an input that nothing uses"
        text = text.replace(placeholder, str(given.get("default", "value")))
    assert "$[[" not in text
    assert list(job) == ["halfopen"]
    filled = tmp_path / "filled.yml"
    filled.write_text(text)
    assert not refused("vendor.gitlab-ci", filled)
