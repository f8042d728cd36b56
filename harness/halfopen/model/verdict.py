"""Verdicts, and the rule by which single checks become the verdict of a variant.

A check without data is `unknown`, a lab that does not support what a scenario needs is
`unsupported`, a run that broke is an `error`; none of these ever counts as a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The answers that a variant can get; a check gives pass, fail or unknown."""

    PASS = "pass"
    REPRODUCED = "reproduced"
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    UNSUPPORTED = "unsupported"

    @property
    def as_expected(self) -> bool:
        """True if a variant came out as its scenario says: it passed, or failed as it must."""
        return self in (Verdict.PASS, Verdict.REPRODUCED)


@dataclass(frozen=True)
class Evidence:
    """One fact from the history that a verdict rests on.

    Attributes:
        t: seconds of lab time since the run began.
        text: one line for a person.
        flow: the flow that it is about, `client > server`, if it is about one.
    """

    t: float
    text: str
    flow: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """What one checker found.

    Attributes:
        check: the checker's name.
        verdict: pass, fail or unknown (a checker never says unsupported).
        observed: the figure that was held against the bound; None where there is none.
        bound: what was asked for, in words.
        why: one or two sentences for a person.
        evidence: the facts behind it, in order of time.
        label: tells two checks of one kind apart, for example `fds at receiver`.
        line: the line of the scenario file that asked for it; 0 when none did.
        expected: what a scenario that reproduces a failure expects of this check.
        late_s: lab seconds by which the machine was late, if that left the check unknown.
    """

    check: str
    verdict: Verdict
    observed: float | None
    bound: str
    why: str
    evidence: tuple[Evidence, ...] = ()
    label: str = ""
    line: int = 0
    expected: Verdict = Verdict.PASS
    late_s: float = 0.0

    @property
    def as_expected(self) -> bool:
        """True if the check gave the verdict that the scenario expects of it."""
        return self.verdict is self.expected


@dataclass(frozen=True)
class ControlResult:
    """What a run without the faults shows about the expectations of a variant.

    Attributes:
        verdict: of the run without them.
        why: in one line.
        directory: where its history is.
        differ: labels of the expectations that found something else there.
        same: labels of those that found the same, and so say nothing about the faults.
        words: why nothing need differ, if the variant says so.
        undecided: the run could not be judged, or its machine was late.
    """

    verdict: Verdict
    why: str
    directory: str
    differ: tuple[str, ...]
    same: tuple[str, ...]
    words: str = ""
    undecided: bool = False

    @property
    def clean(self) -> bool:
        """True if an expectation notices the faults, or the variant says why none does."""
        return bool(self.words) or (bool(self.differ) and not self.undecided)

    @property
    def in_words(self) -> str:
        """One line for a person."""
        if self.undecided:
            return f"the run without the faults could not be compared: {self.why}"
        same = f"the same without the faults: {', '.join(self.same)}" if self.same else ""
        if self.differ:
            parts = [f"notice the faults: {', '.join(self.differ)}", same]
            return "; ".join(part for part in parts if part)
        if self.words:
            return f"nothing differs without the faults: {self.words}"
        return (
            f"no expectation notices the faults; {same}; expect something that fails without "
            "them, or say in `control` why nothing differs"
        )


@dataclass(frozen=True)
class VariantResult:
    """The verdict on one variant of one scenario in one lab, as reports and `--json` show it.

    Attributes:
        wall_s: seconds that the run took.
        virtual_s: seconds of production time that it stands for.
        late_s: lab seconds by which the machine was late, if that alone left it unknown.
        control: the comparison with a run without the faults, if there was one.
        why: one line; says what spoiled the run if no check did.
        kernel: release of the kernel that the lab brought; empty if it brings none.
        hz: ticks a second of that kernel.
        directory: where the history lies.
        lab_why: why it was played in this lab, if halfopen chose the lab.
    """

    scenario: str
    variant: str
    lab: str
    verdict: Verdict
    seed: int
    wall_s: float
    virtual_s: float
    checks: tuple[CheckResult, ...] = ()
    why: str = ""
    directory: str = ""
    reproduces: bool = False
    file: str = ""
    late_s: float = 0.0
    kernel: str = ""
    hz: int = 0
    lab_why: str = ""
    control: ControlResult | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def judge(checks: Iterable[CheckResult]) -> tuple[Verdict, str]:
    """The verdict that follows from the checks of one complete run, and the reason in one line.

    A variant that reproduces a failure marks the checks that must fail as expected to fail: it
    is reproduced only if exactly those fail.  `fail` outweighs `unknown`: what was seen, was seen.
    """
    checks = tuple(checks)
    if not checks:
        return Verdict.UNKNOWN, "nothing was checked"
    wrong = [c for c in checks if c.verdict in (Verdict.PASS, Verdict.FAIL) and not c.as_expected]
    if wrong:
        first = wrong[0]
        if first.expected is Verdict.FAIL:
            return (
                Verdict.FAIL,
                f"{first.label or first.check} was expected to fail, but passed: {first.why}",
            )
        return Verdict.FAIL, f"{first.label or first.check}: {first.why}"
    open_ones = [c for c in checks if not c.as_expected]
    if open_ones:
        first = open_ones[0]
        return Verdict.UNKNOWN, f"{first.label or first.check}: {first.why}"
    if any(c.expected is Verdict.FAIL for c in checks):
        return Verdict.REPRODUCED, "failed exactly as expected"
    return Verdict.PASS, "every expectation holds"
