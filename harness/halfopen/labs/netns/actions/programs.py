"""Signals and limits for the program on a host."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.labs.netns.actions._action import Action, Sandbox
from halfopen.verbs import LimitFds, SignalProgram


async def signal_program(verb: SignalProgram, sandbox: Sandbox) -> Sequence[str]:
    """To the program and its descendants."""
    sandbox.program(verb.host).signal(verb.signal)
    return ()


async def limit_fds(verb: LimitFds, sandbox: Sandbox) -> Sequence[str]:
    """Soft RLIMIT_NOFILE."""
    sandbox.program(verb.host).limit_fds(verb.limit)
    return ()


ACTIONS = (Action(SignalProgram, signal_program), Action(LimitFds, limit_fds))
