"""The Python API, by the example that its guide shows, and the pytest plugin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halfopen import open_lab
from halfopen.errors import UsageError
from tests.lab.scenarios import CONTROLLED, SHORT

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

GUIDE = Path(__file__).parents[2] / "docs" / "python-api.md"
# Its own options must not reach the pytest inside; what a busy machine spoiled is played again.
INNER = ("-p", "no:xdist", "-q", "--halfopen-late-retries=2")


def test_the_example_of_the_guide_runs_and_is_short(pytester: pytest.Pytester) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 20
    pytester.makepyfile(test_fortigate=block)
    result = pytester.runpytest_subprocess(*INNER)
    result.assert_outcomes(passed=1)


def test_the_example_fails_where_the_bug_is_cured(pytester: pytest.Pytester) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    keepalive = 'keepalive={"idle": "30 min", "interval": "75 s", "probes": 9}'
    cured = block.replace('"relpio receive", keepalive="off"', f'"relpio receive", {keepalive}')
    assert cured != block
    pytester.makepyfile(test_fortigate=cured)
    result = pytester.runpytest_subprocess(*INNER)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*idle drops*"])


def test_pytest_collects_variants_and_shows_lines_and_evidence(pytester: pytest.Pytester) -> None:
    pytester.makefile(".scenario.yaml", short=SHORT)
    result = pytester.runpytest_subprocess(*INNER)
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "half-open: { at: receiver, at end: 0 }" in text
    assert re.search(r"short\.scenario\.yaml:14: half-open at receiver", text)
    assert "Traceback" not in text
    assert "no timer runs: nothing will ever end it" in text


def test_pytest_plays_controls_and_fails_what_is_not_clean(pytester: pytest.Pytester) -> None:
    pytester.makefile(".scenario.yaml", short=CONTROLLED)
    result = pytester.runpytest_subprocess(*INNER, "--halfopen-control")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert re.search(r"FAILED .*short\.scenario\.yaml::unnoticed", text)
    assert "not clean: no expectation notices the faults; the same without the faults" in text
    assert re.search(r"history of the run without the faults: .*/control/short/unnoticed", text)
    pytester.runpytest_subprocess(*INNER).assert_outcomes(passed=3)


def test_a_wrong_file_is_an_error_of_collection(pytester: pytest.Pytester) -> None:
    pytester.makefile(".scenario.yaml", short=SHORT.replace("send: 20 messages", "send: many"))
    result = pytester.runpytest_subprocess(*INNER)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*short.scenario.yaml:9:*many*"])


def test_mistakes_are_told_in_words(tmp_path: Path) -> None:
    with open_lab(tmp_path, scale=600) as lab:
        with pytest.raises(UsageError, match="unknown profile 'fort'; did you mean 'fortigate'"):
            lab.middlebox("firewall", "fort")
        with pytest.raises(UsageError, match="unknown host 'sender'"):
            lab.run("sender", "relpio send", to="receiver")
        lab.path("sender", lab.middlebox("firewall", "fortigate"), "receiver")
        with pytest.raises(UsageError, match="window"):
            lab.run("sender", "relpio send", to="receiver", window=-1)
        with pytest.raises(UsageError, match="unknown check 'nothing'"):
            lab.check("nothing")
        with pytest.raises(UsageError, match="duration"):
            lab.wait("long")
        with pytest.raises(UsageError, match="already has a path"):
            lab.path("a", "b")
