"""The page about the kernel's timers, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.advice.timer_table import BackOff, TimerRow

HEAD = """\
# The kernel's timers: arithmetic and measurement

`make timers` writes this page (`halfopen kernel timers`). On virtual time every timer has its
default and is waited for to its end, five days of a flow included; the column *model* is the
arithmetic by which `halfopen advise` predicts (`harness/halfopen/kernel/`), for the same number
of ticks a second.

"""

NOTES = """\
## Why the figures are larger than the settings

- **The timer wheel rounds up.** The longer a timer, the coarser the level of the wheel that it is
  put into, up to an eighth of its time (kernel/time/timer.c). 7200 s become 7508 s at HZ=100: the
  step there is 327.68 s. At HZ=250 it is 131.1 s for the same setting, at HZ=1000 it is 262.1 s,
  so the same setting fires at another moment on another kernel.
- **Each probe and each repetition is rounded by itself.** 75 s between probes are 76.8 s at
  HZ=100, nine times.
- **tcp_retries2 does not count retransmissions**: it stands for the time that so many would
  take if each wait were the shortest (924.6 s). The connection is given up at the first timer
  after that, counted from the first retransmission.
- **The first wait** is the round trip and 0.2 s, rounded up to the next tick. Where a round trip
  takes no time at all, which only virtual time has, it is 0.2 s; either may be seen here.
- **A closed window** has the same back-off, and counts probes. Its model is a wide range, as a
  peer that answered before may have let the wait grow to 120 s already.
- **Conntrack** compares moments and uses no wheel: it is exact. The lab looks four times a second
  at most, so the figures may be off by a quarter of a second.
- **Virtual time adds nothing:** a program runs at the moment at which the kernel wakes it. In
  real time it may run later.
"""


def timer_page(
    kernel: str,
    hz: int,
    rows: Sequence[TimerRow],
    back_offs: Sequence[BackOff],
    real: tuple[str, int, Sequence[TimerRow]] | None = None,
) -> str:
    """The whole page.

    Args:
        kernel: release of that on virtual time.
        hz: its ticks a second.
        rows: timers.
        back_offs: waits between repetitions.
        real: release, ticks a second and timers of a kernel in real time.
    """
    parts = [HEAD, f"## On virtual time: Linux {kernel}, HZ={hz}\n\n", _table(rows)]
    parts += ["\n## Back-off, in seconds\n\n", _waits(back_offs)]
    if real is not None:
        release, ticks, found = real
        parts += [f"\n## In real time: Linux {release}, HZ={ticks}\n\n", _table(found)]
    return "".join([*parts, "\n", NOTES])


def _table(rows: Sequence[TimerRow]) -> str:
    lines = ["| timer | model | measured | |", "|---|---|---|---|"]
    for row in rows:
        model = f"{row.model.earliest:.2f} to {row.model.latest:.2f} s"
        verdict = "agrees" if row.agrees else "**differs**"
        lines.append(f"| {row.what} | {model} | {row.measured:.2f} s | {verdict} |")
    return "\n".join(lines) + "\n"


def _waits(back_offs: Sequence[BackOff]) -> str:
    lines = ["| packets | | waits | |", "|---|---|---|---|"]
    for each in back_offs:
        verdict = "agrees" if each.agrees else "**differs**"
        lines.append(f"| {each.what} | model | {_list(each.nominal)} | |")
        lines.append(f"| | measured | {_list(each.measured)} | {verdict} |")
    return "\n".join(lines) + "\n"


def _list(waits: Sequence[float]) -> str:
    return ", ".join(f"{wait:.2f}" for wait in waits)
