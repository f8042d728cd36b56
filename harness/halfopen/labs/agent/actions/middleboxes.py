"""What is done to a middlebox is done by the engine that plays it."""

from __future__ import annotations

from typing import Any, Protocol

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.engines import ENGINES
from halfopen.model.effects import NOTHING, Touched
from halfopen.packet_faults import PacketFault


class _AtMiddlebox(Protocol):
    @property
    def at(self) -> str: ...


async def at_middlebox(verb: _AtMiddlebox, context: ActionContext) -> Touched:
    """Hand the verb to the engine."""
    middlebox = context.middleboxes.get(verb.at)
    if middlebox is None:
        raise LabError(f"{verb.at} is not a middlebox")
    return await middlebox.do(verb, context.addresses)  # type: ignore[arg-type]


async def by_middlebox(verb: Any, context: ActionContext) -> Touched:
    """Ask the engine: to how many packets a fault has done something."""
    if not isinstance(verb, PacketFault):
        return NOTHING
    return Touched({"packets": await context.middleboxes[verb.at].packets(verb.name)})


ACTIONS = tuple(
    Action(verb, at_middlebox, touched=by_middlebox)
    for verb in sorted(
        {verb for engine in ENGINES for verb in engine.verbs}, key=lambda verb: verb.__name__
    )
)
