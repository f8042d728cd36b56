"""Links go down and up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from halfopen.labs.netns import network
from halfopen.labs.netns.actions._action import Action, Sandbox
from halfopen.verbs import SetLink


async def set_link(verb: SetLink, sandbox: Sandbox) -> Sequence[str]:
    """Both ends of a link between two neighbours."""
    left, right = verb.between
    await asyncio.to_thread(network.set_link, left, right, sandbox.networks, verb.up)
    return ()


ACTIONS = (Action(SetLink, set_link),)
