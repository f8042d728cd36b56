"""The library has the same verdicts in the labs netns and warp, or it is known why not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from halfopen.labs.warp.lab import LAB
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report.results import write_json
from tests.lab.crashes import SOAK
from tests.lab.lab_differences import differing_verdicts, known_differences, unexplained

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scenarios"


def test_a_verdict_that_differs_is_found_and_another_figure_is_not(tmp_path: Path) -> None:
    def write(name: str, **verdicts: Verdict) -> Path:
        results = [
            VariantResult("s", variant, name, verdict, 0, observed, 1.0, (check,))
            for variant, verdict in verdicts.items()
            for observed in [1.0 if name == "netns" else 2.0]
            for check in [CheckResult("fds", Verdict.PASS, observed, "", "", label="fds")]
        ]
        write_json(results, tmp_path / name)
        return tmp_path / name

    one = write("netns", a=Verdict.PASS, b=Verdict.PASS, c=Verdict.PASS)
    other = write("warp", a=Verdict.PASS, b=Verdict.FAIL, c=Verdict.UNSUPPORTED)
    found = differing_verdicts(one, other)
    assert found == {("s", "b"): "verdict: pass [netns] -> fail [warp]"}
    said = unexplained(found, {"s": "new"})
    assert said[0] == "new / b: verdict: pass [netns] -> fail [warp]"
    assert "reordering / short does not differ" in said


def test_the_known_differences_are_on_the_page() -> None:
    page = (ROOT / "docs/warp.md").read_text()
    rows = page.partition("## Verdicts that differ")[2]
    known = known_differences()
    for file, variant in known:
        assert f"`{file}` / " in rows
        assert f"`{variant}`" in rows or f"`{file}` / all variants" in rows
        assert list(LIBRARY.rglob(f"{file}.scenario.yaml"))


@pytest.mark.lab
@pytest.mark.warp
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not SOAK, reason="the whole library in two labs is part of make soak")
def test_the_library_has_the_same_verdicts_in_both_labs(tmp_path: Path, netns: None) -> None:
    if problems := LAB.missing():
        pytest.skip(f"needs the warp lab: {'; '.join(problems)}")
    files = [str(p) for p in sorted(LIBRARY.rglob("*.scenario.yaml")) if _is_quick(p)]
    told: dict[str, Any] = {}
    for lab, more in (("netns", ["--late-retries", "2"]), ("warp", [])):
        told[lab] = tmp_path / f"{lab}.json"
        command = [sys.executable, "-m", "halfopen.cli.main", "run", "--lab", lab, "--seed", "5"]
        outputs = ["--out", str(tmp_path / lab), "--json", str(told[lab]), "--no-report", "-q"]
        subprocess.run([*command, *more, *outputs, *files], stdout=subprocess.DEVNULL, timeout=3500)
    results = json.loads(told["warp"].read_text())["results"]
    names = {each["scenario"]: Path(each["file"]).name.partition(".")[0] for each in results}
    assert unexplained(differing_verdicts(told["netns"], told["warp"]), names) == []


def _is_quick(scenario: Path) -> bool:
    """A JVM is never idle, and takes minutes on virtual time."""
    return "run: kafka" not in scenario.read_text()
