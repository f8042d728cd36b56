"""The judged connections of configuration files as JSON and as SARIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import halfopen
from halfopen.advice.advise import Advice
from halfopen.advice.config_judge import JudgedConnection, Survival
from halfopen.advice.config_model import Edit
from halfopen.advice.record import as_record

VERSION = 1
_RULE = "idle-connection-dropped"


def config_record(judged: Sequence[JudgedConnection], silent: Sequence[str]) -> dict[str, Any]:
    """A value for `json.dumps`; `docs/advise.md` describes it."""
    return {
        "version": VERSION,
        "safe": not any(each.survival is Survival.UNSAFE for each in judged),
        "connections": [
            {
                "file": each.connection.source.path,
                "line": each.connection.line if each.connection.source.lines else None,
                "what": each.connection.what,
                "survival": str(each.survival),
                "why": each.why,
                "hint": each.hint,
                "diff": each.diff,
                "advice": _advice(each.advice),
            }
            for each in judged
        ],
        "without_connections": list(silent),
    }


def _advice(advice: Advice | None) -> dict[str, Any] | None:
    return None if advice is None else as_record(advice)


def sarif_record(judged: Sequence[JudgedConnection]) -> dict[str, Any]:
    """A log of SARIF 2.1.0 (OASIS): a result for each unsafe connection."""
    rule = {
        "id": _RULE,
        "name": "IdleConnectionDropped",
        "shortDescription": {"text": "A firewall drops the connection while it is idle."},
        "defaultConfiguration": {"level": "error"},
    }
    driver = {"name": "halfopen", "version": halfopen.__version__, "rules": [rule]}
    unsafe = [each for each in judged if each.survival is Survival.UNSAFE]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                # columns and offsets count characters, not UTF-16 units
                "columnKind": "unicodeCodePoints",
                "results": [_result(each) for each in unsafe],
            }
        ],
    }


def _result(each: JudgedConnection) -> dict[str, Any]:
    hint = f" {each.hint[0].upper()}{each.hint[1:]}." if each.hint else ""
    result = {
        "ruleId": _RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": f"{each.connection.what}: {each.why}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(each.connection.source.path),
                    "region": {"startLine": each.connection.line},
                }
            }
        ],
    }
    if each.edits:
        paths = dict.fromkeys(edit.source.path for edit in each.edits)
        result["fixes"] = [
            {
                "description": {"text": "Ask for keepalive that is in time."},
                "artifactChanges": [
                    {
                        "artifactLocation": _artifact(path),
                        "replacements": [
                            _replacement(edit) for edit in each.edits if edit.source.path == path
                        ],
                    }
                    for path in paths
                ],
            }
        ]
    return result


def _artifact(path: str) -> dict[str, str]:
    pure = PurePath(path)
    return {"uri": pure.as_uri() if pure.is_absolute() else pure.as_posix()}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {
        "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
        "insertedContent": {"text": edit.text},
    }
