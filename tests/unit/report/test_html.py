"""The page: as text, as figures, and as a browser without a network shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from halfopen.errors import UsageError
from halfopen.model.history import History
from halfopen.model.verdict import VariantResult, Verdict
from halfopen.report._timeline import flow_rows, timeline
from halfopen.report.html import Report, check_report

from ..records import record
from .incident import all_variants

Runs = Sequence[tuple[VariantResult, History | None]]


def report_on(runs: Runs) -> Report:
    report = Report()
    for result, history in runs:
        report.add(result, history)
    return report


HOSTILE = "</script><script>window.broken = 1</script><img src=http://198.51.100.1/x>"


@pytest.fixture(scope="module")
def runs() -> list[tuple[VariantResult, History | None]]:
    unsupported = VariantResult(
        scenario="an hour of silence behind a FortiGate",
        variant="rst-on-expiry",
        lab="netns",
        verdict=Verdict.UNSUPPORTED,
        seed=1,
        wall_s=0.1,
        virtual_s=0.0,
        why="the lab netns cannot answer late packets with RST",
        file="scenarios/incidents/fortigate-idle-relp.scenario.yaml",
    )
    return [*all_variants(), (unsupported, None)]


def _colours(value: Any) -> Any:
    """The figure with real colours for the page's names."""
    if isinstance(value, dict):
        return {key: _colours(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_colours(each) for each in value]
    if isinstance(value, str) and value.startswith("@"):
        return "Arial" if value == "@font" else "#123456"
    return value


def test_the_synthetic_histories_are_what_they_claim(
    runs: list[tuple[VariantResult, History | None]],
) -> None:
    assert [result.verdict.value for result, _ in runs] == [
        "reproduced",
        "pass",
        "fail",
        "unknown",
        "unsupported",
    ]


def test_plotly_knows_every_property_of_the_figure(
    runs: list[tuple[VariantResult, History | None]],
) -> None:
    for _, history in runs:
        if history is not None:
            figure = timeline(history)
            assert figure is not None
            go.Figure(_colours({"data": figure["data"], "layout": figure["layout"]}))


def test_lanes_tell_who_believed_for_how_long(
    runs: list[tuple[VariantResult, History | None]],
) -> None:
    history = runs[0][1]
    assert history is not None
    rows = flow_rows(history)
    assert [row["cause"] for row in rows] == ["expired"] * 3 + [""]
    assert [bool(row["half"]) for row in rows] == [True, True, True, False]
    assert rows[0]["server"] == "2.4 s to the end"
    figure = timeline(history)
    assert figure is not None
    (half,) = (trace for trace in figure["data"] if trace.get("name") == "half-open")
    assert len(half["x"]) == 3


def test_faults_are_marked() -> None:
    history = all_variants()[0][1]
    fault = record("fault", 9.0, name="cut", text="cut <b>", line=1, state="begin")
    figure = timeline(History([*history.records[:-1], fault, history.records[-1]]))
    assert figure is not None
    assert any("cut &lt;b&gt;" in each["text"] for each in figure["layout"]["annotations"])


def test_nothing_sampled_nothing_drawn() -> None:
    history = History(all_variants()[0][1].records[:1])
    assert timeline(history) is None
    result = replace(all_variants()[3][0], checks=())
    assert "The run did not start" in report_on([(result, history)]).render()


def test_many_flows_show_those_that_went_wrong() -> None:
    history = all_variants()[0][1]
    sockets = [
        {"local": f"198.18.1.1:{port}", "peer": "198.18.2.2:2514", "state": "SYN_SENT"}
        for port in range(50_000, 50_050)
    ]
    flood = record("sockets", 0.2, host="sender", sockets=sockets)
    page = report_on(
        [(all_variants()[0][0], History([history.header, flood, *history.records[1:]]))]
    ).render()
    assert "Not drawn: 24 flows without a failure" in page
    assert ":40002" in page


def test_hostile_text_stays_text(runs: list[tuple[VariantResult, History | None]]) -> None:
    result, history = runs[2]
    assert history is not None
    header = history.header.copy()
    header["plan"] = {**history.plan, "about": HOSTILE, "source": HOSTILE}
    step = record("step", 1.0, index=9, text=HOSTILE, line=1, state="begin")
    evil = History([header, step, *history.records[1:]])
    checks = tuple(replace(check, why=HOSTILE, label=HOSTILE) for check in result.checks)
    page = report_on(
        [(replace(result, variant=HOSTILE, why=HOSTILE, checks=checks), evil)]
    ).render()
    assert HOSTILE not in page
    assert "window.broken = 1</script>" not in page


@pytest.mark.xdist_group("browser")  # one is enough
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")], ids=str
)
def test_a_browser_shows_it_without_a_network(
    browser: Any,
    runs: list[tuple[VariantResult, History | None]],
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    path = tmp_path / "report.html"
    report_on(runs).write(path)
    assert path.stat().st_size < 6_000_000
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine may take its time
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    for number in range(1, 5):
        plot = page.locator(f"#variant-{number} .plot")
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    lanes = page.locator("#variant-1 .plot").inner_text()
    for words in ("sender :40002", "firewall", "receiver", "expired at 60 min", "wait 75 min"):
        assert words in lanes
    assert page.locator("#variant-1 .plot .bars .point").count() >= 4 * 3 + 3
    # The page itself never scrolls sideways; wide things scroll within it.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "unsupported" in page.locator("nav").inner_text()
    page.locator("#variant-1").screenshot(path=tmp_path / "variant.png")
    assert (tmp_path / "variant.png").stat().st_size > 10_000
    context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_what_the_scenario_says_stands_above_what_its_variants_add() -> None:
    runs: list[tuple[VariantResult, History | None]] = []
    for result, history in all_variants()[:2]:
        more = {"variant_about": f"Only here: {result.variant}."}
        header = history.header.copy()
        header["plan"] = {**history.plan, **more}
        runs.append((result, History([header, *history.records[1:]])))
    page = report_on(runs).render()
    assert page.count("A log sender holds one RELP connection") == 1
    assert page.index("A log sender holds") < page.index("Only here: keepalive-off.")
    assert "Only here: keepalive-1800." in page


def test_a_report_replaces_a_report_and_nothing_else(
    tmp_path: Path, runs: list[tuple[VariantResult, History | None]]
) -> None:
    path = tmp_path / "report.html"
    check_report(path)
    report_on(runs).write(path)
    check_report(path)
    (tmp_path / "link").symlink_to(path)
    path.with_name("mine").write_text("<!doctype html>\nthe report that I wrote")
    for name in ("link", "mine"):
        with pytest.raises(UsageError, match=f"{name} was not written by halfopen"):
            check_report(tmp_path / name)


def test_the_kernel_of_a_lab_that_brings_one_is_shown(
    runs: list[tuple[VariantResult, History | None]],
) -> None:
    result, history = runs[0]
    page = report_on([(replace(result, kernel="7.2.13-halfopen", hz=100), history)]).render()
    assert "<dt>Kernel</dt><dd>Linux 7.2.13-halfopen, HZ=100</dd>" in page
    assert "<dt>Kernel</dt>" not in report_on([(result, history)]).render()


def test_the_reason_for_a_chosen_lab_is_shown(
    runs: list[tuple[VariantResult, History | None]],
) -> None:
    result, history = runs[0]
    page = report_on([(replace(result, lab_why="no kernel & no memory"), history)]).render()
    assert "<dt>Why this lab</dt><dd>no kernel &amp; no memory</dd>" in page
    assert "<dt>Why this lab</dt>" not in report_on([(result, history)]).render()
