"""Whether a scenario lasts long enough for a check to see what its last fault, or a step, does."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.model.steps import names_step
from halfopen.scenario.model import Expectation, Inject, Send, Step, Wait, WaitUntil
from halfopen.scenario.steps import say
from halfopen.sections import Problems, say_duration


def check_aftermath(
    steps: Sequence[Step], expect: Sequence[Expectation], problems: Problems
) -> None:
    """Note each check whose bound is longer than what is left after what it is about.

    That is the last fault, or the step that the check names.  A figure that comes too late would be
    as unseen as one that never comes.  How long a wait for a condition takes is not known, so one
    anywhere after that step is enough.
    """
    for each in expect:
        start = _start(steps, each.params.aftermath_of)
        if start is None or (left := _left(steps[start:])) is None:
            continue
        if (seconds := each.params.aftermath) > left:
            length, missing = say_duration(seconds), say_duration(seconds - left)
            ends = f"{say_duration(left)} after" if left else "at once after"
            kind = "fault" if isinstance(steps[start], Inject) else "step"
            problems.add(
                each.line,
                f"{each.label!r} gives {length}, but the run ends {ends} the {kind} in line "
                f"{steps[start].line}: too early to say anything about it",
                f"add a step after it, for example `- wait: {missing}`"
                + (f", or write at most {say_duration(left)}" if left else ""),
            )


def _start(steps: Sequence[Step], words: str | None) -> int | None:
    """The number of the step that time counts from; None if there is none."""
    if words is None:
        return max((n for n, step in enumerate(steps) if isinstance(step, Inject)), default=None)
    named = (n for n, step in enumerate(steps) if not words or names_step(words, say(step)))
    return next(named, None)


def _left(steps: Sequence[Step]) -> float | None:
    """Seconds from the begin of the first step to the end of the run; None if nobody knows."""
    passed = end = 0.0
    for number, step in enumerate(steps):
        if isinstance(step, WaitUntil):
            return None
        if isinstance(step, Inject):
            if step.until is not None or (number and step.when is not None):
                return None
            end = max(end, passed + _lasts(step))
        passed += _seconds(step)
    return max(passed, end)


def _seconds(step: Step) -> float:
    match step:
        case Wait():
            return step.seconds
        case Send() if not step.background:
            return step.every * step.count
        case _:
            return 0.0


def _lasts(step: Inject) -> float:
    """Until it is healed; meanwhile other steps go on."""
    verbs = [(0.0, verb) for verb in step.fault.verbs()] + list(step.fault.schedule())
    return max(step.lasts, *(at + verb.duration_s for at, verb in verbs))
