"""What `halfopen faults NAME` says of a fault: parameters, who can do it here, who shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from halfopen.cli.parameters import describe
from halfopen.errors import HalfopenError, Problem
from halfopen.labs import all_labs
from halfopen.ports import Fault, LabSpec
from halfopen.scenario.library import SUFFIX
from halfopen.verbs import Verb
from halfopen.yamlfile import Node, read_yaml


def fault_page(spec: type[Fault], shown_by: Sequence[str]) -> dict[str, Any]:
    """All that is known of a fault, as plain JSON.

    Args:
        spec: the fault.
        shown_by: scenario files that use it.
    """
    return {
        "name": spec.name,
        "summary": spec.summary,
        "about": spec.about(),
        "parameters": describe(spec),
        "heals": spec.heals(),
        "touches": list(spec.touches),
        "labs": [_ability(lab, spec.uses) for lab in all_labs().values()],
        "scenarios": list(shown_by),
    }


def _ability(lab: LabSpec, verbs: Iterable[type[Verb]]) -> dict[str, Any]:
    """Whether a lab can do these verbs on this machine, why not, and by which engines."""
    ordered = sorted(verbs, key=lambda verb: verb.__name__)
    reasons = [f"no verb {verb.__name__}" for verb in ordered if verb not in lab.verbs]
    if not reasons:
        reasons = [*_missing(lab)]
        reasons += [each for verb in ordered for each in lab.lacks(verb)]
    at_middlebox = {verb for verb in ordered if any(verb in can for can in lab.engines.values())}
    return {
        "name": lab.name,
        "can": not reasons,
        "reasons": list(dict.fromkeys(reasons)),
        "engines": [
            name for name, can in lab.engines.items() if at_middlebox and at_middlebox <= can
        ],
    }


@cache
def _missing(lab: LabSpec) -> Sequence[str]:
    """What keeps a lab from working here: to find out takes a namespace, so it is asked once."""
    return tuple(lab.missing())


def scenarios_by_fault(directory: Path) -> dict[str, list[str]]:
    """Fault -> the scenario files below `directory` that use it.

    A file that cannot be read is passed over: `halfopen run` says what is wrong with it.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(directory.rglob(f"*{SUFFIX}")):
        problems: list[Problem] = []
        try:
            names = {str(name) for name in _faults_in(read_yaml(path, problems=problems))}
        except (HalfopenError, OSError):
            continue
        for name in names:
            found.setdefault(name, []).append(str(path))
    return found


def _faults_in(node: Node) -> Iterator[object]:
    if isinstance(node.value, dict):
        if "fault" in node.value:
            yield node.value["fault"].value
        for each in node.value.values():
            yield from _faults_in(each)
    elif isinstance(node.value, tuple):
        for each in node.value:
            yield from _faults_in(each)
