"""Where histories go, and what must not be in their way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import UsageError
from halfopen.model.history import FILE_NAME
from halfopen.model.plan import Plan
from halfopen.runner.directories import check_own, clear, run_directories

names = st.text(min_size=1, max_size=12).map(lambda text: text.replace("\0", ""))


def plan(file: str, variant: str) -> Plan:
    return Plan("s", file, variant, "netns", 1.0, 0, (), (), (), ())


def test_files_of_one_name_do_not_share_a_directory() -> None:
    plans = [plan("a/x.scenario.yaml", "v"), plan("b/x.scenario.yaml", "v")]
    plans += [plan("a/x.scenario.yaml", "w"), plan("c/x-2.scenario.yaml", "v")]
    found = [str(path) for path in run_directories(Path("out"), plans)]
    assert found == ["out/x/v", "out/x-2/v", "out/x/w", "out/x-2-2/v"]


@given(st.lists(st.tuples(names, st.sampled_from(["v", "w"])), max_size=8, unique=True))
def test_every_run_lies_below_out_whatever_a_file_is_called(pairs: list[tuple[str, str]]) -> None:
    out = Path("out")
    plans = [plan(file, variant) for file, variant in pairs]
    found = run_directories(out, plans)
    assert len(set(found)) == len(found)
    for path in found:
        assert path.parent.parent == out
        assert ".." not in path.parts


def test_what_is_not_there_yet_or_ours_may_be_used(tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_own(out, [out / "x" / "v"])
    (out / "x" / "v").mkdir(parents=True)
    check_own(out, [out / "x" / "v"])


@pytest.mark.parametrize("where", ["", "x", "x/v"])
def test_a_link_or_a_file_in_place_of_a_directory_is_refused(tmp_path: Path, where: str) -> None:
    out, theirs = tmp_path / "out", tmp_path / "theirs"
    theirs.mkdir()
    place = out / where
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(theirs)
    with pytest.raises(UsageError) as caught:
        check_own(out, [out / "x" / "v"])
    said = "is a symbolic link: name the directory itself; choose another --out"
    assert str(caught.value) == f"{place} {said}"
    place.unlink()
    place.write_text("a file")
    with pytest.raises(UsageError, match="is not a directory"):
        check_own(out, [out / "x" / "v"])


def test_a_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UsageError, match=r"belongs to another user \(uid \d+, not \d+\)"):
        check_own(tmp_path)


def test_an_earlier_run_is_removed_and_its_history_stays_until_there_is_another(
    tmp_path: Path,
) -> None:
    for name in ("hosts/sender", "captures"):
        (tmp_path / name).mkdir(parents=True)
    history = tmp_path / FILE_NAME
    history.write_text(json.dumps({"t": 0.0, "kind": "header", "version": 1}))
    (tmp_path / "notes").write_text("mine")
    clear(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [FILE_NAME, "notes"]


@pytest.mark.parametrize("name", ["hosts", "captures"])
def test_nothing_is_removed_without_a_history_of_ours_beside_it(tmp_path: Path, name: str) -> None:
    below = tmp_path / name
    (below / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match=f"{below} was not written by halfopen"):
        clear(tmp_path)
    history = tmp_path / FILE_NAME
    history.write_text("notes")
    with pytest.raises(UsageError, match=f"{history} was not written by halfopen"):
        clear(tmp_path)
    assert (below / "mine").exists() and history.read_text() == "notes"


def test_links_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "precious").mkdir(parents=True)
    run = tmp_path / "run"
    run.mkdir()
    (run / FILE_NAME).write_text(json.dumps({"t": 0.0, "kind": "header"}))
    (run / "hosts").symlink_to(mine)
    with pytest.raises(UsageError, match="was not written by halfopen"):
        clear(run)
    assert (mine / "precious").exists()
