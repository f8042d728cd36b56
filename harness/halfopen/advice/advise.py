"""The advice itself: a pure function of settings and middleboxes.

A flow survives if, behind every middlebox, the probe comes before the idle timeout is over: the
latest moment counts at which the kernel may send it, and a round trip is allowed for.  It is robust
if that holds with one probe lost, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

from halfopen.advice.middleboxes import Hop
from halfopen.kernel import (
    Keepalive,
    Stack,
    TimeRange,
    busy_detection,
    detection,
    granularity,
    probe_period,
    survives_a_lost_probe,
)
from halfopen.model.units import format_duration

ROUND_TRIP = 0.5
"""Seconds allowed for a probe on its way: more than any terrestrial path takes."""

# Of the kernel's defaults (75 s, 9 probes), as much is kept as fits.
_USUAL_INTERVAL = 75
_USUAL_PROBES = 9

# However patient the firewalls: a dead peer should be found within hours, and beyond this a probe
# may be so late that the user timeout is over before a second one.
_LONGEST_IDLE = 3600


@dataclass(frozen=True)
class Settings:
    """What is set on the side that advice is given for.

    Attributes:
        keepalive: None if the socket does not ask for it (SO_KEEPALIVE).
        user_timeout: TCP_USER_TIMEOUT in seconds, None if it is 0.
        stack: sysctl tcp_retries2 and ticks a second.
    """

    keepalive: Keepalive | None = None
    user_timeout: float | None = None
    stack: Stack = field(default_factory=Stack)


@dataclass(frozen=True)
class HopAdvice:
    """What becomes of an idle flow behind one middlebox.

    Attributes:
        hop: the middlebox.
        margin: seconds that the latest probe comes before the flow is forgotten, negative if
            after; None if the two do not meet (no probe counts, or nothing is ever forgotten).
        margin_one_lost: the same for the probe after one that was lost.
        safe: whether the flow survives.
        robust: whether it does with one probe lost.
        why: for a person, a sentence.
    """

    hop: Hop
    margin: float | None
    margin_one_lost: float | None
    safe: bool
    robust: bool
    why: str


@dataclass(frozen=True)
class DeadPeer:
    """When one side finds out that the other is gone; None for never.

    Attributes:
        idle: seconds from the last thing heard, if there is nothing to say.
        busy: seconds from sending, if there is.
    """

    idle: TimeRange | None
    busy: TimeRange


@dataclass(frozen=True)
class Suggestion:
    """What to set instead.

    Attributes:
        settings: keepalive and user timeout.
        robust: whether a flow then survives a lost probe.
    """

    settings: Settings
    robust: bool


@dataclass(frozen=True)
class Advice:
    """The answer.

    Attributes:
        settings: what was asked about.
        probe: seconds of silence after which a probe goes out; None without keepalive.
        hops: each middlebox in turn.
        with_these: when a side with these settings finds a dead peer.
        without: when a side does that has neither keepalive nor user timeout.
        suggestion: what to set instead, None if keepalive cannot help or nothing is forgotten;
            keepalive that is robust as it is stays as it is.
        notes: what else is worth knowing, sentences.
    """

    settings: Settings
    probe: TimeRange | None
    hops: tuple[HopAdvice, ...]
    with_these: DeadPeer
    without: DeadPeer
    suggestion: Suggestion | None
    notes: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether an idle flow survives behind all of them."""
        return all(each.safe for each in self.hops)

    @property
    def robust(self) -> bool:
        """Whether it does with one probe lost."""
        return all(each.robust for each in self.hops)


def advise(hops: Sequence[Hop], settings: Settings) -> Advice:
    """Advice for a path over `hops`, in this order from the side that has `settings`."""
    hz = settings.stack.hz
    judged = _judge(hops, settings)
    idle = None
    if settings.keepalive is not None:
        idle = detection(settings.keepalive, settings.user_timeout, hz)
    return Advice(
        settings,
        None if settings.keepalive is None else probe_period(settings.keepalive, hz),
        judged,
        DeadPeer(idle, busy_detection(settings.user_timeout, settings.stack)),
        DeadPeer(None, busy_detection(None, settings.stack)),
        _suggest(hops, settings, all(each.robust for each in judged)),
        tuple(_notes(judged, settings)),
    )


def _judge(hops: Sequence[Hop], settings: Settings) -> tuple[HopAdvice, ...]:
    judged: list[HopAdvice] = []
    proxy: Hop | None = None
    for hop in hops:
        judged.append(_hop(hop, settings, proxy))
        if hop.values.terminates_tcp and not hop.values.keepalive_refreshes:
            proxy = proxy or hop
    return tuple(judged)


def _hop(hop: Hop, settings: Settings, proxy: Hop | None) -> HopAdvice:
    idle, keepalive = hop.idle, settings.keepalive
    if idle is None:
        return HopAdvice(hop, None, None, True, True, "It never drops an idle flow.")
    forgets = f"It drops a flow after {say(idle)} of silence"
    if not hop.values.keepalive_refreshes:
        proxies = ": it is a proxy and answers them itself" if hop.values.terminates_tcp else ""
        why = f"{forgets}, and probes do not count{proxies}. Only the application's data does."
        return HopAdvice(hop, None, None, False, False, why)
    if proxy is not None:
        why = (
            f"{forgets}, and no probe reaches it: {proxy.name} terminates the connection before it."
        )
        return HopAdvice(hop, None, None, False, False, why)
    if keepalive is None:
        why = f"{forgets}, and nothing is sent: keepalive is off."
        return HopAdvice(hop, None, None, False, False, why)
    hz = settings.stack.hz
    probe = probe_period(keepalive, hz)
    retry = keepalive.interval + granularity(keepalive.interval, hz)
    margin = idle - probe.latest - ROUND_TRIP
    margin_one_lost = margin - retry
    survives = survives_a_lost_probe(keepalive, settings.user_timeout, hz)
    return HopAdvice(
        hop,
        margin,
        margin_one_lost,
        margin > 0,
        margin_one_lost > 0 and survives,
        _why(idle, settings, margin, margin_one_lost, survives),
    )


