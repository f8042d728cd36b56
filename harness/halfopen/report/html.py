"""The results as one HTML page that needs no network: for a reader with one minute."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from halfopen.errors import UsageError
from halfopen.model.flows import hosts_by_address
from halfopen.model.history import History
from halfopen.model.plan import hosts_on_paths
from halfopen.model.records import ConditionRecord, DropsRecord
from halfopen.model.topology import HostNetwork, lay_out
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report._lanes import MAX_FLOWS
from halfopen.report._text import MARKS, capture_words, place, seen, wanted
from halfopen.report._timeline import flow_rows, timeline
from halfopen.report._topology import draw
from halfopen.report.files import write_file

_ENVIRONMENT = Environment(
    loader=PackageLoader("halfopen.report"),
    autoescape=True,  # messages, logs and scenario texts are whatever somebody wrote
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["duration"] = format_duration
_ENVIRONMENT.filters["counted"] = count


def _plotly() -> str:
    # Imported where it is needed: it is large, and may be missing (halfopen/optional.py).
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


_MARK = b'<meta name="generator" content="halfopen">'
_HEADING = 1 << 10


def check_report(path: Path) -> None:
    """See that a file which the report would replace is one.

    Raises:
        UsageError: if it is something else, or a symbolic link.
    """
    try:
        if not os.path.lexists(path):
            return
        if not path.is_symlink() and path.is_file():
            with path.open("rb") as file:
                if _MARK in file.read(_HEADING):
                    return
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    raise UsageError(
        f"{path} was not written by halfopen; move it, choose another directory, or use --no-report"
    )


class Report:
    """The page about all variants of a run, made of one after the other.

    What a page says of a variant is taken from its history at once: the history, which can be
    large, need not be kept.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._figures: dict[str, Any] = {}

    def add(self, result: VariantResult, history: History | None) -> None:
        """Add a verdict with the history that it rests on; None where nothing was run."""
        number = sum(map(len, self._groups.values())) + 1
        variant = _variant(number, result, history)
        if variant["figure"]:
            self._figures[variant["id"]] = variant["figure"]
        self._groups.setdefault((result.file, result.scenario), []).append(variant)

    def render(self) -> str:
        """The page as text."""
        groups = [
            {
                "name": scenario,
                "file": file,
                "about": _common_about(variants),
                "source": next((each["source"] for each in variants if each["source"]), ""),
                "variants": variants,
            }
            for (file, scenario), variants in self._groups.items()
        ]
        return _ENVIRONMENT.get_template("report.html.j2").render(
            groups=groups,
            index=_index(groups) if len(groups) > 1 else None,
            figures=self._figures,
            plotly=Markup(_plotly()) if self._figures else "",
            title=groups[0]["name"] if len(groups) == 1 else "halfopen report",
        )

    def write(self, path: Path) -> None:
        """Write the page; it has about 5 MB, nearly all of it the plotting library."""
        write_file(path, self.render())


_FAILURES_FIRST = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.UNKNOWN,
    Verdict.UNSUPPORTED,
    Verdict.REPRODUCED,
    Verdict.PASS,
)


