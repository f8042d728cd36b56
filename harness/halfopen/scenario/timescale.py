"""The order-of-timers rule: what a time scale must not change.

A verdict depends on which of two timers comes first: does the probe go out before the firewall
forgets, does the pause outlast the firewall's patience, is the connection found dead before the
bound.  Whole seconds, floors and late timers can turn such an order round when production time is
divided.  So every pair that matters is compared in production and at scale, and a scale that
changes one is refused.

What is not compared: two timers of one kind (two pauses, two bounds, two timers of programs), what
is equal in production (then no order is asked for), and what cannot come to pass because a timer
before it ends the silence (the detection of a dead peer, while probes keep the flow known and no
fault is injected).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations
from math import isclose

from halfopen.errors import Problem
from halfopen.fields import Timer, keepalive_timers
from halfopen.kernel.timers import granularity
from halfopen.model.sampling import SAMPLE_S
from halfopen.ports import System
from halfopen.scenario.model import Host, Inject, Send, Step, Stop, Variant, Wait
from halfopen.scenario.scaling import scale_section
from halfopen.sections import say_duration


class Kind(Enum):
    """What a timer belongs to."""

    STEP = "step"
    MIDDLEBOX = "middlebox"
    SYSTEM = "system"
    BOUND = "bound"


@dataclass(frozen=True)
class Clock:
    """A timer of a variant.

    Attributes:
        kind: what it belongs to.
        host: of which host; empty for steps and bounds.
        name: for people.
        measures: silence or answer; only the like is compared.
        seconds: when it fires at the earliest.
        late: seconds that it may be late.
        line: in the scenario file.
    """

    kind: Kind
    host: str
    name: str
    measures: str
    seconds: float
    late: float
    line: int

    @property
    def end(self) -> float:
        """When it fires at the latest."""
        return self.seconds + self.late


def clocks(variant: Variant, scale: float | None) -> list[Clock]:
    """Every timer of the variant.

    Args:
        variant: with production values.
        scale: None for production as it is written, else what the lab makes of it.
    """
    found: list[Clock] = []
    for host in variant.hosts:
        settings = host.settings if scale is None else scale_section(host.settings, scale)[0]
        if host.system is None:
            idle = getattr(settings, "idle_timeout", None)
            if idle is not None:
                line = host.lines.get("idle timeout", host.line)
                found.append(
                    Clock(
                        Kind.MIDDLEBOX,
                        host.name,
                        f"{host.name} idle timeout",
                        "silence",
                        idle,
                        0.0,
                        line,
                    )
                )
            continue
        own = settings.timers() if isinstance(settings, System) else ()
        timers = [*own, *_preloaded(host, scale)]
        for timer in timers:
            late = timer.late
            if not late and timer.measures == "silence":
                late = granularity(timer.seconds)  # keepalive is the kernel's
            found.append(
                Clock(
                    Kind.SYSTEM,
                    host.name,
                    f"{host.name} {timer.name}",
                    timer.measures,
                    timer.seconds,
                    late,
                    _line(host, timer.name),
                )
            )
    for step, name, seconds in silences(variant.steps):
        lab = seconds if scale is None else seconds / scale
        found.append(Clock(Kind.STEP, "", name, "silence", lab, SAMPLE_S, step.line))
    for each in variant.expect:
        params = each.params if scale is None else scale_section(each.params, scale)[0]
        for timer in params.timers():
            # Some checks name themselves in their timers, the label does so already.
            name = timer.name.removeprefix(each.check).strip(" :")
            line = each.lines.get(name, each.line)
            found.append(
                Clock(
                    Kind.BOUND,
                    "",
                    f"{each.label} {name}".strip(),
                    timer.measures,
                    timer.seconds,
                    max(timer.late, SAMPLE_S),
                    line,
                )
            )
    return found


def _preloaded(host: Host, scale: float | None) -> list[Timer]:
    keepalive = host.preload_keepalive
    if keepalive is not None and scale is not None:
        keepalive = scale_section(keepalive, scale)[0]
    return [replace(each, name=f"preload {each.name}") for each in keepalive_timers(keepalive)]


def _line(host: Host, timer: str) -> int:
    """The line of the option that a timer belongs to: `keepalive` for `keepalive detection`."""
    fitting = [key for key in host.lines if timer == key or timer.startswith(key + " ")]
    return host.lines[max(fitting, key=len)] if fitting else host.line


def silences(steps: Sequence[Step]) -> Iterator[tuple[Step, str, float]]:
    """How long nothing is sent, as (last step, name, production seconds).

    Pauses that follow each other add up; while messages are sent in the background it is not
    silent.
    """
    now = silent_since = 0.0
    waiting: Wait | None = None
    for step in steps:
        if isinstance(step, Wait):
            now += step.seconds
            waiting = step
            continue
        if not isinstance(step, Send):
            continue
        if waiting is not None and now > silent_since:
            yield waiting, "pause", now - silent_since
        waiting = None
        if step.every and step.count > 1:
            yield step, "every", step.every
        end = now + (step.count - 1) * step.every
        if not step.background:
            now = end
        silent_since = max(silent_since, end)
    if waiting is not None and now > silent_since:
        yield waiting, "pause", now - silent_since


def _relation(a: Clock, b: Clock) -> str:
    if a.end < b.seconds:
        return "before"
    return "after" if b.end < a.seconds else "overlap"


@dataclass(frozen=True)
class Conflict:
    """Two timers whose order the scale changes: each in production and at scale."""

    first: tuple[Clock, Clock]
    second: tuple[Clock, Clock]


def conflicts(variant: Variant, scale: float) -> list[Conflict]:
    """Every pair of timers whose order `scale` changes, in the order of the file."""
    production = clocks(variant, None)
    lab = clocks(variant, scale)
    idle = _never_reached(variant, production)
    pairs = [
        pair for number, pair in enumerate(zip(production, lab, strict=True)) if number not in idle
    ]
    found: dict[tuple[str, float, str, float], Conflict] = {}
    for first, second in combinations(pairs, 2):
        a, b = first[0], second[0]
        if a.kind is b.kind or a.measures != b.measures:
            continue
        if isclose(a.seconds, b.seconds) or _relation(a, b) == _relation(first[1], second[1]):
            continue
        found.setdefault((a.name, a.seconds, b.name, b.seconds), Conflict(first, second))
    return list(found.values())


def _never_reached(variant: Variant, production: Sequence[Clock]) -> set[int]:
    """Indices of the systems' timers that cannot fire, see the module's text."""
    if any(isinstance(step, Inject | Stop) for step in variant.steps):
        return set()
    boxes = [each for each in production if each.kind is Kind.MIDDLEBOX]
    refreshed = all(
        getattr(host.settings, "keepalive_refreshes", True)
        for host in variant.hosts
        if host.system is None
    )
    earliest: dict[str, Clock] = {}
    for each in production:
        if each.kind is Kind.SYSTEM and each.measures == "silence":
            known = earliest.get(each.host, each)
            earliest[each.host] = min(known, each, key=lambda clock: clock.seconds)
    kept = any(all(each.end < box.seconds for box in boxes) for each in earliest.values())
    if not kept or not refreshed:
        return set()
    return {
        number
        for number, each in enumerate(production)
        if each.host in earliest
        and each.measures == "silence"
        and each.kind is Kind.SYSTEM
        and each.seconds > earliest[each.host].seconds
    }


def check_scale(variant: Variant, scale: float, file: str) -> list[Problem]:
    """A problem for each pair of timers whose order `scale` changes; none if it will serve."""
    found = conflicts(variant, scale)
    if not found:
        return []
    best = largest_scale(variant, scale)
    serves = f"a scale of {best} would serve" if best else ""
    remedy = serves or "no scale would serve, only a lab on virtual time could play it"
    return [
        Problem(file, _where(each), _sentence(each, variant.name, scale), remedy) for each in found
    ]


def _where(conflict: Conflict) -> int:
    a, b = conflict.first[0], conflict.second[0]
    for kind in (Kind.BOUND, Kind.SYSTEM, Kind.STEP, Kind.MIDDLEBOX):
        for clock in (a, b):
            if clock.kind is kind:
                return clock.line
    return a.line


_WORDS = {"before": "before", "after": "after", "overlap": "at about the same time as"}


def _sentence(conflict: Conflict, variant: str, scale: float) -> str:
    (a, a_lab), (b, b_lab) = conflict.first, conflict.second
    return (
        f"in variant {variant} a scale of {scale:g} changes the order of two timers: "
        f"{a.name} ({say_duration(a.seconds)}) comes {_WORDS[_relation(a, b)]} "
        f"{b.name} ({say_duration(b.seconds)}), but in the lab ({say_duration(a_lab.seconds)}"
        f" and {say_duration(b_lab.seconds)}) {_WORDS[_relation(a_lab, b_lab)]} it"
    )


def largest_scale(variant: Variant, below: float) -> int | None:
    """The largest whole scale below `below` that changes no order, None if not even 1 will do.

    Not every scale below one that serves does so too, because values are rounded; so round
    numbers are tried from above, and then the gap to the next is narrowed.
    """
    ladder = [
        digit * step
        for step in (1, 10, 100, 1000, 10_000, 100_000)
        for digit in range(1, 10)
        if digit * step < below
    ]
    too_large, serves = below, 0
    for scale in reversed(ladder):
        if not conflicts(variant, scale):
            serves = scale
            break
        too_large = scale
    if not serves:
        return None
    while too_large - serves > max(1, serves // 50):
        middle = int(serves + too_large) // 2
        if middle == serves:
            break
        if conflicts(variant, middle):
            too_large = middle
        else:
            serves = middle
    return serves
