"""What is done to a middlebox is done by the engine that plays it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.engines import ENGINES


class _AtMiddlebox(Protocol):
    @property
    def at(self) -> str: ...


async def at_middlebox(verb: _AtMiddlebox, context: ActionContext) -> Sequence[str]:
    """Hand the verb to the engine."""
    middlebox = context.middleboxes.get(verb.at)
    if middlebox is None:
        raise LabError(f"{verb.at} is not a middlebox")
    return await middlebox.do(verb, context.addresses)  # type: ignore[arg-type]


ACTIONS = tuple(
    Action(verb, at_middlebox)
    for verb in sorted(
        {verb for engine in ENGINES for verb in engine.verbs}, key=lambda verb: verb.__name__
    )
)
