"""What is shown of runs while they go on, above all how fast virtual time passes."""

from __future__ import annotations

import io

from rich.console import Console

from halfopen.cli.progress import progress_for
from halfopen.model.plan import Plan
from halfopen.model.steps import PlannedWait

from ..records import record

WAIT = PlannedWait(text="wait 2 h", line=3, seconds=7200.0)
PLAN = Plan("s", "s.scenario.yaml", "v", "warp", 1.0, 0, (), (), (WAIT,), ())


class Shown:
    """Lines of progress of a run in the lab warp, with a clock that is set by hand."""

    def __init__(self, *virtual: str, terminal: bool = False) -> None:
        self.now = 100.0
        self._out = io.StringIO()
        console = Console(file=self._out, force_terminal=terminal, width=200)
        self._progress = progress_for(
            [PLAN], console, quiet=False, virtual=virtual, clock=lambda: self.now
        )
        self.tell = self._progress.__enter__()
        self.tell(PLAN, record("header", 0.0))

    @property
    def lines(self) -> list[str]:
        self._progress.__exit__(None, None, None)
        return self._out.getvalue().splitlines()


def test_the_end_of_a_run_on_virtual_time_says_how_fast_it_was() -> None:
    shown = Shown("warp")
    shown.now += 3.0
    shown.tell(PLAN, record("end", 4500.0, reason="complete", detail=""))
    assert shown.lines[-1] == "4500.00 s  v: ends: complete; 75 min simulated in 3 s (1,500x)"


def test_a_long_silence_is_broken_every_ten_seconds_of_real_time() -> None:
    shown = Shown("warp")
    for _ in range(25):
        shown.now += 1.0
        shown.tell(PLAN, record("fds", 60.0 * (shown.now - 100.0), host="a", pid=1, count=3))
    assert shown.lines[1:] == [
        " 600.00 s  v: 10 min simulated in 10 s (60x)",
        "1200.00 s  v: 20 min simulated in 20 s (60x)",
    ]


def test_real_time_has_no_speed() -> None:
    shown = Shown()
    shown.now += 30.0
    shown.tell(PLAN, record("fds", 30.0, host="a", pid=1, count=3))
    shown.tell(PLAN, record("end", 30.0, reason="complete", detail=""))
    assert shown.lines[1:] == ["  30.00 s  v: ends: complete"]


def test_a_bar_shows_how_fast_virtual_time_passes() -> None:
    shown = Shown("warp", terminal=True)
    shown.now += 2.0
    shown.tell(PLAN, record("fds", 3600.0, host="a", pid=1, count=3))
    assert any("60 min simulated in 2 s (1,800x)" in line for line in shown.lines)
