"""The picture on an incident's page: connections over time, a panel for each variant, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from halfopen.checkers.connections import established_at
from halfopen.errors import UnsupportedError
from halfopen.model.flows import Flow, Interval, flows, half_open
from halfopen.model.history import History
from halfopen.model.records import FaultRecord, SentRecord, StepRecord
from halfopen.optional import MATPLOTLIB
from halfopen.report._lanes import begun_and_ended
from halfopen.report._timeline import round_times

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_CLIENT, _BOX, _SERVER, _HALF = "#1d6fb8", "#8a8a8a", "#1f2d3a", "#c8452d"
_FAULT, _PAPER = "#d9a514", "#ffffff"
_PANEL_IN, _LEGEND_IN, _WIDTH_IN = 1.5, 0.45, 8.2
_HEADROOM = 1.3
_MOST_SENT = 200  # marks of messages along an axis


def draw(variants: Sequence[tuple[str, History]]) -> str:
    """Each variant in a panel of its own: who held how many connections when.

    Args:
        variants: title and history of each; at least one.

    Returns:
        the SVG; the same histories give the same text.

    Raises:
        UnsupportedError: if matplotlib is not installed.
    """
    if lacking := MATPLOTLIB.missing():
        raise UnsupportedError(f"no pictures: {lacking[0]}")
    import matplotlib
    from matplotlib.figure import Figure

    # Without these a picture would differ at each making, and a repository would grow by it.
    with matplotlib.rc_context({"svg.hashsalt": "halfopen", "svg.fonttype": "none"}):
        height = _PANEL_IN * len(variants) + _LEGEND_IN
        figure = Figure(figsize=(_WIDTH_IN, height), layout="constrained", facecolor=_PAPER)
        panels = figure.subplots(len(variants), 1, squeeze=False)
        known: dict[str, Artist] = {}
        for (axes,), (title, history) in zip(panels, variants, strict=True):
            _panel(axes, title, history)
            handles, labels = axes.get_legend_handles_labels()
            known |= dict(zip(labels, handles, strict=True))
        figure.legend(known.values(), known, fontsize=7, frameon=False, ncols=3,
                      loc="outside upper left")  # fmt: skip
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _panel(axes: Axes, title: str, history: History) -> None:
    known = flows(history)
    path = list(history.plan["path"])
    end = history.duration
    # Where lines lie on one another the widest is at the bottom, so that each is seen.
    series = (
        (f"ESTABLISHED at {path[-1]}", _SERVER, "-", 2.4, _held(known, path[-1])),
        ("known to the middlebox", _BOX, "--", 1.3,
         [entry.interval for flow in known for entry in flow.entries]),
        (f"ESTABLISHED at {path[0]}", _CLIENT, ":", 1.7, _held(known, path[0])),
    )  # fmt: skip
    highest = 1
    for name, colour, style, width, intervals in series:
        times, levels = levels_of(intervals, end)
        highest = max(highest, *levels)
        axes.step(times, levels, where="post", color=colour, linestyle=style, linewidth=width,
                  label=name)  # fmt: skip
    times, levels = levels_of([each.interval for each in half_open(history, known)], end)
    axes.fill_between(
        times, levels, step="post", color=_HALF, alpha=0.25, linewidth=0, label="half-open"
    )
    _faults(axes, history, highest * _HEADROOM)
    sent = _thinned([record["t"] for record in history.of(SentRecord)])
    axes.plot(sent, [0.0] * len(sent), linestyle="", marker="^", markersize=3.5, color=_SERVER,
              clip_on=False, label="messages written")  # fmt: skip
    axes.set_title(title, loc="left", fontsize=9)
    # Programs take their time to start: what a reader wants to see begins with the first step.
    start = next((record["t"] for record in history.of(StepRecord)), 0.0)
    axes.set_xlim(max(0.0, start - 0.02 * (end - start)), end)
    axes.set_ylim(0, highest * _HEADROOM)
    axes.locator_params(axis="y", integer=True, nbins=5)
    ticks = [(t + start, text) for t, text in round_times(history, 8) if t + start <= end]
    axes.set_xticks([t for t, _ in ticks], [text for _, text in ticks], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _faults(axes: Axes, history: History, top: float) -> None:
    """Each fault as a bar along the upper edge, with its name."""
    end = history.duration
    for row, (interval, text) in enumerate(begun_and_ended(history, FaultRecord)):
        last = max(interval.end, interval.start + 0.004 * end)
        axes.axvspan(interval.start, last, color=_FAULT, alpha=0.12, linewidth=0, zorder=0)
        axes.hlines(top, interval.start, last, color=_FAULT, linewidth=5)
        late = interval.start > 0.7 * end
        axes.annotate(text, (interval.start, top), xytext=(-3 if late else 3, -9 - 8 * (row % 2)),
                      textcoords="offset points", ha="right" if late else "left",
                      fontsize=6.5, color=_SERVER)  # fmt: skip


def _thinned(times: Sequence[float]) -> list[float]:
    return list(times[:: max(1, len(times) // _MOST_SENT)])


def _held(known: Sequence[Flow], host: str) -> list[Interval]:
    return [interval for _, interval in established_at(list(known), host)]


def levels_of(intervals: Sequence[Interval], end: float) -> tuple[list[float], list[int]]:
    """How many of the intervals there are at a time: the times of change, and the counts."""
    changes = [(0.0, 0), (end, 0)]
    for each in intervals:
        changes.append((each.start, 1))
        if each.ended:
            changes.append((each.end, -1))
    times: list[float] = []
    levels: list[int] = []
    level = 0
    for t, change in sorted(changes):
        level += change
        times.append(t)
        levels.append(level)
    return times, levels
