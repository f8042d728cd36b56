"""Messages that a variant sends into flows that its middleboxes have forgotten.

Nobody acknowledges them, so that the kernel's own timer for that runs, as it does after a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from halfopen.fields import Timer, keepalive_timers
from halfopen.ports import System
from halfopen.scenario.model import Host, Send, Variant, Wait


@dataclass(frozen=True)
class IntoTheVoid:
    """The first messages of a host into a flow that is forgotten.

    Attributes:
        step: sends them.
        later: production seconds from then to each later step that sends, and to the end; only
            those in which time passes.
    """

    step: Send
    later: tuple[float, ...]


def sent_into_the_void(variant: Variant) -> Iterator[IntoTheVoid]:
    """The first such messages of each host whose connections nothing keeps in the tables.

    A middlebox that answers packets of flows that it does not know, or says when it forgets one,
    leaves nobody without an answer.
    """
    idle = [
        box.settings.idle_timeout  # type: ignore[attr-defined]
        for box in variant.hosts
        if box.system is None and _is_silent(box)
    ]
    shortest = min((seconds for seconds in idle if seconds is not None), default=None)
    if shortest is None or _is_kept(variant, shortest):
        return
    sends = {step.host for step in variant.steps if isinstance(step, Send)}
    for host in sorted(sends):
        if found := _of(variant, host, shortest):
            yield found


def _is_silent(box: Host) -> bool:
    values = box.settings
    late, expiry = getattr(values, "late_packet", ""), getattr(values, "on_expiry", "")
    return (late, expiry) == ("drop", "silent") and not getattr(values, "terminates_tcp", False)


def _is_kept(variant: Variant, idle_timeout: float) -> bool:
    """Whether a keepalive of some host comes soon enough to keep its flows in the tables."""
    refreshes = all(
        getattr(host.settings, "keepalive_refreshes", True)
        for host in variant.hosts
        if host.system is None
    )
    return refreshes and any(
        timer.seconds + timer.late < idle_timeout
        for host in variant.hosts
        for timer in _silences(host)
    )


def _silences(host: Host) -> Iterator[Timer]:
    own = host.settings.timers() if isinstance(host.settings, System) else ()
    yield from (timer for timer in own if timer.measures == "silence")
    yield from keepalive_timers(host.preload_keepalive)


def _of(variant: Variant, host: str, idle_timeout: float) -> IntoTheVoid | None:
    now = last = 0.0
    first: tuple[Send, float] | None = None
    later: list[float] = []
    spoke = False
    for step in variant.steps:
        if isinstance(step, Wait):
            now += step.seconds
        if not isinstance(step, Send) or step.host != host:
            continue
        if first is not None:
            later.append(now - first[1])
        elif spoke and now - last > idle_timeout:
            first = step, now
        spoke = True
        last = now + (step.count - 1) * step.every
        if not step.background:
            now = last
    if first is None:
        return None
    ends = now - first[1]
    return IntoTheVoid(first[0], tuple(sorted({t for t in (*later, ends) if t > 0})))
