"""The timers of a variant that can decide its verdict, in production and at scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isclose

from halfopen.fields import Timer, keepalive_timers
from halfopen.kernel.scaled import Known, all_known
from halfopen.kernel.timers import granularity
from halfopen.model.sampling import SAMPLE_S
from halfopen.ports import System
from halfopen.scenario.clock import Clock, Kind
from halfopen.scenario.kernel_clocks import kernel_clocks
from halfopen.scenario.model import Host, Inject, Send, Step, Stop, Variant, Wait
from halfopen.scenario.scaling import scale_section


def clocks(variant: Variant, scale: float | None, known: Known = all_known) -> list[Clock]:
    """Every timer of the variant.

    Args:
        variant: with production values.
        scale: None for production as it is written, else what the lab makes of it.
        known: whether the lab's kernel has a sysctl.
    """
    found: list[Clock] = []
    for host in variant.hosts:
        settings = host.settings if scale is None else scale_section(host.settings, scale)[0]
        if host.system is None:
            for name, measures in (("idle timeout", "silence"), ("lifetime", "age")):
                seconds = getattr(settings, name.replace(" ", "_"), None)
                if seconds is not None:
                    line = host.lines.get(name, host.line)
                    what = f"{host.name} {name}"
                    found.append(
                        Clock(Kind.MIDDLEBOX, host.name, what, measures, seconds, 0.0, line)
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
    return [*found, *kernel_clocks(variant, scale, known)]


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


@dataclass(frozen=True)
class Pair:
    """Two timers that measure the same, whose order can decide.

    Attributes:
        first: in production, and at scale.
        second: in production, and at scale.
    """

    first: tuple[Clock, Clock]
    second: tuple[Clock, Clock]


def pairs(variant: Variant, scale: float, known: Known = all_known) -> Iterator[Pair]:
    """Every two timers whose order in production is one, in the order of the file."""
    production = clocks(variant, None, known)
    idle = _never_reached(variant, production)
    both = zip(production, clocks(variant, scale, known), strict=True)
    reached = [each for number, each in enumerate(both) if number not in idle]
    for first, second in combinations(reached, 2):
        a, b = first[0], second[0]
        if a.kind is b.kind or a.measures != b.measures or isclose(a.seconds, b.seconds):
            continue
        yield Pair(first, second)


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
