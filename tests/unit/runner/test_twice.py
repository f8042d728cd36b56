"""Two runs of one plan are compared record by record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halfopen.cli.finish import exit_status
from halfopen.model.history import FILE_NAME
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.runner.twice import differs, first_difference, run_twice

PLAN = Plan("s", "s.scenario.yaml", "v", "warp", 1.0, 0, (), (), (), ())
HEADER = {"t": 0.0, "kind": "header", "seed": 7, "started": "2026-01-01T00:00:00"}
STEP = {"t": 1.0, "kind": "step"}
LATER = {"t": 1.5, "kind": "step"}


def _write(place: Path, *records: dict[str, Any]) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    file = place / FILE_NAME
    file.write_text("".join(json.dumps(each) + "\n" for each in records))
    return file


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ([HEADER, STEP], None),
        ([{**HEADER, "started": "2026-02-02T00:00:00"}, STEP], None),
        ([{**HEADER, "seed": 8}, STEP], "record 1 differs: "),
        ([HEADER, LATER], f"record 2 differs: {json.dumps(STEP)} / {json.dumps(LATER)}"),
        ([HEADER], f"record 2 differs: {json.dumps(STEP)} / (no such record)"),
        ([HEADER, STEP, LATER], f"record 3 differs: (no such record) / {json.dumps(LATER)}"),
    ],
)
def test_the_first_difference_is_named(
    second: Sequence[dict[str, Any]], words: str | None, tmp_path: Path
) -> None:
    found = first_difference(_write(tmp_path / "a", HEADER, STEP), _write(tmp_path / "b", *second))
    assert found == words if words is None else str(found).startswith(words)


@pytest.mark.parametrize(("second", "status"), [(STEP, 0), (LATER, 1)])
def test_a_variant_whose_histories_differ_is_not_as_expected(
    second: dict[str, Any], status: int, tmp_path: Path
) -> None:
    async def play(plans: Sequence[Plan], below: str) -> list[VariantResult]:
        place = tmp_path / below / "v"
        _write(place, HEADER, second if below else STEP)
        passed = VariantResult("s", "v", "warp", Verdict.PASS, 0, 1.0, 1.0)
        return [replace(passed, directory=str(place))]

    results = asyncio.run(run_twice([PLAN], play))
    assert [differs(each) for each in results] == [status == 1]
    assert exit_status(results) == status


def test_what_was_not_run_is_not_compared() -> None:
    async def play(plans: Sequence[Plan], below: str) -> list[VariantResult]:
        return [VariantResult("s", "v", "warp", Verdict.UNSUPPORTED, 0, 1.0, 1.0)]

    (result,) = asyncio.run(run_twice([PLAN], play))
    assert "twice" not in result.extra
