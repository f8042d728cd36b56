"""The picture on an incident's page: connections over time, a panel for each variant, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from halfopen.checkers.connections import established_at
from halfopen.errors import UnsupportedError
from halfopen.model.flows import Flow, Stretch, flows, half_open
from halfopen.model.history import History
from halfopen.report._lanes import begun_and_ended
from halfopen.report._timeline import round_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CLIENT, _BOX, _SERVER, _HALF = "#1d6fb8", "#8a8a8a", "#1f2d3a", "#c8452d"
_PANEL_IN, _WIDTH_IN = 1.75, 8.2


def draw(variants: Sequence[tuple[str, History]]) -> str:
    """Each variant in a panel of its own: who held how many connections when.

    Args:
        variants: title and history of each; at least one.

    Returns:
        the SVG; the same histories give the same text.

    Raises:
        UnsupportedError: if matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise UnsupportedError("pictures need matplotlib: pip install 'halfopen[pages]'") from None
    # Without these a picture would differ at each making, and a repository would grow by it.
    with matplotlib.rc_context({"svg.hashsalt": "halfopen", "svg.fonttype": "none"}):
        figure = Figure(figsize=(_WIDTH_IN, _PANEL_IN * len(variants) + 0.35), layout="constrained")
        panels = figure.subplots(len(variants), 1, squeeze=False)
        for (axes,), (title, history) in zip(panels, variants, strict=True):
            _panel(axes, title, history)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _panel(axes: Axes, title: str, history: History) -> None:
    known = flows(history)
    path = list(history.plan["path"])
    end = history.duration
    series = {
        (f"ESTABLISHED at {path[0]}", _CLIENT, ":"): _held(known, path[0]),
        ("known to the middlebox", _BOX, "--"): [
            entry.stretch for flow in known for entry in flow.entries
        ],
        (f"ESTABLISHED at {path[-1]}", _SERVER, "-"): _held(known, path[-1]),
    }
    highest = 1
    for (name, colour, style), stretches in series.items():
        times, levels = levels_of(stretches, end)
        highest = max(highest, *levels)
        axes.step(times, levels, where="post", color=colour, linestyle=style, label=name)
    times, levels = levels_of([each.stretch for each in half_open(history, known)], end)
    axes.fill_between(
        times, levels, step="post", color=_HALF, alpha=0.25, linewidth=0, label="half-open"
    )
    for stretch, _ in begun_and_ended(history, "fault"):
        axes.axvspan(stretch.start, max(stretch.end, stretch.start + 0.002 * end), color=_HALF,
                     alpha=0.15, linewidth=0)  # fmt: skip
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_xlim(0, end)
    axes.set_ylim(0, highest * 1.3)
    axes.locator_params(axis="y", integer=True, nbins=5)
    ticks = round_times(history, 8)
    axes.set_xticks([t for t, _ in ticks], [text for _, text in ticks], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(fontsize=6.5, frameon=False, ncols=4, loc="upper left")


def _held(known: Sequence[Flow], host: str) -> list[Stretch]:
    return [stretch for _, stretch in established_at(list(known), host)]


def levels_of(stretches: Sequence[Stretch], end: float) -> tuple[list[float], list[int]]:
    """How many of the stretches there are at a time: the times of change, and the counts."""
    changes = [(0.0, 0), (end, 0)]
    for each in stretches:
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
