"""Keepalive of a side, from what was seen on its connections and from sysctls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.importing.facts import Facts, SeenKeepalive, SourcedNumber
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


def timers(seen: Sequence[SeenKeepalive], facts: Facts) -> Timers:
    """What is known of the keepalive of a side, from what was seen of it on its connections."""
    asked = [each for each in seen if each.asked]
    if not asked:
        if not seen:
            return Timers(None, ("not known: no input shows this side's timers",))
        if seen[0].written:
            return Timers(None, (f"the file does not ask for keepalive: {seen[0].where}",))
        if not facts.shows_timers:
            return Timers(None, ("not known: no timers were seen; `ss -o` shows them",))
        return Timers(None, (f"no keepalive timer: {seen[0].where}",))
    comments = []
    if len(asked) < len(seen):
        comments.append(f"{len(seen) - len(asked)} of {len(seen)} connections have no timer")
    written = next((each.written for each in asked if each.written), (None, None, None))
    idle, why = _idle(
        written[0],
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
        interval, why = _written(1, written[1], facts)
        comments.append(f"interval: {why}")
    probes, why = _written(2, written[2], facts)
    comments.append(f"probes: {why}")
    return Timers((min(idle, _MOST[0]), min(interval, _MOST[1]), int(probes)), tuple(comments))


def _idle(
    written: SourcedNumber | None,
    wire: SourcedNumber | None,
    at_least: SourcedNumber | None,
    facts: Facts,
) -> tuple[float, str]:
    if wire is not None:
        return float(max(1, round(wire.value))), f"silence before a probe, {wire.where}"
    if written is not None:
        return _written(0, written, facts)
    value, why = _setting(0, facts)
    if at_least is None:
        return value, why
    said = f"a timer had {say_duration(round(at_least.value))} left ({at_least.where})"
    if KEEPALIVE[0] in facts.settings and value >= at_least.value:
        return value, f"{why}; {said}"
    rounded = next((r for r in _ROUND if r >= at_least.value), at_least.value)
    return float(rounded), f"{said}, rounded up; not known: the exact time"


def _written(place: int, written: SourcedNumber | None, facts: Facts) -> tuple[float, str]:
    """What a configuration file sets, else the system's."""
    if written is None:
        return _setting(place, facts)
    return written.value, f"set in {written.where}"


def _setting(place: int, facts: Facts) -> tuple[float, str]:
    name = KEEPALIVE[place]
    found = facts.settings.get(name)
    short = name.rpartition(".")[2]
    if found is None:
        return DEFAULTS[place], f"not known; Linux's default {short}"
    if not 1 <= found.value <= _MOST[place]:
        return DEFAULTS[place], f"the default; {short} is out of range ({found.where})"
    return found.value, f"{short}, {found.where}"
