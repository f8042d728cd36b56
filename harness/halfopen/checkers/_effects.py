"""A fault that touched nothing: nobody knows then what the run has shown."""

from __future__ import annotations

from halfopen.model.history import History
from halfopen.model.records import EffectRecord
from halfopen.model.verdict import CheckResult, Evidence, Verdict

NAME = "effect"


def without_effect(history: History) -> list[CheckResult]:
    """An *unknown* for each fault that touched nothing, unless the scenario says that it may."""
    return [
        CheckResult(
            check=NAME,
            verdict=Verdict.UNKNOWN,
            observed=0.0,
            bound="at least 1",
            why=_why(record),
            evidence=(Evidence(record["t"], f"{record['text']}: {_counts(record)} touched"),),
            label=f"{NAME} of {record['name']}",
            line=record["line"],
        )
        for record in history.of(EffectRecord)
        if not any(record["touched"].values()) and not record.get("may_miss", False)
    ]


def _counts(record: EffectRecord) -> str:
    return ", ".join(f"{number} {unit}" for unit, number in record["touched"].items())


def _why(record: EffectRecord) -> str:
    line = f" (line {record['line']})" if record["line"] else ""
    return (
        f"the fault {record['name']!r}{line} had no effect: {_counts(record)} touched; "
        "say `may miss: true` in its step if it may have none"
    )
