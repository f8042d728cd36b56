"""A machine that is late: what it can decide is unknown, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.checkers import judge_history
from halfopen.checkers.arrivals import Arrivals
from halfopen.checkers.reconnect import Reconnect
from halfopen.model.history import History
from halfopen.model.verdict import CheckResult, Verdict

from ..records import record
from .histories import Run, mine, theirs
from .test_judging import planned

STEP = {"index": 0, "text": "wait", "line": 3}


def run(*checks: dict[str, Any], bears_s: float | None = None) -> Run:
    made = Run(*checks)
    made.records[0]["plan"]["bears_s"] = bears_s  # type: ignore[typeddict-item]
    return made.at(1).add("step", state="begin", **STEP)


def late(made: Run, t: float, late_s: float) -> Run:
    return made.at(t).add("machine", late_s=late_s, idle=0.0)


def delivered(made: Run) -> History:
    return made.at(3).sent(1).acked(1).delivered(1).at(9).end()


def judged(history: History) -> CheckResult:
    (result,) = judge_history(history)
    return result


def test_later_than_two_timers_bear_is_unknown() -> None:
    result = judged(delivered(late(run(planned("delivery", lost="exactly 0"), bears_s=0.3), 2, 1)))
    assert (result.verdict, result.late_s) == (Verdict.UNKNOWN, 1.0)
    assert result.why.startswith("the machine was late by 1 s, and 0.3 s can change the order")
    assert "(pass: " in result.why


@pytest.mark.parametrize(("bears_s", "late_s"), [(None, 1.0), (0.3, 0.2)])
def test_what_was_not_late_enough_keeps_its_verdict(bears_s: float | None, late_s: float) -> None:
    made = run(planned("delivery", lost="exactly 0"), bears_s=bears_s)
    assert judged(delivered(late(made, 2, late_s))).verdict is Verdict.PASS


def test_a_failure_is_unknown_as_well() -> None:
    made = late(run(planned("delivery", lost="exactly 0"), bears_s=0.3), 2, 1)
    result = judged(made.at(3).sent(1).acked(1).delivered().at(9).end())
    assert (result.verdict, result.late_s) == (Verdict.UNKNOWN, 1.0)


def test_late_before_the_first_step_does_not_matter() -> None:
    made = Run(planned("delivery", lost="exactly 0"))
    made.records[0]["plan"]["bears_s"] = 0.3  # type: ignore[typeddict-item]
    late(made, 1, 5).at(2).add("step", state="begin", **STEP)
    assert judged(delivered(made)).verdict is Verdict.PASS


def test_a_pause_that_lasted_too_long_is_late() -> None:
    made = run(planned("delivery", lost="exactly 0"), bears_s=0.3)
    made.at(2).add("step", state="end", late_s=0.5, **STEP)
    assert judged(delivered(made)).late_s == 0.5


def test_what_was_late_is_known_less_exactly() -> None:
    assert late(run(), 2, 0.4).end().sample_s == pytest.approx(0.05 + 0.4)


def lost_at(end: float, late_s: float) -> History:
    """The sender's side of a connection goes at 5, and the run ends a little later."""
    made = late(run(planned("half-open", at="receiver", at_end="exactly 1")), 3, late_s)
    made.both([theirs()], [mine()]).at(5).sockets("sender").sockets("receiver", theirs())
    return made.at(end).sockets("sender").sockets("receiver", theirs()).end()


def test_what_only_late_samples_leave_open_is_unknown_because_of_them() -> None:
    on_time, late_ = judged(lost_at(5.8, 0.0)), judged(lost_at(5.8, 0.6))
    assert (on_time.verdict, on_time.late_s) == (Verdict.PASS, 0.0)
    assert (late_.verdict, late_.late_s) == (Verdict.UNKNOWN, 0.6)
    assert late_.why.startswith("the machine was late by 0.6 s, and its samples do not decide")
    assert "too young to tell" in late_.why


def test_what_is_too_young_on_any_machine_is_no_matter_of_lateness() -> None:
    found = judged(lost_at(5.06, 0.6))
    assert (found.verdict, found.late_s) == (Verdict.UNKNOWN, 0.0)


