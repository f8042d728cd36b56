"""The page about an incident, made from realistic histories."""

from __future__ import annotations

import builtins
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import UnsupportedError
from halfopen.model.flows import Stretch
from halfopen.report.page import write_pages
from halfopen.report.picture import levels_of

from .incident import all_variants


def test_a_page_tells_what_happened_and_what_cures_it(tmp_path: Path) -> None:
    (page,) = write_pages(all_variants(), tmp_path)
    text = page.read_text()
    assert text.startswith("# an hour of silence behind a FortiGate\n")
    broken, cured = text.split("## What cures it")
    assert "### keepalive-off: ✓ pass" in broken.split("## What goes wrong")[1]
    assert "### keepalive-1800: ✓ pass" in cured
    assert "| half-open at receiver | must fail: at end exactly 0 | 3 | ✗ fail |" in broken
    assert "halfopen run scenarios/incidents/fortigate-idle-relp.scenario.yaml" in cured


def test_its_picture_has_a_panel_for_each_variant_and_is_the_same_each_time(tmp_path: Path) -> None:
    runs = all_variants()
    write_pages(runs, tmp_path / "a")
    write_pages(runs, tmp_path / "b")
    first, second = (tmp_path / name / "fortigate-idle-relp.svg" for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    root = ET.fromstring(first.read_text())
    words = " ".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))
    assert all(f"{result.variant}: " in words for result, _ in runs)


def test_without_the_library_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedError, match=r"pip install 'halfopen\[pages\]'"):
        write_pages(all_variants(), tmp_path)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.booleans()), max_size=6))
def test_levels_are_what_a_count_at_each_time_gives(given: list[tuple[float, float, bool]]) -> None:
    stretches = [Stretch(min(a, b), max(a, b), ended=ended) for a, b, ended in given]
    times, levels = levels_of(stretches, 10.0)
    assert times == sorted(times) and times[-1] == 10.0
    for t, level in zip(times, levels, strict=True):
        if times.count(t) == 1:
            assert level == sum(s.start <= t and (not s.ended or t < s.end) for s in stretches)
