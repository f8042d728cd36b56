"""An endpoint loses power, and is back."""

from __future__ import annotations

import asyncio

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.agent import network
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.model.effects import NOTHING, Touched
from halfopen.probes.namespaces import run_in
from halfopen.probes.sockets import destroy_all
from halfopen.verbs import LosePower, RestorePower

_KEPT = "power"
_STOP_S = 5.0


async def lose_power(verb: LosePower, context: ActionContext) -> Touched:
    """Silence first, so that neither the kernel nor the program gets a last word out."""
    if (_KEPT, verb.host) in context.kept:
        raise LabError(f"{verb.host} has no power already: heal that fault first")
    program = context.program(verb.host)
    await asyncio.to_thread(network.cut_host, verb.host, context.networks, True)
    context.kept[(_KEPT, verb.host)] = program.spec
    program.signal("STOP")
    try:
        gone = await asyncio.to_thread(run_in, verb.host, destroy_all)
    except OSError as error:
        raise UnsupportedError(
            "connections cannot be taken from their host here: this needs a Linux with "
            f"CONFIG_INET_DIAG_DESTROY: {error}"
        ) from error
    program.signal("KILL")
    await program.stop(_STOP_S)
    return Touched({"processes": 1, "connections": gone})


async def restore_power(verb: RestorePower, context: ActionContext) -> Touched:
    """The program starts on what the disk has."""
    spec = context.kept.pop((_KEPT, verb.host), None)
    if spec is None:
        raise LabError(f"{verb.host} has power")
    await asyncio.to_thread(network.cut_host, verb.host, context.networks, False)
    await context.start(verb.host, spec)
    return NOTHING


ACTIONS = (Action(LosePower, lose_power), Action(RestorePower, restore_power))
