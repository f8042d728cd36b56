"""The engines that play a middlebox, and which of them plays which.

The kernel's conntrack is the real thing and the fastest, so it plays whatever it can; the others
play what it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halfopen.errors import UnsupportedError
from halfopen.labs.agent.engines._engine import Engine, MiddleboxSetup, RunningMiddlebox
from halfopen.labs.agent.engines.conntrack import CONNTRACK
from halfopen.labs.agent.engines.userspace import USERSPACE

ENGINES: tuple[Engine, ...] = (CONNTRACK, USERSPACE)
"""In the order of preference."""


def choose(values: Mapping[str, Any], verbs: Sequence[str], wanted: str = "any") -> Engine:
    """The first engine that can play a profile and do what will be asked of it.

    Args:
        values: of the profile, seconds of lab time.
        verbs: names of the verbs that the scenario will use on it.
        wanted: name of the engine that it must be, or `any`.

    Raises:
        UnsupportedError: if there is none, with the reason of each.
    """
    reasons = []
    # What is done to a link or a route of the middlebox is no engine's work.
    by_engines = {verb.__name__ for engine in ENGINES for verb in engine.verbs}
    for engine in ENGINES:
        if wanted not in ("any", engine.name):
            continue
        known = {verb.__name__ for verb in engine.verbs}
        cannot = [f"it does not support {verb}" for verb in verbs if verb in by_engines - known]
        cannot += engine.cannot(values)
        if not cannot:
            return engine
        reasons.append(f"{engine.name}: {'; '.join(cannot)}")
    raise UnsupportedError(f"no engine supports what this middlebox needs: {' / '.join(reasons)}")


__all__ = ["ENGINES", "Engine", "MiddleboxSetup", "RunningMiddlebox", "choose"]
