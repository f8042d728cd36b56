"""Whether a scenario lasts long enough after its last fault for a check to see what it does."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.scenario.model import Expectation, Inject, Send, Step, Wait, WaitUntil
from halfopen.sections import Problems, say_duration


def check_aftermath(
    steps: Sequence[Step], expect: Sequence[Expectation], problems: Problems
) -> None:
    """Note each check whose bound is longer than what is left after the last fault.

    A figure that comes too late would be as unseen as one that never comes.  How long a wait for a
    condition takes is not known, so one anywhere after the fault is enough.
    """
    last = max((n for n, step in enumerate(steps) if isinstance(step, Inject)), default=None)
    if last is None or any(isinstance(step, WaitUntil) for step in steps[last + 1 :]):
        return
    fault = steps[last]
    assert isinstance(fault, Inject)
    if fault.until is not None:
        return
    left = max(sum(map(_seconds, steps[last + 1 :])), _lasts(fault))
    for each in expect:
        if (seconds := each.params.aftermath) > left:
            length, missing = say_duration(seconds), say_duration(seconds - left)
            ends = f"{say_duration(left)} after" if left else "at once after"
            problems.add(
                each.line,
                f"{each.label!r} gives {length}, but the run ends {ends} the fault in line "
                f"{fault.line}: too early to say anything about it",
                f"add a step after it, for example `- wait: {missing}`"
                + (f", or write at most {say_duration(left)}" if left else ""),
            )


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
