"""What a host is told when it looks up a name."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.verbs import SetDnsBehaviour


async def answer_names(verb: SetDnsBehaviour, context: ActionContext) -> Sequence[str]:
    """From now on."""
    resolver = context.resolvers.get(verb.host)
    if resolver is None:
        raise LabError(f"{verb.host} has no resolver: only a host that runs a program has one")
    resolver.answer = verb.answer
    return ()


ACTIONS = (Action(SetDnsBehaviour, answer_names),)
