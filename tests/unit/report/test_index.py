"""The index of a report on several files: failures first, filtered by words and verdicts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halfopen.report.html import Report

from .incident import all_variants


def report_on(number: int) -> Report:
    """A report on that many variants, four of a file."""
    report, runs = Report(), list(all_variants())
    for each in range(number):
        result, history = runs[each % len(runs)]
        file = each // len(runs)
        named = replace(
            result,
            file=f"incidents/file-{file}.scenario.yaml",
            scenario=f"{result.scenario}, {file}",
        )
        report.add(named, history)
    return report


def rows(page: str) -> list[str]:
    table = page.partition('<table class="overview index">')[2].partition("</table>")[0]
    return re.findall(r'<tr data-verdict="([a-z]+)"', table)


def test_failures_come_first() -> None:
    order = ["fail", "unknown", "reproduced", "pass"]
    assert rows(report_on(8).render()) == [each for each in order for _ in range(2)]


def test_one_file_has_no_index() -> None:
    assert rows(report_on(4).render()) == []


def test_a_hundred_variants_are_written_in_two_seconds_and_ten_megabytes() -> None:
    begun = time.process_time()
    page = report_on(100).render()
    assert time.process_time() - begun < 2
    assert len(page.encode()) < 10_000_000


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "report.html"
    report_on(100).write(path)
    context = browser.new_context(
        viewport={"width": 390, "height": 900}, color_scheme="dark", offline=True
    )
    found = context.new_page()
    found.set_default_timeout(60_000)  # a busy machine may take its time
    complaints: list[str] = []
    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.goto(path.as_uri())
    yield found
    context.close()
    assert complaints == []


def visible(page: Any) -> int:
    return int(page.locator(".index tbody tr:visible").count())


@pytest.mark.xdist_group("browser")
def test_words_and_verdicts_filter_it(page: Any) -> None:
    assert visible(page) == 100
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("typeof Plotly") == "undefined"  # nothing is drawn before it is near
    page.keyboard.press("/")
    page.keyboard.type("FILE-7.scenario half-open")
    assert visible(page) == 4
    assert page.locator(".filter output").inner_text() == "4 of 100"
    page.locator('.filter button[data-verdict="fail"]').click()
    assert visible(page) == 1
    page.locator('.filter button[data-verdict="pass"]').click()
    assert visible(page) == 2
    page.keyboard.press("Escape")
    assert visible(page) == 100
    assert page.locator(".filter output").inner_text() == ""


@pytest.mark.xdist_group("browser")
def test_the_keyboard_leads_to_a_variant_and_back(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("file-24. pass")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    (target,) = re.findall(r"#(variant-\d+)$", page.url)
    section = page.locator(f"#{target}")
    plot = section.locator(".plot")
    plot.scroll_into_view_if_needed()
    plot.locator(".main-svg").first.wait_for()
    assert "pass" in section.locator("h2").inner_text()
    section.locator(".back a").click()
    assert page.url.endswith("#index")
    page.locator(".filter").wait_for()


@pytest.mark.xdist_group("browser")
def test_arrows_go_from_row_to_row_and_back_to_the_search(page: Any) -> None:
    focused = "document.activeElement.textContent"
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    first = page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == first
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.type") == "search"
