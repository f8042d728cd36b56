"""How late a run's programs and steps may be before two timers change their order.

On a machine that has no time for it, whatever programs, steps and samplers do comes late; what the
kernel does by itself, and so a middlebox's timers, does not.  So the least time by which something
comes before something else is what a verdict bears.
"""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.kernel.scaled import Known, all_known
from halfopen.model.sampling import SAMPLE_S
from halfopen.scenario.clock import Clock, Kind, relation
from halfopen.scenario.clocks import clocks, pairs
from halfopen.scenario.forgotten import sent_into_the_void
from halfopen.scenario.model import Send, Step, Variant, Wait

UNCOMPARED_S = 1.0
"""What a scaled run bears of which no two timers are compared.

The kernel gives up what nobody acknowledges after little more (`halfopen.kernel.scaled`), and on a
machine that is so late a run lasts longer than its scenario says.
"""


def margin(variant: Variant, scale: float, known: Known = all_known) -> float | None:
    """Lab seconds that nothing may be late by.

    :data:`UNCOMPARED_S` if no two timers are compared; None for any lateness, if no timer is scaled
    either.
    """
    found = []
    for pair in pairs(variant, scale, known):
        a, b = pair.first[1], pair.second[1]
        order = relation(a, b)
        if order == "overlap":
            continue
        earlier, later = (a, b) if order == "before" else (b, a)
        if earlier.kind not in (Kind.MIDDLEBOX, Kind.KERNEL):
            found.append(later.seconds - _on_time(earlier))
    if found:
        return round(min(found), 3)
    return UNCOMPARED_S if scale > 1 else None


def end_margin(variant: Variant, scale: float, known: Known = all_known) -> float | None:
    """Lab seconds for which the end of a run may last before a flow is forgotten or given up.

    Only what in production has not happened when the steps have ended; None if there is nothing.
    """
    silent = _silent_at_end(variant.steps)
    void = {
        f"void {each.step.host}": max(each.later, default=0.0)
        for each in sent_into_the_void(variant)
    }
    both = zip(clocks(variant, None, known), clocks(variant, scale, known), strict=True)
    left = []
    for production, lab in both:
        if lab.kind is Kind.MIDDLEBOX and lab.measures == "silence":
            before = silent
        elif lab.kind is Kind.KERNEL and lab.measures in void:
            before = void[lab.measures]
        else:
            continue
        if production.seconds > before:
            left.append(lab.seconds - before / scale)
    return round(min(left), 3) if left else None


def _silent_at_end(steps: Sequence[Step]) -> float:
    """Production seconds from the last message to the end of the steps."""
    now = last = 0.0
    for step in steps:
        if isinstance(step, Wait):
            now += step.seconds
        elif isinstance(step, Send):
            ended = now + (step.count - 1) * step.every
            last = max(last, ended)
            now = now if step.background else ended
    return max(0.0, now - last)


def _on_time(clock: Clock) -> float:
    """When it fires at the latest on a machine that has time: its lateness without ours."""
    ours = SAMPLE_S if clock.kind in (Kind.STEP, Kind.BOUND) else 0.0
    return clock.end - ours
