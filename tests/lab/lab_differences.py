"""Compares the verdicts of one library in two labs, check by check."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from halfopen.report.comparison import compare, read_results

KNOWN = Path(__file__).with_suffix(".toml")

Key = tuple[str, str]
"""Title of a scenario, and a variant."""


def known_differences() -> dict[Key, str]:
    """Name of a file and a variant -> why its verdict differs."""
    listed = tomllib.loads(KNOWN.read_text())["difference"]
    return {(each["scenario"], name): each["why"] for each in listed for name in each["variants"]}


def differing_verdicts(before: Path, after: Path) -> dict[Key, str]:
    """Variants of which a verdict differs, or that of a check; what was observed may.

    Args:
        before: what `--json` wrote in one lab.
        after: the same of another; what it does not support is not compared.
    """
    found = {}
    for each in compare(read_results(before), read_results(after)):
        if "unsupported" not in (_verdict(each.before), _verdict(each.after)):
            verdicts = [("verdict", each.before, each.after)]
            verdicts += [(check.label, check.before, check.after) for check in each.checks]
            said = [
                f"{label}: {a} -> {b}" for label, a, b in verdicts if _verdict(a) != _verdict(b)
            ]
            if said:
                found[each.scenario, each.variant] = "; ".join(said)
    return found


def _verdict(said: str) -> str:
    return said.partition(" ")[0]


def unexplained(found: Mapping[Key, str], files: Mapping[str, str]) -> list[str]:
    """Differences that are not listed, and those listed that are not there, in words.

    Args:
        found: see :func:`differing_verdicts`.
        files: title of a scenario -> name of its file.
    """
    known = known_differences()
    seen = {(files[title], variant): words for (title, variant), words in found.items()}
    new = [f"{file} / {variant}: {seen[file, variant]}" for file, variant in seen.keys() - known]
    gone = [f"{file} / {variant} does not differ" for file, variant in known.keys() - seen.keys()]
    return sorted(new) + sorted(gone)
