"""What must still happen after the last step before every check of a plan can decide.

A check that bounds how long something takes has nothing to say of a run that ends before: a
session that was lost a moment ago is neither back nor late.  So the run lasts until such things
have happened, or have had the time that their bounds give them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from halfopen.model.plan import Plan
from halfopen.model.sampling import SAMPLE_S
from halfopen.ports import Decides, Vocabulary
from halfopen.runner.conditions import Figures


@dataclass(frozen=True)
class OpenQuestion:
    """What a check has to see at a host before it can decide.

    Attributes:
        host: that it is about.
        decides: what it waits for.
        seconds: lab seconds that it may take, and two samples.
    """

    host: str
    decides: Decides
    seconds: float

    def begin(self, figures: Figures) -> Callable[[], bool]:
        """A function that is true if nothing is underway any more of what is underway now.

        Connections that die later are left as they are: else a run would not end before the last
        idle flow has expired.

        Args:
            figures: as far as was recorded; they are looked at again at each call.
        """
        host = self.host
        known = frozenset(figures.connections(host))
        alive = len(known) - figures.dead_connections(host)

        def answered() -> bool:
            if not figures.runs(host):
                return True  # nothing that is bounded can happen there any more
            if self.decides == "session":
                return bool(figures.connections(host)) and not figures.unacknowledged(host)
            return len(known & figures.connections(host)) <= alive

        return answered


def open_questions(plan: Plan, vocabulary: Vocabulary) -> tuple[OpenQuestion, ...]:
    """The questions of all checks of a plan that take time after a fault."""
    found = []
    for each in plan.checks:
        kind = vocabulary.checks.get(each.check)
        if kind is None:
            continue
        check = kind.model_validate(dict(each.params))
        # Flows expire, and their ends are removed, as long as a run lasts: a wait for that would
        # change the end state that other checks judge.
        if check.aftermath and check.decides == "session":
            seconds = check.aftermath + 2 * SAMPLE_S
            found += [OpenQuestion(host, check.decides, seconds) for host in check.hosts()]
    return tuple(found)
