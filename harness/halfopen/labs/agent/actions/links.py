"""Links go down and up, or carry nothing; routes are lost and found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from halfopen.labs.agent import network
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.verbs import CutLink, SetLink, SetRoute


async def set_link(verb: SetLink, context: ActionContext) -> Sequence[str]:
    """Both ends of a link between two neighbours."""
    left, right = verb.between
    await asyncio.to_thread(network.set_link, left, right, context.networks, verb.up)
    return ()


async def cut_link(verb: CutLink, context: ActionContext) -> Sequence[str]:
    """Both ends of a link between two neighbours."""
    left, right = verb.between
    await asyncio.to_thread(network.cut_link, left, right, context.networks, verb.cut)
    return ()


async def set_route(verb: SetRoute, context: ActionContext) -> Sequence[str]:
    """Those routes of a host that lead to another."""
    await asyncio.to_thread(network.set_route, verb.router, verb.to, context.networks, verb.present)
    return ()


ACTIONS = (Action(SetLink, set_link), Action(CutLink, cut_link), Action(SetRoute, set_route))
