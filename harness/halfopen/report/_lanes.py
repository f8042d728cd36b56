"""The upper part of the timeline: steps, and three lanes for each flow."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import shorten
from typing import Any

from halfopen.model.flows import Flow, Interval, SocketLifetime, half_open
from halfopen.model.history import History
from halfopen.model.records import FaultRecord, StepRecord
from halfopen.model.units import format_duration

MAX_FLOWS = 30
_LETTER = 0.0085  # width of a letter as a part of a plot of moderate width
_SIDES = {
    "client": "client socket",
    "entry": "middlebox entry",
    "server": "server socket",
}


def at(history: History, t: float) -> str:
    """Production time from the first step to lab time `t`."""
    return format_duration(history.moment(t))


class Lanes:
    """The upper part: the steps, then three rows for each flow; row 0 is the lowest."""

    def __init__(self, history: History, known: Sequence[Flow]) -> None:
        self.history = history
        self.halves = half_open(history, known)
        wanted = {each.flow.name for each in self.halves}
        # Too many lanes show nothing: those that went wrong come first, then the latest.
        order = sorted(known, key=lambda flow: (flow.name not in wanted, -flow.start))
        chosen = {flow.name for flow in order[:MAX_FLOWS]}
        self.flows = [flow for flow in known if flow.name in chosen]
        self.hidden = len(known) - len(self.flows)
        self.rows = 4 * len(self.flows) + 2
        self.middleboxes = [
            str(host["name"]) for host in history.plan["hosts"] if host.get("profile")
        ]
        self.labels: list[tuple[float, str]] = [(self.rows - 1, "steps")]

    def row(self, number: int, side: str) -> int:
        """The row of one side of the flow with that number."""
        return self.rows - 3 - 4 * number - {"client": 0, "entry": 1, "server": 2}[side]

    def traces(self) -> list[dict[str, Any]]:
        """Bars of each side, half-open intervals over them, ends of entries, steps, faults."""
        bars: dict[str, list[tuple[Interval, int, str]]] = {side: [] for side in _SIDES}
        for number, flow in enumerate(self.flows):
            self._label(number, flow)
            for side, sockets in (("client", flow.client_sockets), ("server", flow.server_sockets)):
                row = self.row(number, side)
                bars[side] += [(s, row, f"{p.host}: {p.local}") for p in sockets for s in p.alive]
            row = self.row(number, "entry")
            bars["entry"] += [(e.interval, row, f"{e.host}: {flow.name}") for e in flow.entries]
        traces = [self._bars(side, name, bars[side]) for side, name in _SIDES.items()]
        traces.append(self._half_open())
        traces.append(self._ends())
        return [*traces, *self._steps()]

    def _label(self, number: int, flow: Flow) -> None:
        client = _host(flow.client_sockets) or "client"
        server = _host(flow.server_sockets) or "server"
        box = next((entry.host for entry in flow.entries), (self.middleboxes or ["middlebox"])[0])
        port = flow.client.rpartition(":")[2]
        self.labels += [
            (self.row(number, "client"), f"<b>{escape(client)} :{escape(port)}</b>"),
            (self.row(number, "entry"), escape(box)),
            (self.row(number, "server"), escape(server)),
        ]

    def _bars(
        self, side: str, name: str, bars: Sequence[tuple[Interval, int, str]]
    ) -> dict[str, Any]:
        return {
            **bar_trace(self.history, bars),
            "name": name,
            "marker": {"color": f"@{side}", "line": {"width": 0}},
            "width": 0.74,
        }

    def _half_open(self) -> dict[str, Any]:
        number = {flow.name: index for index, flow in enumerate(self.flows)}
        bars = []
        for each in self.halves:
            if each.flow.name in number:
                at_client = each.socket in each.flow.client_sockets
                side = "client" if at_client else "server"
                what = f"half-open at {each.socket.host}: {each.socket.peer} is gone"
                bars.append((each.interval, self.row(number[each.flow.name], side), what))
        return {
            **bar_trace(self.history, bars),
            "name": "half-open",
            "width": 0.74,
            "marker": {
                "color": "@half",
                "line": {"width": 1.2, "color": "@half"},
                "pattern": {
                    "shape": "/", "size": 7, "solidity": 0.32, "fillmode": "replace",
                    "fgcolor": "@half", "bgcolor": "@paper",
                },
            },
        }  # fmt: skip

    def _ends(self) -> dict[str, Any]:
        ends = [
            (entry.interval.end, self.row(number, "entry"), entry.cause or "gone")
            for number, flow in enumerate(self.flows)
            for entry in flow.entries
            if entry.interval.ended and entry.cause != "closed"
        ]
        return {
            "type": "scatter",
            "mode": "markers+text",
            "name": "entry forgotten",
            "x": [t for t, _, _ in ends],
            "y": [row for _, row, _ in ends],
            "text": [f" {escape(cause)} at {at(self.history, t)}" for t, _, cause in ends],
            "textposition": ["middle left" if t > 0.8 * self.history.duration else "middle right"
                             for t, _, _ in ends],
            "hoverinfo": "text",
            "marker": {"symbol": "x", "size": 9, "color": "@ink", "line": {"width": 0}},
            "textfont": {"size": 11.5, "color": "@ink"},
        }  # fmt: skip

    def _steps(self) -> list[dict[str, Any]]:
        long: list[tuple[Interval, int, str]] = []
        short: list[tuple[float, str]] = []
        for interval, text in begun_and_ended(self.history, StepRecord):
            if interval.length > 0.02 * self.history.duration:
                long.append((interval, self.rows - 1, text))
            else:
                short.append((interval.start, text))
        roomy = 0.085 * self.history.duration
        bar = {
            **bar_trace(self.history, long),
            "width": 0.82,
            "text": [escape(text) if s.length > roomy else "" for s, _, text in long],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "textfont": {"size": 11, "color": "@ink"},
            "marker": {"color": "@band", "line": {"width": 0}},
        }
        faults = {text for _, text in begun_and_ended(self.history, FaultRecord)}  # have their own
        marks = {
            "type": "scatter",
            "mode": "markers",
            "x": [t for t, _ in short],
            "y": [self.rows - 1 for _ in short],
            "hovertext": [f"{escape(text)} at {at(self.history, t)}" for t, text in short],
            "hoverinfo": "text",
            "marker": {"symbol": "diamond", "size": 9, "color": "@ink"},
        }
        words = {
            "type": "scatter",
            "mode": "text",
            "x": [t for t, _ in short],
            "y": [self.rows - 0.15 for _ in short],
            "text": [
                "" if text in faults else escape(self._fitting(short, index))
                for index, (_, text) in enumerate(short)
            ],
            "textposition": ["middle left" if self._late(t) else "middle right" for t, _ in short],
            "textfont": {"size": 11, "color": "@ink"},
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
        return [bar, marks, words]

    def _late(self, t: float) -> bool:
        """True where words must stand to the left of their mark to be on the page."""
        return t > 0.82 * self.history.duration

    def _fitting(self, short: Sequence[tuple[float, str]], index: int) -> str:
        """The words for a mark as far as they do not stand in those of its neighbours."""
        t, text = short[index]
        last = index + 1 == len(short)
        if self._late(t):
            room = t - short[index - 1][0] if index else t
        else:
            room = (self.history.duration if last else short[index + 1][0]) - t
        letters = int(room / self.history.duration / _LETTER)
        return shorten(text, letters, placeholder="…") if letters > 7 else ""


def _host(sockets: Sequence[SocketLifetime]) -> str:
    return sockets[0].host if sockets else ""


def bar_trace(history: History, bars: Sequence[tuple[Interval, int, str]]) -> dict[str, Any]:
    words = []
    for interval, _, text in bars:
        until = at(history, interval.end) if interval.ended else "the end"
        words.append(f"{escape(text)}<br>{at(history, interval.start)} to {until}")
    return {
        "type": "bar",
        "orientation": "h",
        "base": [interval.start for interval, _, _ in bars],
        "x": [max(interval.length, 0.001 * history.duration) for interval, _, _ in bars],
        "y": [row for _, row, _ in bars],
        "hovertext": words,
        "hoverinfo": "text",
    }


def begun_and_ended(
    history: History, definition: type[StepRecord] | type[FaultRecord]
) -> list[tuple[Interval, str]]:
    """The intervals of all steps or faults, in order."""
    begun: dict[tuple[Any, ...], tuple[float, str]] = {}
    found = []
    for record in history.of(definition):
        key = (record.get("index"), record.get("name"), record["text"])
        if record["state"] == "begin":
            begun[key] = (record["t"], record["text"])
        elif key in begun:
            start, text = begun.pop(key)
            found.append((Interval(start, record["t"]), text))
    for start, text in begun.values():
        found.append((Interval(start, history.duration, ended=False), text))
    return sorted(found, key=lambda each: each[0].start)
