"""Checks with bounds, and how a figure is compared with its bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic import model_validator

from halfopen.checkers._words import cut_short
from halfopen.fields import Bound, BoundField, Endpoint, EndpointGroup
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, FigureFound, Finding


class BoundedCheck(Check):
    """A check that needs at least one of several parameters.

    Attributes:
        bounds: the names of their fields.
    """

    bounds: ClassVar[tuple[str, ...]]

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if all(getattr(self, each) is None for each in self.bounds):
            keys = [f"`{_key(each)}`" for each in self.bounds]
            some = keys[0] if len(keys) == 1 else f"{', '.join(keys[:-1])} or {keys[-1]}"
            raise ValueError(f"{self.name} needs a bound; add {some}")
        return self

    @property
    def figures(self) -> Mapping[str, Bound | None]:
        """The figures that are asked for, with their bounds."""
        given = {each: getattr(self, each) for each in self.bounds}
        return {
            _key(name): value if isinstance(value, Bound) else None
            for name, value in given.items()
            if value is not None
        }

    @property
    def asked(self) -> str:
        """All bounds in words: `at end exactly 0, peak at most 3`."""
        given = ((each, getattr(self, each)) for each in self.bounds)
        return ", ".join(f"{_key(each)} {value}" for each, value in given if value is not None)


class AtOneOrTogether(BoundedCheck):
    """A check of numbers of one host, or of their sums over several.

    Attributes:
        at: the host.
        sum_over: instead of `at`: several hosts, or a group; each figure is the sum over all of
            them.
    """

    at: Endpoint | None = None
    sum_over: EndpointGroup | None = None

    @model_validator(mode="after")
    def _has_hosts(self) -> Self:
        if (self.at is None) == (self.sum_over is None):
            fault = "needs a host" if self.at is None else "has `at` and `sum over`"
            raise ValueError(f"{self.name} {fault}; write `at` for a host, or `sum over` for a sum")
        return self

    @property
    def counted(self) -> tuple[str, ...]:
        """The hosts whose numbers are added up."""
        return (self.at,) if self.at is not None else self.sum_over or ()


class AtEndAndPeak(AtOneOrTogether):
    """A check that bounds a number at the end of the run, and its greatest value.

    Attributes:
        at_end: the number at the end of the run.
        peak: its greatest value; of a sum: of all hosts at the same time.
    """

    bounds: ClassVar[tuple[str, ...]] = ("at_end", "peak")

    at_end: BoundField | None = None
    peak: BoundField | None = None

    def weigh(self, history: History, at_end: int, peak: int) -> Weighed:
        """The verdict on both figures."""
        return weigh(
            history,
            (
                Figure("at end", self.at_end, at_end, only_grows=False),
                Figure("peak", self.peak, peak),
            ),
        )


def _key(name: str) -> str:
    return name.replace("_", " ")


@dataclass(frozen=True)
class Figure:
    """A number that was asked for.

    Attributes:
        name: as in the scenario, for example `at end`.
        bound: None if it is not judged.
        value: what was counted.
        only_grows: True if more of the run could not have made it smaller.
        certain: of one that does not only grow: the part of it that more of the run could not have
            made smaller.
    """

    name: str
    bound: Bound | None
    value: int
    only_grows: bool = True
    certain: int = 0

    def verdict(self, history: History) -> Verdict:
        """Pass, fail, or unknown for an incomplete run that has not failed for good."""
        assert self.bound is not None
        if history.complete:
            return Verdict.PASS if self.bound.holds(self.value) else Verdict.FAIL
        settled = self.value if self.only_grows else self.certain
        beyond = self.bound.relation != "at least" and settled > self.bound.number
        return Verdict.FAIL if beyond else Verdict.UNKNOWN


@dataclass(frozen=True)
class Weighed:
    """The verdict on several figures.

    Attributes:
        verdict: fail if one fails, else unknown if one is, else pass.
        observed: the first that fails, else the first that is judged.
        bound: all bounds in words.
        why: what failed, or that all hold; no full stop.
        figures: each with its own verdict.
    """

    verdict: Verdict
    observed: float
    bound: str
    why: str
    figures: tuple[FigureFound, ...]

    def finding(
        self, why: str, evidence: Sequence[Evidence] = (), observed: float | None = None
    ) -> Finding:
        """The finding of a check that rests on these figures."""
        seen = self.observed if observed is None else observed
        return Finding(self.verdict, seen, self.bound, why, tuple(evidence), self.figures)


def weigh(history: History, figures: Sequence[Figure]) -> Weighed:
    """The verdict on all of `figures` that have a bound; at least one must have."""
    judged = [each for each in figures if each.bound is not None]
    bound = ", ".join(f"{each.name} {each.bound}" for each in judged)
    verdicts = [each.verdict(history) for each in judged]
    found = tuple(
        FigureFound(each.name, each.value, verdict)
        for each, verdict in zip(judged, verdicts, strict=True)
    )
    wrong = [f for f, v in zip(judged, verdicts, strict=True) if v is Verdict.FAIL]
    seen = ", ".join(f"{each.name} {each.value}" for each in judged)
    if wrong:
        why = ", ".join(
            f"{each.name} {each.value} instead of {str(each.bound).removeprefix('exactly ')}"
            for each in wrong
        )
        return Weighed(Verdict.FAIL, wrong[0].value, bound, why, found)
    if Verdict.UNKNOWN in verdicts:
        why = f"{cut_short(history)}; so far {seen}"
        return Weighed(Verdict.UNKNOWN, judged[0].value, bound, why, found)
    return Weighed(Verdict.PASS, judged[0].value, bound, seen, found)


def peak_of(changes: Sequence[tuple[float, int]]) -> tuple[int, float]:
    """The highest sum of (t, +1 or -1) changes, and when it was first reached."""
    level, best, when = 0, 0, 0.0
    for t, change in sorted(changes):
        level += change
        if level > best:
            best, when = level, t
    return best, when
