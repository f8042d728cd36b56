"""Plays what must catch a mutant, and judges whether it did, and for the right reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.model import ROOT, Mutant

PATIENCE_S = 240.0
"""A test or a variant that takes longer counts as hanging, which is a failure, too."""

_TEST_TIMEOUT_S = 30
_FAILED = 1  # exit status of pytest: tests ran, and some failed
_PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n0"),
    *("--tb=short", "--show-capture=no", f"--timeout={_TEST_TIMEOUT_S}", "-W", "ignore"),
]


RUN = "run"
"""In place of a check: the run itself breaks, and says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes:
        mutant: which.
        caught: its catcher failed, and said what it must.
        said: what the catcher said, in one line.
    """

    mutant: Mutant
    caught: bool
    said: str


def catch(mutant: Mutant) -> Outcome:
    """Breed a mutant, and play what must catch it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        directory = Path(name)
        environment = {**os.environ, "PYTHONPATH": str(mutant.breed(directory))}
        environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(directory / "hypothesis")
        environment["CI"] = "true"  # hypothesis then tries the same examples each time
        if mutant.test:
            return _by_test(mutant, environment)
        return _by_scenario(mutant, environment, directory)


def _by_test(mutant: Mutant, environment: Mapping[str, str]) -> Outcome:
    done = _run([*_PYTEST, f"tests/{mutant.test}"], environment)
    if done is None:
        return Outcome(mutant, False, f"no result in {PATIENCE_S:g} s")
    lines = _errors(done.stdout)
    said = _short(lines, mutant.says)
    if done.returncode != _FAILED:
        summary = done.stdout.strip().splitlines()[-1:] or done.stderr.strip().splitlines()[-1:]
        return Outcome(mutant, False, f"pytest ended with {done.returncode}: {' '.join(summary)}")
    return Outcome(mutant, mutant.says in " ".join(lines), said)


def _by_scenario(mutant: Mutant, environment: Mapping[str, str], directory: Path) -> Outcome:
    done = _run(play_command(mutant, directory), environment)
    if done is None:
        return Outcome(mutant, False, f"no verdict in {PATIENCE_S:g} s")
    try:
        (result,) = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:]
        return Outcome(mutant, False, f"halfopen ended with {done.returncode}: {' '.join(last)}")
    wrong = [
        each
        for each in result["checks"]
        if each["check"] == mutant.check and each["verdict"] != each["expected"]
    ]
    if mutant.check == RUN:  # it did not come to its end
        wrong = [result] if result["verdict"] in ("error", "unknown") else []
    facts = [f"{each['why']} {' '.join(_texts(each))}" for each in wrong]
    said = "; ".join(each["why"] for each in wrong) or f"{result['verdict']}: {result['why']}"
    return Outcome(mutant, any(mutant.says in fact for fact in facts), said)


def play_command(mutant: Mutant, directory: Path) -> list[str]:
    """The command that plays a variant, with its results on standard output."""
    return [
        *(sys.executable, "-m", "halfopen", "run", str(mutant.scenario_file)),
        *("--variant", mutant.variant, "--out", str(directory / "out"), "--json", "-"),
        *("--no-report", "--quiet", "--jobs", "1", "--late-retries", "2"),
    ]


def control_tests(mutants: Iterable[Mutant]) -> list[str]:
    """Run all tests that catch mutants without any; returns what went wrong: nothing may."""
    tests = sorted({f"tests/{each.test}" for each in mutants if each.test})
    if not tests:
        return []
    done = _run([*_PYTEST, *tests], os.environ, patience=20 * PATIENCE_S)
    if done is not None and done.returncode == 0:
        return []
    return [f"tests fail without a mutant: {done.stdout[-2000:] if done else 'they hang'}"]


def control_variant(mutant: Mutant) -> list[str]:
    """Play the variant that catches a mutant without it; returns what went wrong."""
    with tempfile.TemporaryDirectory(prefix="control-") as name:
        done = _run(play_command(mutant, Path(name)), os.environ)
    if done is not None and done.returncode == 0:
        return []
    return [f"{mutant.scenario}, variant {mutant.variant} fails without a mutant"]


def _run(
    command: Sequence[str], environment: Mapping[str, str], patience: float = PATIENCE_S
) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        return None


def _texts(check: Mapping[str, object]) -> list[str]:
    evidence = check.get("evidence", [])
    assert isinstance(evidence, list)
    return [str(each.get("text", "")) if isinstance(each, dict) else str(each) for each in evidence]


def _errors(output: str) -> list[str]:
    """The lines in which pytest says what was wrong."""
    found = [line[1:].strip() for line in output.splitlines() if re.match(r"E\s", line)]
    return found or [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]


def _short(lines: Sequence[str], says: str) -> str:
    """The line with what it must say, else the first."""
    return next((line for line in lines if says in line), " ".join(lines[:2]))
