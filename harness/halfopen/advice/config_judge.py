"""Whether the connections of configuration files survive, and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor

from halfopen.advice.advise import ROUND_TRIP, Advice, Settings, advise, say
from halfopen.advice.config_files import Configuration
from halfopen.advice.config_model import ConfiguredConnection, Edit, Recommended, Sysctls
from halfopen.advice.middleboxes import Hop
from halfopen.advice.text import socket_options_text
from halfopen.kernel import Keepalive, Stack

_LATE = 1.0
"""Seconds that a program may be late with what it sends or closes by its own clock."""

_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/]+(?=@)|([?&;]\w*password=)[^\s&\"'<]+", re.IGNORECASE)


class Survival(StrEnum):
    """What becomes of an idle connection."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class JudgedConnection:
    """A connection, and what becomes of it.

    Attributes:
        connection: as the file describes it.
        survival: of an idle connection.
        why: for a person.
        advice: the arithmetic; None if it was not needed.
        edits: that make it safe.
        diff: the same as a unified diff; empty if the file cannot make it safe.
        hint: what helps where no edit does.
    """

    connection: ConfiguredConnection
    survival: Survival
    why: str
    advice: Advice | None = None
    edits: Sequence[Edit] = ()
    diff: str = ""
    hint: str = ""


def judge_configuration(
    configuration: Configuration, hops: Sequence[Hop], stack: Stack
) -> list[JudgedConnection]:
    """Every connection in turn.

    Args:
        configuration: what the files say.
        hops: firewalls, as in :func:`halfopen.advice.advise`.
        stack: the kernel; what a file says of its sysctls comes first.
    """
    if configuration.system.retries2 is not None:
        stack = Stack(retries2=configuration.system.retries2, hz=stack.hz)
    return [_judge(each, hops, configuration.system, stack) for each in configuration.connections]


def _judge(
    connection: ConfiguredConnection, hops: Sequence[Hop], system: Sysctls, stack: Stack
) -> JudgedConnection:
    if connection.unknown:
        return JudgedConnection(connection, Survival.NOT_JUDGED, connection.unknown)
    shortest = min((each.idle for each in hops if each.idle is not None), default=None)
    for seconds, safe in _by_itself(connection):
        if shortest is None or seconds + _LATE + ROUND_TRIP < shortest:
            return JudgedConnection(connection, Survival.SAFE, safe)
    try:
        settings = _settings(connection, system, stack)
    except ValueError as error:
        return JudgedConnection(connection, Survival.NOT_JUDGED, str(error))
    advice = advise(hops, settings)
    said = _asked(connection, settings)
    if advice.safe:
        return JudgedConnection(connection, Survival.SAFE, f"{said}; {_margin(advice)}", advice)
    worst = next(each for each in advice.hops if not each.safe)
    tried = [f"{late}, which is too late" for _, late in _by_itself(connection)]
    why = "; ".join([said, *tried, f"{worst.hop.name}: {worst.why}"])
    edits = _edits(connection, hops, shortest, stack)
    hint = _hint(connection, advice, shortest, bool(edits))
    return JudgedConnection(
        connection, Survival.UNSAFE, why, advice, edits, unified_diff(edits), hint
    )


def _by_itself(connection: ConfiguredConnection) -> list[tuple[float, str]]:
    """Seconds after which the program itself ends the silence, and how."""
    found = []
    if (traffic := connection.traffic) is not None:
        dead = (
            "a dead peer is not detected by it"
            if traffic.dead_after is None
            else f"a dead peer is detected after {say(traffic.dead_after)}"
        )
        found.append((traffic.every, f"{traffic.by}, every {say(traffic.every)}; {dead}"))
    if (closes := connection.closes) is not None:
        found.append(
            (closes.after, f"it closes an idle connection after {say(closes.after)} ({closes.by})")
        )
    return found


def _settings(connection: ConfiguredConnection, system: Sysctls, stack: Stack) -> Settings:
    """What the kernel is told.

    Raises:
        ValueError: beyond the model of the kernel.
    """
    keepalive = None
    if connection.asks:
        own, usual = connection.timers, system.keepalive
        figures = (
            own.idle or usual.idle,
            own.interval or usual.interval,
            own.probes or usual.probes,
        )
        keepalive = Keepalive(*(each or 0 for each in figures))
    patience = connection.user_timeout_ms / 1000 if connection.user_timeout_ms else None
    return Settings(keepalive, patience, stack)


def _asked(connection: ConfiguredConnection, settings: Settings) -> str:
    if settings.keepalive is None:
        return "keepalive off"
    own = connection.timers
    missing = [
        name
        for name, value in (
            ("idle time", own.idle),
            ("interval", own.interval),
            ("number of probes", own.probes),
        )
        if not value
    ]
    usual = f" ({', '.join(missing)}: the system's)" if missing else ""
    patience = settings.user_timeout
    timeout = "" if patience is None else f", TCP_USER_TIMEOUT {patience * 1000:.0f} ms"
    return f"keepalive {settings.keepalive}{usual}{timeout}"


def _margin(advice: Advice) -> str:
    margins = [each.margin for each in advice.hops if each.margin is not None]
    parts = [f"margin {min(margins):+.1f} s"] if margins else ["nothing drops it"]
    if not advice.robust:
        parts.append("not if a probe is lost")
    idle = advice.with_these.idle
    if idle is None:
        parts.append("a dead peer is never detected")
    else:
        parts.append(f"a dead peer is detected after {idle.earliest:.0f} to {idle.latest:.0f} s")
    return "; ".join(parts)


def _edits(
    connection: ConfiguredConnection, hops: Sequence[Hop], shortest: float | None, stack: Stack
) -> Sequence[Edit]:
    """What makes it safe; nothing if the file cannot."""
    assert shortest is not None
    suggestion = advise(hops, Settings(stack=stack)).suggestion
    keepalive, patience = None, 0.0
    if suggestion is not None:
        keepalive = suggestion.settings.keepalive
        patience = suggestion.settings.user_timeout or 0.0
    silence = floor(shortest / 2)
    return connection.remedy(Recommended(keepalive, round(patience * 1000), silence))


def _hint(
    connection: ConfiguredConnection, advice: Advice, shortest: float | None, curable: bool
) -> str:
    if advice.suggestion is None and shortest is not None and not curable:
        return (
            "no keepalive settings would help: the application itself must send data at least "
            f"every {say(shortest / 2)}"
        )
    if not connection.hint and not curable and advice.suggestion is not None:
        return f"set in the program: {socket_options_text(advice.suggestion)}"
    return connection.hint


def unified_diff(edits: Sequence[Edit]) -> str:
    """The edits as a unified diff, file by file; passwords in URLs are not shown."""
    parts: list[str] = []
    for path in dict.fromkeys(each.source.path for each in edits):
        mine = [each for each in edits if each.source.path == path]
        before = mine[0].source.text
        lines = difflib.unified_diff(
            before.splitlines(), edited(before, mine).splitlines(), path, path, lineterm="", n=1
        )
        parts += lines
    return _PASSWORD.sub(lambda each: f"{each[1] or each[2]}***", "\n".join(parts))


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text of a file after its edits."""
    parts, at = [], 0
    for each in sorted(edits, key=lambda each: each.start):
        parts += [text[at : each.start], each.text]
        at = each.end
    return "".join([*parts, text[at:]])
