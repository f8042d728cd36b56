"""How late a run's programs and steps may be before two timers change their order.

On a machine that has no time for it, whatever programs, steps and samplers do comes late; what the
kernel does by itself, and so a middlebox's timers, does not.  So the least time by which something
comes before something else is what a verdict bears.
"""

from __future__ import annotations

from halfopen.kernel.scaled import Known, all_known
from halfopen.model.sampling import SAMPLE_S
from halfopen.scenario.clock import Clock, Kind, relation
from halfopen.scenario.clocks import pairs
from halfopen.scenario.model import Variant


def margin(variant: Variant, scale: float, known: Known = all_known) -> float | None:
    """Lab seconds that nothing may be late by; None if no two timers are compared."""
    found = []
    for pair in pairs(variant, scale, known):
        a, b = pair.first[1], pair.second[1]
        order = relation(a, b)
        if order == "overlap":
            continue
        earlier, later = (a, b) if order == "before" else (b, a)
        if earlier.kind not in (Kind.MIDDLEBOX, Kind.KERNEL):
            found.append(later.seconds - _on_time(earlier))
    return round(min(found), 3) if found else None


def _on_time(clock: Clock) -> float:
    """When it fires at the latest on a machine that has time: its lateness without ours."""
    ours = SAMPLE_S if clock.kind in (Kind.STEP, Kind.BOUND) else 0.0
    return clock.end - ours
