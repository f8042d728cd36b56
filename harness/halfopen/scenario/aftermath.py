"""Whether a scenario lasts long enough after its last fault for a check to see what it does."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.scenario.model import Expectation, Inject, Send, Step, Wait, WaitUntil
from halfopen.sections import Problems, say_duration


def check_aftermath(
    steps: Sequence[Step], expect: Sequence[Expectation], problems: Problems
) -> None:
    """Note each check that has no time to see what the last fault does.

    Any time at all is enough: a program may well do in a second what a bound gives it a minute for.
    """
    last = max((n for n, step in enumerate(steps) if isinstance(step, Inject)), default=None)
    if last is None or any(_takes_time(step) for step in steps[last + 1 :]):
        return
    fault = steps[last]
    for each in expect:
        if seconds := each.params.aftermath:
            length = say_duration(seconds)
            problems.add(
                each.line,
                f"{each.label!r} gives {length}, but the run ends at once after the fault in line "
                f"{fault.line}: too early to say anything about it",
                f"add a step after it, for example `- wait: {length}`",
            )


def _takes_time(step: Step) -> bool:
    match step:
        case Wait() | WaitUntil():
            return True
        case Send():
            return step.every > 0 and not step.background
        case _:
            return False
