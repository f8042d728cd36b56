"""The clock of a host's programs, as libfaketime lets them see it.

It is preloaded at their start if the plan will step the clock, and reads its offset from a file at
every call (FAKETIME_NO_CACHE).  CLOCK_MONOTONIC and the times of files stay what they are.  What
is not dynamically linked, or asks the kernel without the C library, sees the true time.  A program
whose sleeps are clock_nanosleep(2) with an absolute CLOCK_MONOTONIC, as Python's `time.sleep` is
from 3.11 on, gets EINVAL from libfaketime 0.9.10: it fails at once and loudly.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from halfopen.labs.agent.actions._action import Action, ActionContext
from halfopen.labs.agent.environment import LaunchEnvironment
from halfopen.model.effects import Touched
from halfopen.verbs import StepClock

_LIBRARY = "libfaketimeMT.so.1"  # for programs with threads
_PLACES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
_KEPT = "clock"
_DAY = 86400.0


def library() -> Path | None:
    """libfaketime, if it is installed."""
    for place in _PLACES:
        for found in sorted(Path(place).glob(f"**/faketime/{_LIBRARY}")):
            return found
    return None


def lacks() -> Sequence[str]:
    """The library, if it is not there."""
    if library() is not None:
        return ()
    return (f"{_LIBRARY} is missing: install the package libfaketime",)


async def prepare(host: str, _: Collection[str], context: ActionContext) -> LaunchEnvironment:
    """Preload the library, with no offset yet."""
    _write(host, context, 0.0)
    return LaunchEnvironment(
        {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(_file(host, context)),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # its older name
            "NO_FAKE_STAT": "1",
        }
    )


async def step_clock(verb: StepClock, context: ActionContext) -> Touched:
    """All programs of the host, from their next look at the clock on."""
    before = offset = context.kept.get((_KEPT, verb.host), 0.0)
    if verb.to is not None:
        offset += _until(time.localtime(time.time() + offset), verb.to)
    offset += verb.by
    context.kept[(_KEPT, verb.host)] = offset
    _write(verb.host, context, offset)
    return Touched({"clocks": int(offset != before)})


def _until(now: time.struct_time, of_day: float) -> float:
    """Seconds from `now` until that many have passed since a midnight."""
    return (of_day - (now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)) % _DAY


def _file(host: str, context: ActionContext) -> Path:
    return context.directory(host) / "clock"


def _write(host: str, context: ActionContext, offset: float) -> None:
    path = _file(host, context)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")  # nobody may read a half of it
    fresh.write_text(f"{offset:+f}\n")
    fresh.replace(path)


ACTIONS = (Action(StepClock, step_clock, lacks, prepare),)
