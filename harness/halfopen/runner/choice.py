"""Chooses the lab of each scenario (`--lab auto`), and plays plans of several labs in one command.

All variants of a file are played in the same lab, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from halfopen.model.plan import Plan
from halfopen.model.units import format_duration
from halfopen.model.verdict import VariantResult
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.directories import run_directories
from halfopen.runner.estimate import computing_s, simulated_s
from halfopen.runner.requirements import needs, unscaled
from halfopen.scenario import Scenario, make_plans

ON_VIRTUAL_TIME = "production values on virtual time"
"""Why the first one was chosen."""

_SHORT_S = 60.0  # what takes no longer than this is never moved to another lab

PlayIn = Callable[[LabSpec, Sequence[Plan], Sequence[Path]], Awaitable[list[VariantResult]]]
"""Plays plans in a lab, with the directories of their histories."""


@dataclass(frozen=True)
class Choice:
    """The lab of one scenario.

    Attributes:
        lab: where it is played.
        why: the reason, in words.
        plans: of its variants, for that lab; each holds the reason.
    """

    lab: LabSpec
    why: str
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class Chooser:
    """Chooses between a lab on virtual time and a scaled one.

    Attributes:
        virtual: taken where it can play the scenario.
        scaled: taken otherwise.
        vocabulary: that scenarios name.
        objection: what speaks against the first one whatever the scenario; empty if nothing does.
        scale: of the second; None for that of the file.
        seed: of the random generator.
    """

    virtual: LabSpec
    scaled: LabSpec
    vocabulary: Vocabulary
    objection: str = ""
    scale: float | None = None
    seed: int = 0

    def choose(self, scenario: Scenario, variants: Collection[str] | None = None) -> Choice:
        """The lab for a scenario.

        Args:
            scenario: to play.
            variants: names of those to play; None for all.

        Raises:
            InputError: if it is played in the scaled lab, and the scale would change its meaning.
        """
        virtual = self._plans(scenario, self.virtual, None, variants)
        reason = self.objection or self._reason(scenario, virtual, variants)
        if not reason:
            return _choice(self.virtual, ON_VIRTUAL_TIME, virtual)
        scaled = self._plans(scenario, self.scaled, self.scale, variants)
        return _choice(self.scaled, reason, scaled)

    def _plans(
        self,
        scenario: Scenario,
        lab: LabSpec,
        scale: float | None,
        variants: Collection[str] | None,
    ) -> tuple[Plan, ...]:
        made = make_plans(scenario, lab=lab, scale=scale, seed=self.seed, variants=variants)
        return tuple(made)

    def _reason(
        self, scenario: Scenario, virtual: Sequence[Plan], variants: Collection[str] | None
    ) -> str:
        """Why a scenario is better played in the scaled lab; empty if it is not."""
        lacks = {plan.variant: needs(plan, self.vocabulary, self.virtual) for plan in virtual}
        slow = max((computing_s(plan, self.vocabulary) for plan in virtual), default=0.0)
        other = {plan.variant: unscaled(plan, self.vocabulary) for plan in virtual}
        if not any((*lacks.values(), *other.values())) and slow <= _SHORT_S:
            return ""
        for plan in self._plans(scenario, self.scaled, self.scale, variants):
            if (words := other[plan.variant]) and not needs(plan, self.vocabulary, self.scaled):
                return words
            reason = lacks[plan.variant]
            if reason and needs(plan, self.vocabulary, self.scaled) != reason:
                return reason
            if slow > max(_SHORT_S, simulated_s(plan) / plan.scale):
                return (
                    f"its programs are never idle: the lab {self.virtual.name} would compute for "
                    f"about {format_duration(slow)}"
                )
        return ""


def _choice(lab: LabSpec, why: str, plans: Sequence[Plan]) -> Choice:
    return Choice(lab, why, tuple(replace(plan, lab_why=why) for plan in plans))


async def play_by_lab(
    plans: Sequence[Plan], labs: Collection[LabSpec], out: Path, play: PlayIn
) -> list[VariantResult]:
    """Play plans, one lab after the other; the results are in the order of the plans.

    Args:
        plans: to play.
        labs: those that they are for.
        out: for their histories.
        play: plays those of one lab.
    """
    directories = run_directories(out, plans)
    found: dict[int, VariantResult] = {}
    for lab in labs:
        numbers = [number for number, plan in enumerate(plans) if plan.lab == lab.name]
        if numbers:
            chosen = [plans[number] for number in numbers]
            results = await play(lab, chosen, [directories[number] for number in numbers])
            found.update(zip(numbers, results, strict=True))
    return [found[number] for number in range(len(plans))]
