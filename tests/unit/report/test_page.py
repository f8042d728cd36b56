"""The page about an incident, made from realistic histories."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen import optional
from halfopen.errors import UnsupportedError, UsageError
from halfopen.model.flows import Interval
from halfopen.report._pieces import cut
from halfopen.report.page import write_index, write_pages
from halfopen.report.picture import levels_of

from .incident import all_variants

ROOT = Path(__file__).parents[3]


def test_a_page_tells_what_happened_and_what_cures_it(tmp_path: Path) -> None:
    (page,) = write_pages(all_variants(), tmp_path)
    text = page.read_text()
    assert text.startswith("# an hour of silence behind a FortiGate\n")
    broken, cured = text.split("## What fixes it")
    assert "### keepalive-off: ✓ reproduced" in broken.split("## What goes wrong")[1]
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
    monkeypatch.setattr(optional, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"no pictures: .* `pip install matplotlib`"):
        write_pages(all_variants(), tmp_path)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.booleans()), max_size=6))
def test_levels_are_what_a_count_at_each_time_gives(given: list[tuple[float, float, bool]]) -> None:
    intervals = [Interval(min(a, b), max(a, b), ended=ended) for a, b, ended in given]
    times, levels = levels_of(intervals, 10.0)
    assert times == sorted(times) and times[-1] == 10.0
    for t, level in zip(times, levels, strict=True):
        if times.count(t) == 1:
            assert level == sum(s.start <= t and (not s.ended or t < s.end) for s in intervals)


def test_it_shows_what_the_file_says_and_what_each_variant_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (page,) = write_pages(all_variants(), tmp_path)
    text = page.read_text()
    assert "    profile: fortigate            # idle timeout 3600 s, expires silently" in text
    cured = text.split("### keepalive-1800")[1]
    assert "```yaml\nhosts:\n  receiver: { keepalive: { idle: 1800 s," in cured
    assert "about:" not in cured


def test_without_the_file_a_page_shows_what_the_history_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (page,) = write_pages(all_variants(), tmp_path)
    assert "```yaml" not in page.read_text()


def test_variants_are_cut_out_as_they_were_written() -> None:
    pieces = cut("""\
# yaml-language-server: $schema=x
scenario: a
about: >
  words
scale: 20

hosts: # two
  a: { run: b }

expect:
  - delivery: { lost: 0 }
variants:
  plain:
    control: it is so without the fault
    reproduces: { delivery.lost: 1 }

  "in one line": { family: ipv6 } # six
  longer:
    about: >
      more: words
    # why
    hosts:
      a: { c: d }   # e
    expect:
      - delivery: { lost: 1 }

    scale: 3
""")
    assert pieces.play == "scale: 20\n\nhosts: # two\n  a: { run: b }"
    assert pieces.variants == {
        "plain": "",
        "in one line": "{ family: ipv6 }",
        "longer": "# why\nhosts:\n  a: { c: d }   # e\nscale: 3",
    }


@given(st.text(alphabet="ab:#{}'\"- \n\t", max_size=60))
def test_whatever_a_file_holds_can_be_cut(text: str) -> None:
    cut(text)
    cut(f"variants:\n{text}")


def test_the_index_tells_of_every_page_and_of_nothing_else(tmp_path: Path) -> None:
    write_pages(all_variants(), tmp_path)
    (tmp_path / "notes.md").write_text("# mine\n\nnot a page\n")
    text = write_index(tmp_path).read_text()
    assert "[an hour of silence behind a FortiGate](fortigate-idle-relp.md)" in text
    assert "| relpio send → fortigate → relpio receive |" in text
    assert "| 1 reproduce the failure, 3 hold |" in text
    assert "notes" not in text
    assert write_index(tmp_path).read_text() == text


def test_an_index_that_a_person_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# mine\n")
    with pytest.raises(UsageError, match="not written by `halfopen page`"):
        write_index(tmp_path)
    assert (tmp_path / "README.md").read_text() == "# mine\n"
