"""Signals, limits, restarts and replacements of the program on a host."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.limit_watches import DescriptorWatch, LimitWatch, MemoryWatch
from halfopen.labs.agent.listening import listening_addresses
from halfopen.labs.agent.programs import Program
from halfopen.model.effects import NOTHING, Touched
from halfopen.model.program import ProgramSpec, Ready, program_from_json
from halfopen.probes.processes import family
from halfopen.probes.procfs import process_times
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
_DESCRIPTORS, _MEMORY = "descriptors", "memory"
_STOPPED, _ENDED = "T", "ZX"


async def signal_program(verb: SignalProgram, context: ActionContext) -> Touched:
    """To the program and its descendants."""
    program = context.program(verb.host)
    before = [] if program.pid is None else _states(program.pid)
    program.signal(verb.signal)
    if verb.signal == "KILL":  # the next step may start it again
        await program.ended_within(_STOP_S)
    return Touched({"processes": sum(_is_changed_by(verb.signal, state) for state in before)})


def _states(pid: int) -> list[str]:
    """The state of each living process of a program, a letter of proc_pid_stat(5)."""
    found = []
    for member in family(pid):
        with contextlib.suppress(OSError):  # it is gone
            found.append(process_times(member).state)
    return [state for state in found if state not in _ENDED]


def _is_changed_by(signal: str, state: str) -> bool:
    stopped = state == _STOPPED
    return stopped if signal == "CONT" else not stopped if signal == "STOP" else True


async def limit_fds(verb: LimitFds, context: ActionContext) -> Touched:
    """Soft RLIMIT_NOFILE."""
    program = context.program(verb.host)
    program.limit(resource.RLIMIT_NOFILE, "file descriptors", verb.limit)
    _stop_watch(context, _DESCRIPTORS, verb.host)
    if verb.limit is not None and program.pid is not None:
        context.kept[(_DESCRIPTORS, verb.host)] = DescriptorWatch(program.pid, verb.limit)
    return NOTHING


async def descriptors_at_limit(verb: LimitFds, context: ActionContext) -> Touched:
    """Descriptors that were open when there could be no more."""
    return _at_limit(context, _DESCRIPTORS, verb.host, "descriptors")


async def limit_memory(verb: LimitMemory, context: ActionContext) -> Touched:
    """Soft RLIMIT_DATA."""
    program = context.program(verb.host)
    program.limit(resource.RLIMIT_DATA, "bytes of memory", verb.limit)
    _stop_watch(context, _MEMORY, verb.host)
    if verb.limit is not None and program.pid is not None:
        context.kept[(_MEMORY, verb.host)] = MemoryWatch(program.pid, verb.limit)
    return NOTHING


async def memory_at_limit(verb: LimitMemory, context: ActionContext) -> Touched:
    """Bytes that the program had when it could get no more."""
    return _at_limit(context, _MEMORY, verb.host, "bytes")


def _stop_watch(context: ActionContext, kept: str, host: str) -> None:
    before: LimitWatch | None = context.kept.pop((kept, host), None)
    if before is not None:
        before.stop()


def _at_limit(context: ActionContext, kept: str, host: str, unit: str) -> Touched:
    watch: LimitWatch | None = context.kept.get((kept, host))
    if watch is None:
        return NOTHING
    watch.look()
    return Touched({unit: watch.at_limit})


async def restart_program(verb: RestartProgram, context: ActionContext) -> Touched:
    """End it, wait, and start it or its successor."""
    program = context.program(verb.host)
    await _end(program, verb.orderly)
    await asyncio.sleep(verb.down)
    await context.start(
        verb.host, program.spec if verb.program is None else program_from_json(verb.program)
    )
    return Touched({"processes": 1})


async def _end(program: Program, orderly: bool) -> None:
    if not orderly:
        program.signal("KILL")
    await program.stop(_STOP_S)


async def replace_program(verb: ReplaceProgram, context: ActionContext) -> Touched:
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
    return Touched({"processes": 1})


async def restore_program(verb: RestoreProgram, context: ActionContext) -> Touched:
    """End the misbehaving receiver and start the program that it replaced."""
    spec = context.kept.pop((REPLACEMENT, verb.host), None)
    if spec is None:
        raise LabError(f"no misbehaving receiver runs on {verb.host}")
    await context.program(verb.host).stop(_STOP_S)
    await context.start(verb.host, spec)
    return NOTHING


ACTIONS = (
    Action(SignalProgram, signal_program),
    Action(LimitFds, limit_fds, touched=descriptors_at_limit),
    Action(LimitMemory, limit_memory, touched=memory_at_limit),
    Action(RestartProgram, restart_program),
    Action(ReplaceProgram, replace_program),
    Action(RestoreProgram, restore_program),
)
