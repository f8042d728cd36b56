"""The drawing of hosts and links."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from halfopen.report._topology import Drawing, Rectangle, draw


def plan(*paths: list[str]) -> dict[str, Any]:
    names = dict.fromkeys(itertools.chain(*paths))
    hosts = [
        {"name": n, "profile": "fortigate" if n.startswith("fw") else None, "system": "tcp client"}
        for n in names
    ]
    return {"path": paths[0], "branches": list(paths[1:]), "hosts": hosts}


def drawn(*paths: list[str]) -> Drawing:
    found = draw(plan(*paths))
    assert found is not None
    return found


def place(drawing: Drawing, name: str) -> Rectangle:
    (box,) = (each for each in drawing.boxes if each.name == name)
    return box


def test_a_single_path_needs_no_drawing() -> None:
    assert draw(plan(["sender", "fw", "receiver"])) is None


def test_clients_stand_left_of_what_they_share() -> None:
    found = drawn(["a", "fw", "server"], ["b", "fw", "server"], ["b", "fw", "fw2", "other"])
    xs = {box.name: box.x for box in found.boxes}
    assert xs["a"] == xs["b"] < xs["fw"] < xs["server"] == xs["fw2"] < xs["other"]
    assert place(found, "a").y < place(found, "b").y
    assert {box.name: box.kind for box in found.boxes}["fw"] == "middlebox"
    assert len(found.lines) == 5
    assert all(x1 < x2 for x1, _, x2, _ in found.lines)


def test_a_group_is_one_box() -> None:
    paths = [[f"desks.{n}", "fw", "server"] for n in range(1, 201)]
    found = drawn(*paths)
    assert [box.name for box in found.boxes] == ["desks (200)", "fw", "server"]
    assert found.height < 100


def test_a_host_with_a_number_is_no_group_by_itself() -> None:
    found = drawn(["a.1", "fw", "b"], ["c.2", "fw", "b"])
    assert {box.name for box in found.boxes} == {"a.1", "c.2", "fw", "b"}


def test_a_long_name_is_cut_off_where_it_is_shown() -> None:
    found = drawn(["a" * 40, "fw", "b"], ["c", "fw", "b"])
    assert place(found, "a" * 40).shown == "a" * 21 + "…"


_NAMES = st.sampled_from(["a", "b", "c.1", "c.2", "c.3", "fw", "fw2", "c", "d.7"])


@given(st.lists(st.lists(_NAMES, min_size=2, unique=True), min_size=2, max_size=8))
def test_no_box_lies_on_another_or_outside(paths: list[list[str]]) -> None:
    found = draw(plan(*paths))
    assert found is not None
    for box in found.boxes:
        assert 0 <= box.x <= found.width - found.box_width
        assert 0 <= box.y <= found.height - found.box_height
    for one, other in itertools.combinations(found.boxes, 2):
        assert abs(one.x - other.x) >= found.box_width or abs(one.y - other.y) >= found.box_height
    assert len({box.name for box in found.boxes}) == len(found.boxes)
