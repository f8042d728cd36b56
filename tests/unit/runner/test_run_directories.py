"""Where histories go."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.plan import Plan
from halfopen.runner.run import run_directories

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
