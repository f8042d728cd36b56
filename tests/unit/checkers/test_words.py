from halfopen.checkers._words import cut_short, moment
from tests.unit.checkers.histories import Run


def begun_at(t: float) -> Run:
    step = {"index": 0, "text": "wait", "line": 3, "state": "begin"}
    return Run(scale=60).at(t).add("step", **step)


def test_a_moment_is_told_from_the_first_step_on() -> None:
    history = begun_at(2).at(3).add("end", reason="complete", detail="").history()
    assert moment(history, 3) == "60 s"
    assert moment(history, 1) == "60 s before the first step"


def test_a_record_that_breaks_off_says_how_far_it_came() -> None:
    history = begun_at(2).at(4).sent(1).history()
    assert "its record ends after 2 min (2 s in the lab)" in cut_short(history)
    assert "before the first step" in cut_short(Run().at(3).sent(1).history())
