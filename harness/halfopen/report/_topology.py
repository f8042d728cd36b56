"""A drawing of hosts and links, for scenarios with several paths."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 168, 54, 64, 18, 4
_CHARACTERS = 22
_MEMBER = re.compile(r"(.+)\.(\d+)$")


@dataclass(frozen=True)
class Rectangle:
    """A host, or a group of hosts, where it is drawn.

    Attributes:
        name: of the host; of a group with the number of its members: `desks (20)`.
        runs: its system or profile.
        kind: `middlebox` or `host`.
        x: pixels from the left of the drawing to the box's left.
        y: likewise from the top.
    """

    name: str
    runs: str
    kind: str
    x: float
    y: float

    @property
    def shown(self) -> str:
        """The name, or its beginning if it is long."""
        return _short(self.name)

    @property
    def shown_runs(self) -> str:
        """Likewise what runs there."""
        return _short(self.runs)


@dataclass(frozen=True)
class Drawing:
    """Boxes and the lines between them.

    Attributes:
        boxes: of the size `box_width` times `box_height`, pixels.
        lines: x and y of their two ends, pixels.
        width: of all, pixels.
        height: likewise.
    """

    boxes: Sequence[Rectangle]
    lines: Sequence[tuple[float, float, float, float]]
    width: float
    height: float
    box_width: float = _WIDTH
    box_height: float = _HEIGHT


def draw(plan: Mapping[str, Any]) -> Drawing | None:
    """The topology of a plan that is plain JSON; None if it is a single path.

    A host stands to the right of all that come before it on a path, as far as paths that lead in
    opposite directions let it.  The members of a group are one box.
    """
    if not plan.get("branches"):
        return None
    paths = [plan["path"], *plan["branches"]]
    members = _groups(paths)
    names = {name: group for group, each in members.items() for name in each}
    drawn = list(dict.fromkeys(tuple(dict.fromkeys(names[n] for n in path)) for path in paths))
    columns = _columns(drawn)
    described = {str(host["name"]): host for host in plan["hosts"]}
    tallest = max(len(each) for each in columns)
    height = tallest * (_HEIGHT + _GAP_Y) - _GAP_Y
    boxes: dict[str, Rectangle] = {}
    for number, column in enumerate(columns):
        top = (height - len(column) * (_HEIGHT + _GAP_Y) + _GAP_Y) / 2
        for row, group in enumerate(column):
            host = described.get(members[group][0], {})
            size = len(members[group])
            boxes[group] = Rectangle(
                name=f"{group} ({size})" if size > 1 else group,
                runs=str(host.get("system") or host.get("profile") or ""),
                kind="middlebox" if host.get("profile") else "host",
                x=_MARGIN + number * (_WIDTH + _GAP_X),
                y=_MARGIN + top + row * (_HEIGHT + _GAP_Y),
            )
    pairs = dict.fromkeys(frozenset(pair) for path in drawn for pair in itertools.pairwise(path))
    return Drawing(
        tuple(boxes.values()),
        tuple(_line(*(boxes[each] for each in pair)) for pair in pairs),
        width=2 * _MARGIN + len(columns) * (_WIDTH + _GAP_X) - _GAP_X,
        height=2 * _MARGIN + height,
    )


def _groups(paths: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Name of each box -> its hosts: `nodes.1` and `nodes.2` are the group `nodes`."""
    names = list(dict.fromkeys(itertools.chain(*paths)))
    found: dict[str, list[str]] = {}
    for name in names:
        match = _MEMBER.fullmatch(name)
        found.setdefault(match[1] if match else name, []).append(name)
    # A host may bear the name that a group's would be.
    return dict(
        itertools.chain.from_iterable(
            [(group, each)] if len(each) > 1 and group not in each else [(n, [n]) for n in each]
            for group, each in found.items()
        )
    )


def _columns(paths: Sequence[Sequence[str]]) -> list[list[str]]:
    place = {name: 0 for path in paths for name in path}
    # At most once for each box: two paths may pass the same boxes in opposite directions.
    for _ in place:
        before = dict(place)
        for path in paths:
            for left, right in itertools.pairwise(path):
                place[right] = max(place[right], min(place[left] + 1, len(place) - 1))
        if place == before:
            break
    used = sorted(set(place.values()))
    return [[name for name, at in place.items() if at == column] for column in used]


def _line(one: Rectangle, other: Rectangle) -> tuple[float, float, float, float]:
    left, right = sorted((one, other), key=lambda box: (box.x, box.y))
    if left.x == right.x:
        middle = left.x + _WIDTH / 2
        return middle, left.y + _HEIGHT, middle, right.y
    return left.x + _WIDTH, left.y + _HEIGHT / 2, right.x, right.y + _HEIGHT / 2


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
