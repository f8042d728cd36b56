"""The timers of Linux's TCP that can decide a variant, though nothing in it names them.

They matter where something that was sent is not acknowledged: after a fault, or in a flow that a
middlebox has forgotten.  How far a time scale can divide them is in :mod:`halfopen.kernel.scaled`.
"""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.kernel.retransmission import RTO_MAX, Stack, busy_detection
from halfopen.kernel.scaled import TIME_WAIT, Known, ScaledTcp, scaled_tcp
from halfopen.model.sampling import SAMPLE_S
from halfopen.ports import System
from halfopen.scenario.clock import Clock, Kind
from halfopen.scenario.forgotten import sent_into_the_void
from halfopen.scenario.model import Host, Inject, Send, Start, Step, Stop, Variant, Wait
from halfopen.scenario.scaling import scale_section


def kernel_clocks(variant: Variant, scale: float | None, known: Known) -> Iterator[Clock]:
    """The kernel's timers, and what they are compared with.

    `answer` is how long the kernel waits for an acknowledgement before it gives the connection up,
    which programs and bounds have timers for, too; `outage` the same, compared with how long a
    fault is left alone; `void` the same, compared with what a host does after it has sent into a
    flow that a middlebox has forgotten; `retry` the longest wait between two retransmissions or
    window probes, compared with how long a middlebox waits for one; `port` how long a port stays
    taken after its connections were closed, compared with the time until a program wants it again.

    Args:
        variant: with production values.
        scale: None for production as it is written, else what the lab makes of it.
        known: sysctls of the lab's kernel.
    """
    yield from _ports(variant, scale or 1.0)
    yield from _void(variant, scale or 1.0, known)
    fault = _first_fault(variant)
    if fault is None:
        return
    step, after = fault
    divided = scale or 1.0
    yield Clock(
        Kind.STEP, "", "time after the fault", "outage", after / divided, SAMPLE_S, step.line
    )
    for each in variant.steps:
        if isinstance(each, Inject) and each.lasts:
            name = f"end of {each.fault.name}"
            lasts = each.lasts / divided
            yield Clock(Kind.STEP, "", name, "outage", lasts, SAMPLE_S, each.line)
    for host in variant.hosts:
        if host.system is None:
            yield from _middlebox(host, scale)
        else:
            yield from _endpoint(host, divided, after, known)


def _endpoint(host: Host, scale: float, after: float, known: Known) -> Iterator[Clock]:
    line = host.lines.get("sysctls", host.line)
    tcp = scaled_tcp(scale, host.sysctls, known)
    # The wait doubles: after so long an outage the last one was no longer than that.
    wait = min(tcp.rto_max, after / scale)
    lacking = "" if tcp.rto_max < RTO_MAX or scale == 1 else " (no tcp_rto_max_ms here)"
    name = f"{host.name} wait between retransmissions{lacking}"
    yield Clock(Kind.KERNEL, host.name, name, "retry", wait, 0.0, line)
    for measures in ("answer", "outage"):
        yield from _gives_up(host, tcp, measures)


def _gives_up(host: Host, tcp: ScaledTcp, measures: str) -> Iterator[Clock]:
    own = host.settings.timers() if isinstance(host.settings, System) else ()
    if any(timer.name == "user timeout" for timer in own):
        return  # it takes the place of tcp_retries2
    ends = busy_detection(None, Stack(retries2=tcp.retries2, rto_max=tcp.rto_max))
    name, late = f"{host.name} last retransmission", ends.latest - ends.earliest
    line = host.lines.get("sysctls", host.line)
    yield Clock(Kind.KERNEL, host.name, name, measures, ends.earliest, late, line)


def _void(variant: Variant, scale: float, known: Known) -> Iterator[Clock]:
    hosts = {host.name: host for host in variant.hosts}
    for each in sent_into_the_void(variant):
        host, line = hosts[each.step.host], each.step.line
        own = host.settings.timers() if isinstance(host.settings, System) else ()
        if any(timer.measures == "answer" for timer in own):
            continue  # the program's own is compared with the kernel's
        measures = f"void {host.name}"
        yield from _gives_up(host, scaled_tcp(scale, host.sysctls, known), measures)
        for seconds in each.later:
            name = f"time after {host.name} sends into a forgotten flow"
            yield Clock(Kind.STEP, "", name, measures, seconds / scale, SAMPLE_S, line)


def _middlebox(host: Host, scale: float | None) -> Iterator[Clock]:
    settings = host.settings if scale is None else scale_section(host.settings, scale)[0]
    for name in ("unacknowledged", "idle_timeout"):
        seconds = getattr(settings, name, None)
        if seconds is not None:
            key = name.replace("_", " ")
            line = host.lines.get(key, host.line)
            yield Clock(
                Kind.MIDDLEBOX, host.name, f"{host.name} {key}", "retry", seconds, 0.0, line
            )


def _ports(variant: Variant, scale: float) -> Iterator[Clock]:
    """TIME_WAIT, which nothing divides, where a program starts again that may need its port.

    Our own programs and the products that we know bind with SO_REUSEADDR; of any other program
    (`command ...`) nobody knows.
    """
    stopped: dict[str, float] = {}
    now = 0.0
    for step in variant.steps:
        if isinstance(step, Wait):
            now += step.seconds
        elif isinstance(step, Stop):
            stopped[step.host] = now
        elif isinstance(step, Start) and step.host in stopped:
            host = next(each for each in variant.hosts if each.name == step.host)
            pause = now - stopped.pop(step.host)
            if (host.system or "").startswith("command") and pause:
                name = f"{host.name} starts again"
                yield Clock(Kind.STEP, "", name, "port", pause / scale, SAMPLE_S, step.line)
                name = f"{host.name} TIME_WAIT"
                yield Clock(Kind.KERNEL, host.name, name, "port", TIME_WAIT, 0.0, host.line)


def _first_fault(variant: Variant) -> tuple[Step, float] | None:
    """The first step that can keep an acknowledgement away, and production seconds after it."""
    found: Step | None = None
    seconds = 0.0
    for step in variant.steps:
        if found is None and isinstance(step, Inject | Stop):
            found = step
        if found is None:
            continue
        if isinstance(step, Wait):
            seconds += step.seconds
        elif isinstance(step, Send) and not step.background:
            seconds += (step.count - 1) * step.every
    return None if found is None else (found, seconds)
