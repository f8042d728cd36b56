"""The order-of-timers rule: what a time scale must not change.

A verdict depends on which of two timers comes first: does the probe go out before the firewall
forgets, does the pause outlast the firewall's patience, is the connection found dead before the
bound.  Whole seconds, floors and late timers can turn such an order round when production time is
divided.  So every pair that matters is compared in production and at scale, and a scale that
changes one is refused.

What is not compared: two timers of one kind (two pauses, two bounds, two timers of programs), what
is equal in production (then no order is asked for), and what cannot come to pass because a timer
before it ends the silence (the detection of a dead peer, while probes keep the flow known and no
fault is injected).
"""

from __future__ import annotations

from halfopen.errors import Problem
from halfopen.kernel.scaled import RTO_MAX_MS, Known, all_known
from halfopen.scenario.clock import Kind, relation
from halfopen.scenario.clocks import Pair, pairs
from halfopen.scenario.model import Variant
from halfopen.sections import say_duration


def conflicts(variant: Variant, scale: float, known: Known = all_known) -> list[Pair]:
    """Every pair of timers whose order `scale` changes, in the order of the file."""
    found: dict[tuple[str, float, str, float], Pair] = {}
    for pair in pairs(variant, scale, known):
        (a, a_lab), (b, b_lab) = pair.first, pair.second
        if relation(a, b) != relation(a_lab, b_lab):
            found.setdefault((a.name, a.seconds, b.name, b.seconds), pair)
    return list(found.values())


def check_scale(variant: Variant, scale: float, file: str) -> list[Problem]:
    """A problem for each pair of timers whose order `scale` changes; none if it works.

    A kernel that has less than the current one is not a mistake of the file: :func:`kernel_lacks`.
    """
    found = conflicts(variant, scale)
    if not found:
        return []
    best = largest_scale(variant, scale)
    serves = f"the largest scale that works is {best}" if best else ""
    remedy = serves or "no scale works: this needs a lab with virtual time"
    return [
        Problem(file, _where(each), _sentence(each, variant.name, scale), remedy) for each in found
    ]


def kernel_lacks(variant: Variant, scale: float, known: Known) -> str:
    """Why the lab's kernel cannot play what another could at that scale; empty if it can."""
    if scale == 1 or known(RTO_MAX_MS):
        return ""
    found = conflicts(variant, scale, known)
    if not found:
        return ""
    best = largest_scale(variant, scale, known)
    remedy = f"use --scale {best}" if best else "use a newer kernel"
    return (
        f"this kernel cannot shorten TCP's retransmission timers (sysctl {RTO_MAX_MS}, Linux "
        f"6.15): {_sentence(found[0], variant.name, scale)}; {remedy}"
    )


def _where(conflict: Pair) -> int:
    a, b = conflict.first[0], conflict.second[0]
    for kind in (Kind.BOUND, Kind.SYSTEM, Kind.STEP, Kind.MIDDLEBOX, Kind.KERNEL):
        for clock in (a, b):
            if clock.kind is kind:
                return clock.line
    return a.line


_WORDS = {"before": "before", "after": "after", "overlap": "at about the same time as"}


def _sentence(conflict: Pair, variant: str, scale: float) -> str:
    (a, a_lab), (b, b_lab) = conflict.first, conflict.second
    return (
        f"in variant {variant} a scale of {scale:g} changes the order of two timers: "
        f"{a.name} ({say_duration(a.seconds)}) comes {_WORDS[relation(a, b)]} "
        f"{b.name} ({say_duration(b.seconds)}), but in the lab ({say_duration(a_lab.seconds)}"
        f" and {say_duration(b_lab.seconds)}) {_WORDS[relation(a_lab, b_lab)]} it"
    )


def largest_scale(variant: Variant, below: float, known: Known = all_known) -> int | None:
    """The largest whole scale below `below` that changes no order, None if not even 1 will do.

    Not every scale below one that serves does so too, because values are rounded; so round
    numbers are tried from above, and then the gap to the next is narrowed.
    """
    ladder = [
        digit * step
        for step in (1, 10, 100, 1000, 10_000, 100_000)
        for digit in range(1, 10)
        if digit * step < below
    ]
    too_large, serves = below, 0
    for scale in reversed(ladder):
        if not conflicts(variant, scale, known):
            serves = scale
            break
        too_large = scale
    if not serves:
        return None
    while too_large - serves > max(1, serves // 50):
        middle = int(serves + too_large) // 2
        if middle == serves:
            break
        if conflicts(variant, middle, known):
            too_large = middle
        else:
            serves = middle
    return serves
