"""Links go down and up, or carry nothing; routes are lost and found."""

from __future__ import annotations

import asyncio

from halfopen.labs.agent import network
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.model.effects import NOTHING, Touched
from halfopen.verbs import CutLink, SetLink, SetRoute


async def set_link(verb: SetLink, context: ActionContext) -> Touched:
    """Both ends of a link between two neighbours."""
    left, right = verb.between
    await asyncio.to_thread(network.set_link, left, right, context.networks, verb.up)
    down: set[tuple[str, str]] = context.kept.setdefault(("links", "down"), set())
    changed = verb.up == (verb.between in down)
    (down.discard if verb.up else down.add)(verb.between)
    return Touched({"links": int(changed)})


async def cut_link(verb: CutLink, context: ActionContext) -> Touched:
    """Both ends of a link between two neighbours."""
    left, right = verb.between
    await asyncio.to_thread(network.cut_link, left, right, context.networks, verb.cut)
    return NOTHING


async def swallowed(verb: CutLink, context: ActionContext) -> Touched:
    """Packets that would have crossed the link."""
    left, right = verb.between
    count = await asyncio.to_thread(network.swallowed_by_cut, left, right, context.networks)
    return Touched({"packets": count})


async def set_route(verb: SetRoute, context: ActionContext) -> Touched:
    """Those routes of a host that lead to another."""
    changed = await asyncio.to_thread(
        network.set_route, verb.router, verb.to, context.networks, verb.present
    )
    return Touched({"routes": changed})


ACTIONS = (
    Action(SetLink, set_link),
    Action(CutLink, cut_link, touched=swallowed),
    Action(SetRoute, set_route),
)
