"""How long runs that go on will still take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halfopen.model.plan import Plan
from halfopen.model.records import Record
from halfopen.model.units import format_duration
from halfopen.runner.estimate import LONG_S, expected_seconds, round_s, scheduled_s


class Remaining:
    """What is left of runs in real time, from how far each is.

    Args:
        plans: all that are played.
        slots: of each lab: how many runs go on at a time; labs that are not named here have time
            of their own, and count as nothing.
        later: seconds that other runs take afterwards.
    """

    def __init__(self, plans: Sequence[Plan], slots: Mapping[str, int], later: float = 0.0) -> None:
        self._left: dict[str, dict[int, float]] = {}
        for plan in plans:
            if plan.lab in slots:
                self._left.setdefault(plan.lab, {})[id(plan)] = expected_seconds(plan)
        self._slots = slots
        self._later = later
        self._long = self.seconds > LONG_S

    @property
    def seconds(self) -> float:
        """About how many are left; labs are played one after the other."""
        return self._later + sum(
            scheduled_s(left.values(), self._slots[lab]) for lab, left in self._left.items()
        )

    def take(self, plan: Plan, record: Record) -> None:
        """Go on to a record of a run."""
        left = self._left.get(plan.lab)
        if left is not None:
            done = record["kind"] == "end"
            left[id(plan)] = 0.0 if done else max(0.0, expected_seconds(plan) - record["t"])

    @property
    def words(self) -> str:
        """`about 3 min left`; empty for runs that do not take long altogether, and at the end."""
        if not self._long or self.seconds < 1:
            return ""
        return f"about {format_duration(round_s(self.seconds))} left"
