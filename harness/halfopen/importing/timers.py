"""Keepalive of a side, from what was seen on its connections and from sysctls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.importing.facts import Facts, SeenConnection, Side, SourcedNumber
from halfopen.importing.sysctl import KEEPALIVE
from halfopen.sections import say_duration

DEFAULTS = (7200.0, 75.0, 9)
"""Idle time, interval and probes of Linux (tcp(7))."""

_MOST = (32767, 32767, 127)  # MAX_TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT (include/net/tcp.h)
_ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 350, 600, 900, 1200, 1800, 3600, 7200)


@dataclass(frozen=True)
class Timers:
    """Keepalive to write.

    Attributes:
        values: idle time and interval in seconds, probes; None for off.
        comments: where each figure comes from.
    """

    values: tuple[float, float, int] | None
    comments: tuple[str, ...]

    def __str__(self) -> str:
        """As a scenario has it."""
        if self.values is None:
            return "off"
        idle, interval, probes = self.values
        return (
            f"{{ idle: {say_duration(idle)}, interval: {say_duration(interval)}, "
            f"probes: {probes} }}"
        )


def timers(side: Side, connections: Sequence[SeenConnection], facts: Facts) -> Timers:
    """What is known of the keepalive of `side`."""
    seen = [each.keepalive[side] for each in connections if side in each.keepalive]
    asked = [each for each in seen if each.asked]
    if not asked:
        if not seen:
            return Timers(None, ("not known: no input shows this side's timers",))
        if not facts.shows_timers:
            return Timers(None, ("not known: no timers were seen; `ss -o` shows them",))
        return Timers(None, (f"no keepalive timer: {seen[0].where}",))
    comments = []
    if len(asked) < len(seen):
        comments.append(f"{len(seen) - len(asked)} of {len(seen)} connections have no timer")
    idle, why = _idle(
        min((e.idle for e in asked if e.idle), key=lambda f: f.value, default=None),
        max((e.at_least for e in asked if e.at_least), key=lambda f: f.value, default=None),
        facts,
    )
    comments.append(f"idle: {why}")
    on_wire = next((each.interval for each in asked if each.interval), None)
    if on_wire is not None:
        interval = float(max(1, round(on_wire.value)))
        comments.append(f"interval: seen between probes, {on_wire.where}")
    else:
        interval, why = _setting(1, facts)
        comments.append(f"interval: {why}")
    probes, why = _setting(2, facts)
    comments.append(f"probes: {why}")
    return Timers((min(idle, _MOST[0]), min(interval, _MOST[1]), int(probes)), tuple(comments))


def _idle(
    wire: SourcedNumber | None, at_least: SourcedNumber | None, facts: Facts
) -> tuple[float, str]:
    if wire is not None:
        return float(max(1, round(wire.value))), f"silence before a probe, {wire.where}"
    value, why = _setting(0, facts)
    if at_least is None:
        return value, why
    said = f"a timer had {say_duration(round(at_least.value))} left ({at_least.where})"
    if KEEPALIVE[0] in facts.settings and value >= at_least.value:
        return value, f"{why}; {said}"
    rounded = next((r for r in _ROUND if r >= at_least.value), at_least.value)
    return float(rounded), f"{said}, rounded up; not known: the exact time"


def _setting(place: int, facts: Facts) -> tuple[float, str]:
    name = KEEPALIVE[place]
    found = facts.settings.get(name)
    short = name.rpartition(".")[2]
    if found is None:
        return DEFAULTS[place], f"not known; Linux's default {short}"
    if not 1 <= found.value <= _MOST[place]:
        return DEFAULTS[place], f"the default; {short} is out of range ({found.where})"
    return found.value, f"{short}, {found.where}"