def _why(
    idle: float, settings: Settings, margin: float, margin_one_lost: float, survives: bool
) -> str:
    keepalive, patience, hz = settings.keepalive, settings.user_timeout, settings.stack.hz
    assert keepalive is not None
    probe = probe_period(keepalive, hz)
    period = max(keepalive.idle, keepalive.interval)
    larger = ""
    if keepalive.interval > keepalive.idle:
        larger = (
            " The time between probes is the larger of idle time and interval: "
            f"{keepalive.interval} s, not {keepalive.idle} s."
        )
    if margin <= 0 and period < idle:
        late = granularity(period, hz)
        return (
            f"{period} s is less than {say(idle)}, but too close: kernel timers fire late, one of "
            f"{period} s by up to {late:.3g} s at HZ={hz}, so the probe may be sent only after "
            f"{probe.latest:.1f} s.{larger}"
        )
    if margin <= 0 and period > idle:
        gone = f"{say(period - idle)} after the flow was dropped"
        return f"The first probe is sent after {say(period)}, {gone}.{larger}"
    if margin <= 0:
        return f"The first probe is sent at the moment when the flow is dropped.{larger}"
    if not survives:
        why = (
            "it is the only one"
            if patience is None
            else "TCP_USER_TIMEOUT leaves no time for another"
        )
        return (
            "The probe is sent in time. But if it is lost, the kernel closes the connection: "
            f"{why}.{larger}"
        )
    if margin_one_lost <= 0:
        return (
            f"The probe is sent in time. But if one is lost, the next is {say(-margin_one_lost)} "
            f"too late.{larger}"
        )
    return f"The probe is sent in time, and so is the next one if it is lost.{larger}"


def _suggest(hops: Sequence[Hop], asked: Settings, robust: bool) -> Suggestion | None:
    reached = []
    for hop in hops:
        if not hop.values.keepalive_refreshes:
            return None
        if hop.idle is not None:
            reached.append(hop.idle)
    if not reached:
        return None
    shortest = min(reached)
    keepalive = asked.keepalive
    if keepalive is None or not robust:  # else what is there will do
        idle = min(max(floor(shortest / 2), 1), _LONGEST_IDLE)
        interval = min(max(floor(shortest / 4), 1), _USUAL_INTERVAL)
        keepalive = Keepalive(idle, interval, _USUAL_PROBES)
    # So that a busy connection is found dead when an idle one is.
    patience = float(keepalive.idle + keepalive.interval * keepalive.probes)
    settings = Settings(keepalive, patience, asked.stack)
    judged = _judge(hops, settings)
    if not all(each.safe for each in judged):
        return None
    return Suggestion(settings, all(each.robust for each in judged))


def _notes(judged: Sequence[HopAdvice], settings: Settings) -> list[str]:
    notes = []
    keepalive, patience = settings.keepalive, settings.user_timeout
    if keepalive is not None:
        notes.append(
            "Keepalive is set for each socket: the sysctls net.ipv4.tcp_keepalive_* are only "
            "defaults for programs that ask for it (SO_KEEPALIVE)."
        )
        notes.append(
            "While data is unacknowledged no probe is sent: tcp_retries2 or TCP_USER_TIMEOUT "
            "applies instead."
        )
    if keepalive is not None and patience is not None:
        nominal = keepalive.idle + keepalive.interval * keepalive.probes
        if abs(nominal - patience) > keepalive.interval:
            notes.append(
                f"TCP_USER_TIMEOUT overrides the number of probes ({keepalive.probes}); "
                f"{nominal * 1000} ms would match them."
            )
    for each in judged:
        hop = each.hop
        if hop.confidence == "unverified":
            notes.append(
                f"{hop.name}: {say(hop.idle or 0)} is unverified ({hop.source}): check your own "
                f"device, and ask again with {hop.name}=SECONDS."
            )
        if hop.values.lifetime is not None:
            notes.append(
                f"{hop.name} drops a flow {say(hop.values.lifetime)} after it began, however busy: "
                "only a new connection helps."
            )
        if not each.safe and hop.idle is not None:
            notes.append(f"{hop.name} {_afterwards(hop)}.")
    return notes


_LATE = {
    "drop": "the next sender gets no answer, and notices only after the times above",
    "rst sender": "the next sender gets a RST",
    "rst inside sender": "the next sender gets a RST if it is inside, no answer if it is outside",
    "readmit from inside": "if the inside host sends next, the flow is readmitted; if the outside "
    "host does, its packets are dropped",
    "readmit from anywhere": "the next packet readmits the flow, perhaps to another server",
    "pass untranslated": "later packets pass without translation",
}


def _afterwards(hop: Hop) -> str:
    """What happens when the flow is forgotten, to follow the name of the hop."""
    if hop.values.on_expiry == "rst both":
        return "sends a RST to both sides when it drops a flow"
    if hop.values.on_expiry == "fin":
        return "closes an idle connection with a FIN"
    return f"drops a flow silently; {_LATE[hop.values.late_packet]}"


def say(seconds: float) -> str:
    """Seconds for a network engineer: exact where it matters, readable where it is long."""
    if seconds < 600:
        return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
    exact = f"{seconds:.0f} s"
    return f"{exact} ({format_duration(seconds)})"
