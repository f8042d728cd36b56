"""What a host is told when it looks up a name."""

from __future__ import annotations

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.model.effects import NOTHING, Touched
from halfopen.verbs import SetDnsBehaviour


async def answer_names(verb: SetDnsBehaviour, context: ActionContext) -> Touched:
    """From now on."""
    resolver = context.resolvers.get(verb.host)
    if resolver is None:
        raise LabError(f"{verb.host} has no resolver: only a host that runs a program has one")
    resolver.answer = verb.answer
    resolver.misled = 0
    return NOTHING


async def misled(verb: SetDnsBehaviour, context: ActionContext) -> Touched:
    """Questions that were not answered as they should have been."""
    return Touched({"lookups": context.resolvers[verb.host].misled})


ACTIONS = (Action(SetDnsBehaviour, answer_names, touched=misled),)
