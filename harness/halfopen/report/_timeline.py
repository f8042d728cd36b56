"""The timeline of one run as a Plotly figure: flows as lanes, counts as curves below them.

The figure is plain JSON values.  Colours are names in it (`@client`), which the page replaces by
those of the reader's light or dark scheme.  The time axis is lab time; its labels say production
time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from halfopen.checkers.connections import established_at
from halfopen.checkers.fds import fd_series
from halfopen.model.flows import Flow, Interval, flows, half_open, sampled_hosts
from halfopen.model.history import History
from halfopen.model.plan import hosts_on_paths
from halfopen.model.records import FaultRecord, FdsRecord, FlowRecord
from halfopen.model.units import format_duration
from halfopen.report._lanes import Lanes, at, begun_and_ended

_ROW, _CURVE, _GAP, _TOP, _BOTTOM = 22, 96, 54, 34, 64
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def timeline(history: History) -> dict[str, Any] | None:
    """The figure: `data`, `layout` and `height` in pixels; None if nothing was ever sampled."""
    known = flows(history)
    named = hosts_on_paths(history.plan)
    hosts = [name for name in named if history.of(FdsRecord, host=name)]
    sampled = sampled_hosts(history)
    hosts += [name for name in named if name not in hosts and name in sampled]
    if not known and not hosts:
        return None
    lanes = Lanes(history, known)
    curves = [
        ("TCP file descriptors", [(h, fd_series(history, (h,))) for h in hosts]),
        ("ESTABLISHED connections", [(h, _established(known, h)) for h in hosts]),
    ]
    data = lanes.traces()
    highest = {
        name: max((value for _, series in by_host for _, value in series), default=0)
        for name, by_host in curves
    }
    layout = _layout(history, lanes, highest)
    for number, (name, by_host) in enumerate(curves, 2):
        data += _curves(history, number, name, by_host)
    return {"data": data, "layout": layout, "height": layout["height"]}


def flow_rows(history: History) -> list[dict[str, str]]:
    """The same lanes in words, one row a flow, for a table."""
    known = flows(history)
    halves: dict[str, float] = {}
    for each in half_open(history, known):
        halves[each.flow.name] = halves.get(each.flow.name, 0.0) + each.interval.length

    def span(intervals: Sequence[Interval]) -> str:
        parts = [
            f"{at(history, s.start)} to {at(history, s.end) if s.ended else 'the end'}"
            for s in intervals
        ]
        return ", ".join(parts) or "never"

    return [
        {
            "flow": flow.name,
            "client": span([s for p in flow.client_sockets for s in p.alive]),
            "entry": span([entry.interval for entry in flow.entries]),
            "cause": ", ".join(entry.cause for entry in flow.entries if entry.cause),
            "server": span([s for p in flow.server_sockets for s in p.alive]),
            "half": format_duration(halves[flow.name] * history.scale)
            if flow.name in halves
            else "",
        }
        for flow in known
    ]


def _established(known: Sequence[Flow], host: str) -> list[tuple[float, int]]:
    changes = [(0.0, 0)]
    for _, interval in established_at(list(known), host):
        changes.append((interval.start, 1))
        if interval.ended:
            changes.append((interval.end, -1))
    series, level = [], 0
    for t, change in sorted(changes):
        level += change
        series.append((t, level))
    return series


def _curves(
    history: History, number: int, name: str, by_host: Sequence[tuple[str, list[tuple[float, int]]]]
) -> list[dict[str, Any]]:
    traces = []
    path = list(history.plan["path"])
    for host, series in by_host:
        if not any(value for _, value in series):
            continue
        points = [*series, (history.duration, series[-1][1])]
        first = host == path[0]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": host,
                "x": [t for t, _ in points],
                "y": [value for _, value in points],
                "yaxis": f"y{number}",
                "line": {
                    "shape": "hv",
                    "width": 2.4,
                    "color": "@client" if first else "@server",
                    "dash": "dot" if first else "solid",
                },
                "hovertext": [
                    f"{escape(host)}: {value} {name} at {at(history, t)}" for t, value in points
                ],
                "hoverinfo": "text",
            }
        )
    return traces


def _layout(history: History, lanes: Lanes, curves: Mapping[str, int]) -> dict[str, Any]:
    lane_height = _ROW * (lanes.rows + 1)
    inner = lane_height + len(curves) * (_GAP + _CURVE)
    end = history.duration
    ticks = _ticks(history)
    layout: dict[str, Any] = {
        "height": inner + _TOP + _BOTTOM,
        "margin": {"l": 10, "r": 16, "t": _TOP, "b": _BOTTOM},
        "barmode": "overlay",
        "bargap": 0,
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "font": {"family": "@font", "size": 12, "color": "@ink"},
        "hoverlabel": {"align": "left", "bgcolor": "@paper", "bordercolor": "@rule",
                       "font": {"family": "@font", "size": 12, "color": "@ink"}},
        "showlegend": False,
        "dragmode": "zoom",
        "xaxis": {
            "range": [-0.006 * end, end * 1.006],
            "anchor": f"y{len(curves) + 1}",
            "tickvals": [t for t, _ in ticks],
            "ticktext": [text for _, text in ticks],
            "showgrid": True, "gridcolor": "@rule", "zeroline": False, "fixedrange": False,
            "ticks": "outside", "tickcolor": "@rule",
        },
        "yaxis": {
            "domain": [1 - lane_height / inner, 1],
            "range": [-0.6 if history.of(FaultRecord) else 0.3, lanes.rows + 0.6],
            "tickvals": [row for row, _ in lanes.labels],
            "ticktext": [text for _, text in lanes.labels],
            "automargin": True, "showgrid": False, "zeroline": False, "fixedrange": True,
            "tickfont": {"size": 12}, "ticks": "",
        },
        "shapes": _lines(history),
        "annotations": _fault_labels(history),
    }  # fmt: skip
    top = inner - lane_height
    for number, (name, highest) in enumerate(curves.items(), 2):
        high = top - _GAP
        layout[f"yaxis{number}"] = {
            "domain": [(high - _CURVE) / inner, high / inner],
            "anchor": "x",
            "rangemode": "tozero",
            "tickformat": "d",
            **({"dtick": 1} if highest <= 5 else {"nticks": 5}),
            "automargin": True,
            "showgrid": True,
            "gridcolor": "@rule",
            "zeroline": False,
            "fixedrange": True,
        }
        layout["annotations"].append(
            {"text": _key(history, name), "x": 0, "y": high / inner, "xref": "paper",
             "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 5,
             "showarrow": False, "bgcolor": "@paper", "font": {"size": 12.5}}
        )  # fmt: skip
        top = high - _CURVE
    return layout


def _key(history: History, name: str) -> str:
    """The heading of a curve, which is its legend as well."""
    path = list(history.plan["path"])
    return f"<b>{name}</b>   dotted: {escape(str(path[0]))}   solid: {escape(str(path[-1]))}"


def _lines(history: History) -> list[dict[str, Any]]:
    lines = [
        {"type": "line", "x0": t, "x1": t, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
         "line": {"width": 1, "dash": "dot", "color": "@ink"}}
        for t in sorted({
            record["t"]
            for record in history.of(FlowRecord, event="destroyed")
            if record.get("cause") != "closed"
        })
    ]  # fmt: skip
    lines += [
        {"type": "rect" if interval.length > 0 else "line",
         "x0": interval.start, "x1": interval.end,
         "y0": 0, "y1": 1, "yref": "paper", "layer": "below", "fillcolor": "@half",
         "opacity": 0.16 if interval.length > 0 else 1, "line": {"width": 1.5, "color": "@half"}}
        for interval, _ in begun_and_ended(history, FaultRecord)
    ]  # fmt: skip
    return lines


def _fault_labels(history: History) -> list[dict[str, Any]]:
    return [
        {"text": f"<b>{escape(text)}</b>", "x": interval.start, "y": 0, "yref": "y",
         "yanchor": "top", "xanchor": "left", "xshift": 4, "showarrow": False,
         "font": {"color": "@half", "size": 12}}
        for interval, text in begun_and_ended(history, FaultRecord)
    ]  # fmt: skip


def _ticks(history: History) -> list[tuple[float, str]]:
    """Round production times along the axis, with the lab's own below them."""
    ticks = []
    for lab, text in round_times(history, 9):
        if history.scale != 1:
            text += f"<br><span style='font-size:10px'>{format_duration(lab)} lab</span>"
        ticks.append((lab, text))
    return ticks


def round_times(history: History, most: int) -> list[tuple[float, str]]:
    """At most about so many round production times of a run: the lab time of each, and words."""
    whole = history.production_s
    begun = history.begun or 0.0
    step = next((s for s in _STEPS if whole / s <= most), max(1.0, whole / most))
    times = [number * step for number in range(int(whole / step) + 1)]
    return [(begun + seconds / history.scale, _tick(seconds)) for seconds in times]


def _tick(seconds: float) -> str:
    """Shorter than a duration in a sentence, and whole hours always as hours."""
    if seconds == 0:
        return "0"
    if seconds >= 3600 and seconds % 3600 == 0 and seconds < 172800:
        return f"{seconds / 3600:g} h"
    return format_duration(seconds)
