"""Signals, limits, restarts and replacements of the program on a host."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import psutil

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.listening import listening_addresses
from halfopen.labs.agent.programs import Program
from halfopen.model.program import ProgramSpec, Ready, program_from_json
from halfopen.verbs import (
    LimitFds,
    LimitMemory,
    ReplaceProgram,
    RestartProgram,
    RestoreProgram,
    SignalProgram,
)

REPLACEMENT = "misbehaving-receiver"
_STOP_S = 5.0


async def signal_program(verb: SignalProgram, context: ActionContext) -> Sequence[str]:
    """To the program and its descendants."""
    context.program(verb.host).signal(verb.signal)
    return ()


async def limit_fds(verb: LimitFds, context: ActionContext) -> Sequence[str]:
    """Soft RLIMIT_NOFILE."""
    context.program(verb.host).limit(psutil.RLIMIT_NOFILE, "file descriptors", verb.limit)
    return ()


async def limit_memory(verb: LimitMemory, context: ActionContext) -> Sequence[str]:
    """Soft RLIMIT_DATA."""
    context.program(verb.host).limit(psutil.RLIMIT_DATA, "bytes of memory", verb.limit)
    return ()


async def restart_program(verb: RestartProgram, context: ActionContext) -> Sequence[str]:
    """End it, wait, and start it or its successor."""
    program = context.program(verb.host)
    await _end(program, verb.orderly)
    await asyncio.sleep(verb.down)
    await context.start(
        verb.host, program.spec if verb.program is None else program_from_json(verb.program)
    )
    return ()


async def _end(program: Program, orderly: bool) -> None:
    if not orderly:
        program.signal("KILL")
    await program.stop(_STOP_S)


async def replace_program(verb: ReplaceProgram, context: ActionContext) -> Sequence[str]:
    """Let a misbehaving receiver listen where the program does."""
    program = context.program(verb.host)
    if program.name == REPLACEMENT:
        raise LabError(f"a misbehaving receiver already runs on {verb.host}: heal that fault first")
    addresses = await asyncio.to_thread(listening_addresses, verb.host, program.pid)
    if not addresses:
        raise LabError(
            f"{program.name} on {verb.host} does not listen on a TCP port: it cannot be replaced"
        )
    await program.stop(_STOP_S)
    module = "halfopen.guests.misbehaving_receiver"
    spec = ProgramSpec(
        name=REPLACEMENT,
        argv=(sys.executable, "-m", module, verb.does, *addresses),
        env={},
        ready=Ready(event="listening"),
    )
    context.kept[(REPLACEMENT, verb.host)] = program.spec
    await context.start(verb.host, spec)
    return ()


async def restore_program(verb: RestoreProgram, context: ActionContext) -> Sequence[str]:
    """End the misbehaving receiver and start the program that it replaced."""
    spec = context.kept.pop((REPLACEMENT, verb.host), None)
    if spec is None:
        raise LabError(f"no misbehaving receiver runs on {verb.host}")
    await context.program(verb.host).stop(_STOP_S)
    await context.start(verb.host, spec)
    return ()


ACTIONS = (
    Action(SignalProgram, signal_program),
    Action(LimitFds, limit_fds),
    Action(LimitMemory, limit_memory),
    Action(RestartProgram, restart_program),
    Action(ReplaceProgram, replace_program),
    Action(RestoreProgram, restore_program),
)