def _index(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All variants of several files, failures first, and how many there are of each verdict."""
    rows = [
        {
            **{key: variant[key] for key in ("id", "name", "verdict", "mark", "why")},
            "file": group["file"],
            "scenario": group["name"],
            "checks": " ".join(dict.fromkeys(check["name"] for check in variant["checks"])),
        }
        for group in groups
        for variant in group["variants"]
    ]
    order = [each.value for each in _FAILURES_FIRST]
    rows.sort(key=lambda row: order.index(row["verdict"]))
    counts = Counter(row["verdict"] for row in rows)
    return {"rows": rows, "counts": {each: counts[each] for each in order if counts[each]}}


def _common_about(variants: Sequence[dict[str, Any]]) -> str:
    """What the scenario says of itself, if all of its variants were of the same text."""
    abouts = {each["scenario_about"] for each in variants if each["ran"]}
    return abouts.pop() if len(abouts) == 1 else ""


def _about(history: History, key: str) -> str:
    return " ".join(str(history.plan.get(key, "")).split())


def _variant(number: int, result: VariantResult, history: History | None) -> dict[str, Any]:
    rows = flow_rows(history) if history else []
    about = ""
    if history:
        about = _about(history, "variant_about") or _about(history, "about")
    return {
        "id": f"variant-{number}",
        "name": result.variant,
        "verdict": result.verdict.value,
        "mark": MARKS[result.verdict],
        "why": result.why,
        "about": about,
        "scenario_about": _about(history, "about") if history else "",
        "source": str(history.plan.get("source") or "") if history else "",
        "ran": history is not None,
        "result": result,
        "checks": [_check(result, check) for check in result.checks],
        "figure": timeline(history) if history else None,
        "flows": rows,
        "hidden": max(0, len(rows) - MAX_FLOWS),
        "path": _path(history) if history else [],
        "topology": draw(history.plan) if history else None,
        "scale": history.scale if history else 1.0,
        "scaling": _scaling(history) if history else [],
        "drops": _drops(history) if history else [],
        "half": sum(bool(row["half"]) for row in rows),
        "complete": history is None or history.complete,
        "conditions": _conditions(history) if history else [],
        "control": result.control.in_words if result.control else "",
        "captures": capture_words(found) if (found := result.extra.get("captures")) else "",
    }


def _check(result: VariantResult, check: CheckResult) -> dict[str, Any]:
    return {
        "name": check.label or check.check,
        "verdict": check.verdict.value,
        "mark": MARKS[check.verdict],
        "as_expected": check.as_expected,
        "reproduced": check.as_expected and check.expected is Verdict.FAIL,
        "wanted": wanted(check),
        "seen": seen(check),
        "why": check.why,
        "place": place(result, check.line),
        "line": check.line,
        "evidence": check.evidence,
    }


def _conditions(history: History) -> list[dict[str, Any]]:
    """What was waited for, and when it was so."""
    return [
        {**record, "at_s": history.moment(record["t"])}
        for record in history.of(ConditionRecord)
        if record["state"] != "waiting"
    ]


def _path(history: History) -> list[dict[str, str]]:
    """The hosts in order with what they run and their addresses."""
    plan = history.plan
    names = list(dict.fromkeys([*hosts_on_paths(plan), *plan.get("returns", ())]))
    owned: dict[str, list[str]] = {}
    for address, host in hosts_by_address(history).items():
        owned.setdefault(host, []).append(address)
    laid_out = _laid_out(history) if len(names) > 1 else {}
    described = {str(host["name"]): host for host in history.plan["hosts"]}
    hosts = []
    for name in names:
        host = described.get(name, {})
        planned = [i.address for i in laid_out[name].interfaces] if name in laid_out else []
        hosts.append(
            {
                "name": name,
                "runs": str(host.get("system") or host.get("profile") or ""),
                "kind": "middlebox" if host.get("profile") else "host",
                "addresses": ", ".join(
                    planned if set(owned.get(name, ())) <= set(planned) else owned[name]
                ),
            }
        )
    return hosts


def _laid_out(history: History) -> dict[str, HostNetwork]:
    plan = history.plan
    return lay_out(
        plan["path"],
        family=plan.get("family", "ipv4"),
        returns=plan.get("returns", ()),
        branches=plan.get("branches", ()),
    )


def _scaling(history: History) -> list[dict[str, Any]]:
    """What the time scale made of each value, and whether its meaning changed by it."""
    rows = []
    for value in history.plan.get("scaling", ()):
        effective = value["lab_s"] * history.scale
        changed = abs(effective - value["production_s"]) > 0.02 * value["production_s"]
        rows.append({**value, "effective_s": effective, "changed": changed})
    return rows


def _drops(history: History) -> list[dict[str, Any]]:
    last = {record["host"]: record for record in history.of(DropsRecord)}
    return [
        {"host": host, **{key: record.get(key, 0) for key in ("packets", "bytes", "blocked")}}
        for host, record in sorted(last.items())
    ]
