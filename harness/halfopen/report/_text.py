"""Words that all reports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halfopen.model.units import count, format_duration
from halfopen.model.verdict import CheckResult, VariantResult, Verdict

# A mark is a word with a sign: neither needs a colour.
MARKS = {
    Verdict.PASS: "✓ pass",
    Verdict.REPRODUCED: "✓ reproduced",
    Verdict.FAIL: "✗ fail",
    Verdict.UNKNOWN: "? unknown",
    Verdict.ERROR: "! error",
    Verdict.UNSUPPORTED: "- unsupported",
}


def seen(check: CheckResult) -> str:
    """The figure that a check observed, with its unit if its bound is a time."""
    if check.observed is None:
        return "no data"
    if check.bound.startswith("within"):
        return format_duration(check.observed)
    return f"{check.observed:g}"


def wanted(check: CheckResult) -> str:
    """What a check asks for; says so where the scenario wants it to fail."""
    if check.expected is Verdict.FAIL:
        return f"must fail: {check.bound}" if check.bound else "must fail"
    return check.bound


def place(result: VariantResult, line: int) -> str:
    """`file:line` of a check in its scenario, as far as it is known."""
    if not result.file:
        return f"line {line}" if line else ""
    return f"{result.file}:{line}" if line else result.file


_EVIDENCE = 20
"""A thousand flows can be a thousand lines for one check: as many of them are read."""


def off_target(result: VariantResult) -> list[CheckResult]:
    """The checks that did not give the verdict that the scenario expects."""
    return [check for check in result.checks if not check.as_expected]


def in_words(result: VariantResult) -> str:
    """The reasons for a verdict with their evidence, as plain lines."""
    lines = [result.why] if result.why else []
    for check in off_target(result):
        lines.append("")
        lines.append(f"{check.label or check.check}: {check.verdict}")
        if check.line:
            lines.append(f"  at {place(result, check.line)}")
        lines.append(f"  expected: {wanted(check)}")
        lines.append(f"  observed: {seen(check)}")
        lines.append(f"  why: {check.why}")
        lines += [f"  {each.t:.3f} s: {each.text}" for each in check.evidence[:_EVIDENCE]]
        if (more := len(check.evidence) - _EVIDENCE) > 0:
            lines.append(f"  {more} more in the HTML report and in the file of --json")
    if late := result.extra.get("late"):
        lines += ["", retried_words(late)]
    if result.directory:
        lines += ["", f"history: {result.directory}"]
    return "\n".join(lines)


def printable(text: str) -> str:
    """Text from a program or a file as a terminal may get it: control characters are escaped.

    An escape sequence in a log line could otherwise clear the screen, or make a fail look like a
    pass; so could a character that turns the direction of writing.  Line breaks stay.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text
    )


def retried_words(late: Sequence[float]) -> str:
    """Which run the verdict is about, if the machine was late in those before it."""
    times = ", then by ".join(format_duration(each) for each in late)
    return f"run {len(late) + 1}: before it the machine was late by {times}"


def capture_words(captures: Mapping[str, Any]) -> str:
    """Where captures lie, and what is in them: `DIR: 312 frames, 4 dropped by firewall`."""
    if captures.get("skipped"):
        return f"{captures['directory']}: not annotated: {captures['skipped']}"
    words = [count(captures["frames"], "frame")]
    for did in ("dropped", "injected"):
        words += [f"{number} {did} by {box}" for box, number in captures[did].items() if number]
    if captures["missed"]:
        words.append(f"{captures['missed']} more lost by the capture")
    return f"{captures['directory']}: {', '.join(words)}"
