"""The results as JSON, for scripts: a contract, to which keys may be added."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from halfopen.model.verdict import CheckResult, ControlResult, VariantResult
from halfopen.report.files import write_file

VERSION = 1


def results_json(results: Iterable[VariantResult]) -> dict[str, Any]:
    """The verdicts of a run as plain JSON values."""
    return {"version": VERSION, "results": [_variant(result) for result in results]}


def write_json(results: Iterable[VariantResult], path: Path) -> None:
    """Write :func:`results_json` to `path`."""
    write_file(path, json.dumps(results_json(results), indent=2, ensure_ascii=False) + "\n")


def _variant(result: VariantResult) -> dict[str, Any]:
    return {
        "scenario": result.scenario,
        "variant": result.variant,
        "lab": result.lab,
        **({"lab_why": result.lab_why} if result.lab_why else {}),
        "verdict": result.verdict.value,
        "seed": result.seed,
        "wall_s": round(result.wall_s, 3),
        "virtual_s": round(result.virtual_s, 3),
        "why": result.why,
        "file": result.file,
        "directory": result.directory,
        "reproduces": result.reproduces,
        "late_s": round(result.late_s, 3),
        **({"kernel": result.kernel, "hz": result.hz} if result.kernel else {}),
        "checks": [_check(check) for check in result.checks],
        **({} if result.control is None else {"control": _control(result.control)}),
        **result.extra,
    }


def _control(control: ControlResult) -> dict[str, Any]:
    return {
        "clean": control.clean,
        "verdict": control.verdict.value,
        "why": control.why,
        "directory": control.directory,
        "differ": list(control.differ),
        "same": list(control.same),
        "words": control.words,
        "undecided": control.undecided,
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "check": check.check,
        "label": check.label,
        "verdict": check.verdict.value,
        "expected": check.expected.value,
        "observed": check.observed,
        "bound": check.bound,
        "why": check.why,
        "line": check.line,
        "late_s": round(check.late_s, 3),
        "evidence": [
            {"t": each.t, "text": each.text, "flow": each.flow} for each in check.evidence
        ],
    }
