"""What must still happen after the last step before every check of a plan can decide.

A check that bounds how long something takes has nothing to say of a run that ends before: a
session that was lost a moment ago is neither back nor late.  So the run lasts until such things
have happened, or have had the time that their bounds give them.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.model.plan import Plan
from halfopen.model.sampling import SAMPLE_S
from halfopen.ports import Vocabulary
from halfopen.runner.conditions import Figures


@dataclass(frozen=True)
class OpenQuestion:
    """A host whose session a check has to see before it can decide.

    Attributes:
        host: that it is about.
        seconds: lab seconds that it may take, and two samples.
    """

    host: str
    seconds: float

    def is_answered(self, figures: Figures) -> bool:
        """True if nothing is underway at the host, as far as was recorded."""
        if not figures.runs(self.host):
            return True  # nothing that is bounded can happen there any more
        return figures.connected(self.host) > 0 and not figures.unacknowledged(self.host)


def open_questions(plan: Plan, vocabulary: Vocabulary) -> tuple[OpenQuestion, ...]:
    """The questions of all checks of a plan that take time after a fault."""
    found = []
    for each in plan.checks:
        kind = vocabulary.checks.get(each.check)
        if kind is None or not kind.awaited:
            continue
        check = kind.model_validate(dict(each.params))
        if check.aftermath:
            seconds = check.aftermath + 2 * SAMPLE_S
            found += [OpenQuestion(host, seconds) for host in check.hosts()]
    return tuple(found)
