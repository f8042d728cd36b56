"""Incidents of the library are the same in containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(240)]

LIBRARY = Path(__file__).parents[2] / "scenarios" / "incidents"
# A NAT that refuses, a program that is frozen, two middleboxes one behind the other.
CHOSEN = {"ipvs-local-rst": 4, "lambda-350-pg": 3, "nitro6-350": 3}


def test_every_variant_is_as_expected_there_too(tmp_path: Path) -> None:
    files = [LIBRARY / f"{name}.scenario.yaml" for name in CHOSEN]
    how = ("--lab", "docker", "--no-report", "-q", "--json", "r.json")
    done = halfopen("run", *files, *how, cwd=tmp_path, timeout=220)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert len(results) == sum(CHOSEN.values())
    assert {each["lab"] for each in results} == {"docker"}
