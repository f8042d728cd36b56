"""The end of a file is cut off, while the program that wrote it is down."""

from __future__ import annotations

import asyncio
import os
import time

from halfopen.errors import LabError
from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.programs import Program
from halfopen.model.effects import Touched
from halfopen.verbs import TruncateFile

_END_S = 5.0  # a program that was killed is gone soon, but not at once
_POLL_S = 0.01


async def _ended(program: Program) -> bool:
    deadline = time.monotonic() + _END_S
    while program.pid is not None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def tear_file(verb: TruncateFile, context: ActionContext) -> Touched:
    """Cut it."""
    if not await _ended(context.program(verb.host)):
        raise LabError(
            f"the program on {verb.host} is still running and would overwrite the damage: "
            "stop or kill it first"
        )
    disk = context.disk(verb.host)
    found = sorted(p for p in disk.glob(verb.file) if p.is_file() and p.stat().st_size)
    if not found:
        there = sorted(str(p.relative_to(disk)) for p in disk.rglob("*") if p.is_file())
        raise LabError(
            f"no file on the disk of {verb.host} matches {verb.file!r} and is not empty; "
            f"its files: {', '.join(there) or 'none'}"
        )
    file = found[-1]
    size = file.stat().st_size
    os.truncate(file, max(0, size - verb.missing))
    return Touched({"bytes": min(size, verb.missing)})


ACTIONS = (Action(TruncateFile, tear_file),)
