"""Bounds on messages that no run of a scenario could exceed."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.scenario.model import Expectation, Send, Step
from halfopen.sections import Problems

_COUNTED = ("lost", "undelivered", "undecided", "duplicated", "reordered", "stuck")


def check_messages(
    variant: str, steps: Sequence[Step], expect: Sequence[Expectation], problems: Problems
) -> None:
    """Note each upper bound on messages that is not below the number of messages sent.

    A message may come more than twice, but a bound that lets all of them come twice says nothing.
    """
    sent = sum(step.count for step in steps if isinstance(step, Send))
    for each in expect:
        if each.check != "delivery" or not sent:
            continue
        for key, bound in each.params.figures.items():
            if (
                key in _COUNTED
                and bound is not None
                and bound.relation == "at most"
                and bound.number >= sent
            ):
                problems.add(
                    each.lines.get(key, each.line),
                    f"'{key}: {bound}' cannot fail in variant {variant!r}, which sends {sent} "
                    "messages",
                    f"write a number below {sent}",
                )
