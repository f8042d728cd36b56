"""The page about the kernel's timers: what the model says beside what a kernel does.

On virtual time every timer has its default and is waited for to its end; what is short enough is
also measured in real time, by the same program.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from halfopen.advice.timer_runs import Case, Seen, measure_ends, measure_flows
from halfopen.kernel import (
    Keepalive,
    Stack,
    TimeRange,
    busy_detection,
    detection,
    granularity,
    zero_window_detection,
)
from halfopen.kernel.retransmission import RTO_MIN
from halfopen.kernel.timers import timer
from halfopen.ports import LabSpec
from halfopen.profiles import MiddleboxValues

DEFAULT = Keepalive(7200, 75, 9)
"""tcp(7): tcp_keepalive_time, _intvl and _probes."""

_SHORT = Keepalive(10, 5, 3)
_USER_TIMEOUT_S = 20
_LONGEST_S = 3 * 86400.0
_REAL_S = 60.0
_LOOKS_S = 0.25  # a firewall's flows are looked at four times a second at most
_SYN_WAITS = (1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64)
_OPENING = "a SYN that nobody answers"

_IN_REAL_TIME = (
    Case("short", "idle", {"keepalive": [_SHORT.idle, _SHORT.interval, _SHORT.probes]}),
    Case("user timeout", "say", {"user_timeout_ms": _USER_TIMEOUT_S * 1000}),
)
_CASES = (
    *_IN_REAL_TIME,
    Case("default", "idle"),
    Case("data", "say"),
    Case("window", "fill"),
    Case("syn", "open"),
)
_FLOWS = (
    Case("established", "hold"),
    Case("close_wait", "finish"),
    Case("time_wait", "close"),
    Case("close", "reset"),
)
_CONNTRACK = {"established": 432_000, "close_wait": 60, "time_wait": 120, "close": 10}
"""Seconds, net/netfilter/nf_conntrack_proto_tcp.c, tcp_timeouts."""


@dataclass(frozen=True)
class TimerRow:
    """One timer.

    Attributes:
        what: it is, in words.
        model: when it fires by the arithmetic of :mod:`halfopen.kernel`.
        measured: seconds.
        sharp: seconds by which the measurement may be off.
    """

    what: str
    model: TimeRange
    measured: float
    sharp: float = 0.01

    @property
    def agrees(self) -> bool:
        """Whether the kernel did what the model says."""
        earliest, latest = self.model.earliest - self.sharp, self.model.latest + self.sharp
        return earliest <= self.measured <= latest


@dataclass(frozen=True)
class BackOff:
    """Waits between the packets of one connection that nobody answers.

    Attributes:
        what: kind of packets.
        nominal: seconds, as the model has them, before the timer wheel rounds them up.
        least: likewise, if a round trip takes no time at all, as it may on virtual time: then the
            first is not rounded up to the next tick.
        measured: seconds.
        hz: ticks a second.
    """

    what: str
    nominal: tuple[float, ...]
    least: tuple[float, ...]
    measured: tuple[float, ...]
    hz: int

    @property
    def agrees(self) -> bool:
        """Whether there are as many as the model has, none early and none later than its tick."""
        return len(self.nominal) == len(self.measured) and all(
            least - 0.001 <= found <= wait + granularity(wait, self.hz) + 2 / self.hz
            for least, wait, found in zip(self.least, self.nominal, self.measured, strict=True)
        )


def measured_rows(spec: LabSpec, hz: int) -> tuple[list[TimerRow], list[BackOff]]:
    """All timers, on virtual time.

    Args:
        spec: the lab.
        hz: ticks a second of its kernel.

    Raises:
        LabError: if the kernel does not give a connection up in three days.
    """
    with tempfile.TemporaryDirectory(prefix="halfopen-") as directory:
        seen = measure_ends(spec, Path(directory) / "ends", _CASES, _LONGEST_S)
        values = MiddleboxValues.model_validate(
            {
                "idle_timeout": f"{_CONNTRACK['established']} s",
                "half_closed": f"{_CONNTRACK['close_wait']} s",
                "time_wait": f"{_CONNTRACK['time_wait']} s",
                "after_rst": f"{_CONNTRACK['close']} s",
            }
        )
        flows = measure_flows(spec, Path(directory) / "flows", values, _FLOWS, 2e6)
    stack = Stack(hz=hz)
    data, window, syn = seen["data"], seen["window"], seen["syn"]
    rows = [
        TimerRow(
            "keepalive 7200/75/9 (default): first probe",
            timer(DEFAULT.idle, hz),
            seen["default"].sent[0] - _heard(seen["default"]),
        ),
        _idle("keepalive 7200/75/9 (default): given up", DEFAULT, seen["default"], hz),
        *_short(seen, hz),
        TimerRow(
            "data, tcp_retries2 15 (default): given up",
            busy_detection(None, stack),
            data.at - data.sent[0],
        ),
        TimerRow(
            "closed window, tcp_retries2 15: given up",
            zero_window_detection(None, stack),
            window.at - _heard(window),
        ),
        TimerRow(
            f"{_OPENING}, tcp_syn_retries 6: given up",
            _total(_SYN_WAITS, hz),
            syn.at - syn.sent[0],
        ),
        *(
            # No timer of the wheel: an entry has a moment in ticks, which is looked at.
            TimerRow(
                f"conntrack, {name}: forgotten",
                TimeRange(nominal, nominal + 1 / hz),
                flows[name],
                _LOOKS_S,
            )
            for name, nominal in _CONNTRACK.items()
        ),
    ]
    repeated, least = _doubling(stack.rto, stack), _doubling(RTO_MIN, stack)
    opening = tuple(map(float, _SYN_WAITS[:-1]))
    back_offs = [
        # The first packet after the byte is a tail-loss probe, and the timer starts again there.
        BackOff("data, after the tail-loss probe", repeated, least, _waits(data.sent[1:]), hz),
        BackOff("closed window, probes", repeated, least, _after_answer(window, len(repeated)), hz),
        BackOff(_OPENING, opening, opening, _waits(syn.sent), hz),
    ]
    return rows, back_offs


def _doubling(first: float, stack: Stack) -> tuple[float, ...]:
    return tuple(min(first * 2**n, stack.rto_max) for n in range(stack.retries2))


def short_rows(spec: LabSpec, hz: int) -> list[TimerRow]:
    """The timers that are short enough for a lab in real time."""
    with tempfile.TemporaryDirectory(prefix="halfopen-") as directory:
        return _short(measure_ends(spec, Path(directory), _IN_REAL_TIME, _REAL_S), hz)


def _short(seen: dict[str, Seen], hz: int) -> list[TimerRow]:
    said = seen["user timeout"]
    return [
        _idle(f"keepalive {_SHORT}: given up", _SHORT, seen["short"], hz),
        TimerRow(
            f"data, TCP_USER_TIMEOUT {_USER_TIMEOUT_S} s: given up",
            busy_detection(_USER_TIMEOUT_S, Stack(hz=hz)),
            said.at - said.sent[0],
        ),
    ]


def _idle(what: str, keepalive: Keepalive, seen: Seen, hz: int) -> TimerRow:
    return TimerRow(what, detection(keepalive, None, hz), seen.at - _heard(seen))


def _heard(seen: Seen) -> float:
    assert seen.heard is not None
    return seen.heard


def _total(waits: Sequence[float], hz: int) -> TimeRange:
    return TimeRange(sum(waits), sum(wait + granularity(wait, hz) for wait in waits))


def _waits(moments: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(after - before, 3) for before, after in pairwise(moments))


def _after_answer(seen: Seen, most: int) -> tuple[float, ...]:
    """Waits of the probes since the last that was answered."""
    last = max(moment for moment in seen.sent if moment <= _heard(seen))
    return _waits([last, *(moment for moment in seen.sent if moment > last)])[-most:]