def reconnected(waited_s: float) -> History:
    """A session that is lost at 5, and again open at 9; a process waited in between."""
    made = run().both([theirs()], [mine()]).log("session-open")
    for t, waited in ((4, 0.0), (10, waited_s)):
        more = {"process": "relpio", "pid": 10, "counts": {}, "limit": 64, "cpu_s": 0.1}
        made.at(t).add("fds", host="sender", waited_s=waited, **more)
    made.at(5).log("session-lost", reason="timeout").at(9).log("session-open")
    made.records.sort(key=lambda record: record["t"])
    return made.at(12).end()


@pytest.mark.parametrize(
    ("waited_s", "verdict"), [(0.0, Verdict.FAIL), (0.5, Verdict.FAIL), (2.5, Verdict.UNKNOWN)]
)
def test_time_for_which_the_program_had_no_cpu_excuses_it(
    waited_s: float, verdict: Verdict
) -> None:
    found = Reconnect.model_validate({"at": "sender", "within": 3.0}).judge(reconnected(waited_s))
    assert (found.verdict, found.late_s) == (verdict, waited_s if waited_s > 1 else 0.0)


def test_time_in_which_the_disk_was_waited_for_excuses_it() -> None:
    def found(*io_s: tuple[float, float]) -> tuple[Verdict, float]:
        stalls = [record("machine", t=t, late_s=0.0, idle=1.0, io_s=s) for t, s in io_s]
        header, *rest = reconnected(0.0).records
        history = History([header, *sorted([*rest, *stalls], key=lambda each: each["t"])])
        check = Reconnect.model_validate({"at": "sender", "within": 3.0})
        judged = check.judge(history)
        return judged.verdict, judged.late_s

    # Lost at 5, open again at 9: 4 s, 1 s more than allowed.
    assert found((4, 3.0), (6, 0.4), (7, 0.4)) == (Verdict.FAIL, 0.0)
    assert found((4, 0.0), (6, 0.5), (7, 0.9)) == (Verdict.UNKNOWN, 1.4)
    # All of a record that is only partly of that time may be: but no more than that part.
    assert found((4, 0.0), (5.5, 1.0), (9, 0.0), (10, 1.0)) == (Verdict.FAIL, 0.0)


def test_what_comes_late_comes_together() -> None:
    made = run()
    for number in range(1, 5):
        made.at(number).sent(number)
    for number, t in enumerate((2.2, 2.9, 3.1, 4.2), 1):
        made.at(t).delivered(number)
    check = Arrivals.model_validate({"at": "receiver", "within": 1.0, "most": "at most 2"})
    assert check.judge(made.at(9).end()).verdict is Verdict.FAIL
    made.records.pop()
    late(made, 4, 0.5)
    found = check.judge(made.at(9).end())
    assert (found.verdict, found.late_s) == (Verdict.UNKNOWN, 0.5)


def ended(overtime_s: float, end_bears_s: float | None) -> History:
    """A run whose end lasts for two seconds and its overtime."""
    made = run(planned("delivery", lost="exactly 0"))
    made.records[0]["plan"]["end_bears_s"] = end_bears_s  # type: ignore[typeddict-item]
    made.at(3).sent(1).acked(1).delivered(1).add("step", state="end", **STEP)
    more = {"overtime_s": overtime_s} if overtime_s else {}
    made.at(5 + overtime_s).add("end", reason="complete", detail="", **more)
    return History(made.records)


@pytest.mark.parametrize(
    ("overtime_s", "end_bears_s", "verdict"),
    [
        (0.0, 1.0, Verdict.PASS),
        (3.0, None, Verdict.PASS),
        (3.0, 6.0, Verdict.PASS),
        (3.0, 4.5, Verdict.UNKNOWN),
        (3.0, 1.5, Verdict.PASS),
    ],
    ids=["in time", "nothing is forgotten", "not so long", "so long", "on any machine"],
)
def test_a_flow_that_is_forgotten_only_in_a_long_end_leaves_it_unknown(
    overtime_s: float, end_bears_s: float | None, verdict: Verdict
) -> None:
    result = judged(ended(overtime_s, end_bears_s))
    assert result.verdict is verdict
    if verdict is Verdict.UNKNOWN:
        assert result.late_s == overtime_s
        assert (
            "so that the run's end lasted 5 s: a flow is forgotten or given up in 4.5 s"
            in result.why
        )
