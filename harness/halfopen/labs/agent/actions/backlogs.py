"""Accept queues are filled, and emptied again."""

from __future__ import annotations

import asyncio
import resource
import socket
import time

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.listening import ListeningSocket, listeners
from halfopen.model.effects import NOTHING, Touched
from halfopen.probes.namespaces import run_in
from halfopen.probes.netstat import read_netstat
from halfopen.verbs import DrainBacklog, FillBacklog

_KEPT = "backlog"
_BEFORE = "dropped before"
_FILL_S = 10.0
_LOOK_S = 0.02
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


async def fill(verb: FillBacklog, context: ActionContext) -> Touched:
    """Stop the program, and connect from its own host until nothing more fits."""
    program = context.program(verb.host)
    held: list[socket.socket] = context.kept.setdefault((_KEPT, verb.host), [])
    program.signal("STOP")
    deadline = time.monotonic() + _FILL_S
    while True:
        found = await asyncio.to_thread(listeners, verb.host, program.pid)
        if not found:
            raise LabError(
                f"{program.name} on {verb.host} does not listen on a TCP port: it has no backlog"
            )
        if all(each.full for each in found):
            before = await asyncio.to_thread(_dropped, verb.host)
            context.kept[(_BEFORE, verb.host)] = before
            return NOTHING
        if time.monotonic() > deadline:
            raise LabError(f"the backlog of {program.name} on {verb.host} could not be filled")
        for each in found:
            if not each.full:
                held += await asyncio.to_thread(_connect, verb.host, each)
        await asyncio.sleep(_LOOK_S)


def _connect(host: str, listener: ListeningSocket) -> list[socket.socket]:
    """As many connections as still fit, from the host itself."""
    missing = listener.backlog + 1 - listener.waiting
    _allow(missing)
    name, _, port = listener.address.rpartition(":")
    name = _LOOPBACK.get(name, name).strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET

    def work() -> list[socket.socket]:
        made = []
        for _ in range(missing):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex((name, int(port)))
            made.append(sock)
        return made

    return run_in(host, work)


def _allow(more: int) -> None:
    """Raise our own limit of file descriptors (the usual 1024) if a backlog needs it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft + more if more > soft // 2 else soft
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _dropped(host: str) -> int:
    """Connection attempts that a full accept queue has dropped, since the host was made."""
    return run_in(host, lambda: read_netstat().get("ListenDrops", 0))


async def turned_away(verb: FillBacklog, context: ActionContext) -> Touched:
    """Connection attempts that were dropped since."""
    before: int | None = context.kept.get((_BEFORE, verb.host))
    if before is None:
        return NOTHING
    return Touched({"connections": await asyncio.to_thread(_dropped, verb.host) - before})


async def drain(verb: DrainBacklog, context: ActionContext) -> Touched:
    """Close what filled it, and let the program go on."""
    for sock in context.kept.pop((_KEPT, verb.host), ()):
        sock.close()
    context.kept.pop((_BEFORE, verb.host), None)
    context.program(verb.host).signal("CONT")
    return NOTHING


ACTIONS = (Action(FillBacklog, fill, touched=turned_away), Action(DrainBacklog, drain))
