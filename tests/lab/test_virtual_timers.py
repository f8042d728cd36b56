"""The model of the kernel's timers against a kernel on virtual time, with the defaults of both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from halfopen.advice.timer_page import timer_page
from halfopen.advice.timer_table import BackOff, TimerRow, measured_rows
from halfopen.cli.kernel import app
from halfopen.labs.warp.lab import LAB

pytestmark = [pytest.mark.lab, pytest.mark.warp]

PAGE = Path(__file__).parents[2] / "docs/kernel-timers.md"

Rows = tuple[list[TimerRow], list[BackOff]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    if problems := LAB.missing():
        pytest.skip(f"needs the warp lab: {'; '.join(problems)}")
    assert LAB.kernel is not None
    return measured_rows(LAB, LAB.kernel().hz)


@pytest.mark.xdist_group("virtual-timers")
def test_the_kernel_does_what_the_model_says(rows: Rows) -> None:
    timers, back_offs = rows
    assert len(timers) == 11
    assert not [row for row in timers if not row.agrees]
    assert [len(each.measured) for each in back_offs] == [15, 15, 10]
    assert not [each for each in back_offs if not each.agrees]


@pytest.mark.xdist_group("virtual-timers")
def test_the_page_has_these_timers_and_this_model(rows: Rows) -> None:
    assert LAB.kernel is not None
    kernel = LAB.kernel()
    measured, _, notes = timer_page(kernel.release, kernel.hz, *rows).partition("\n## Why")
    page = PAGE.read_text()
    assert "**differs**" not in page
    assert _modelled(page).startswith(_modelled(measured))
    assert page.endswith(notes)


def _modelled(page: str) -> str:
    """A page without what is measured: that depends on what else the hosts do meanwhile."""
    lines = [line for line in page.splitlines() if not line.startswith("| | measured")]
    return "\n".join(re.sub(r"\| [\d.]+ s \| agrees", "", line) for line in lines)


def test_a_machine_without_a_kernel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALFOPEN_UML", "/nowhere/linux")
    done = CliRunner().invoke(app, ["timers"])
    assert getattr(done.exception, "exit_status", None) == 3
    assert "there is no file /nowhere/linux" in str(done.exception)
