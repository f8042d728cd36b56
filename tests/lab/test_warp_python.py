"""The Python API and the pytest plugin on virtual time, and where the lab is chosen."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from halfopen import open_lab
from halfopen.errors import UnsupportedError
from halfopen.labs.warp.lab import LAB
from halfopen.model.history import read_history
from halfopen.products.uml import kernel
from halfopen.runner.choice import ON_VIRTUAL_TIME
from tests.lab.scenarios import SHORT

pytestmark = [pytest.mark.lab, pytest.mark.warp]

GUIDE = Path(__file__).parents[2] / "docs" / "python-api.md"
INNER = ("-p", "no:xdist", "-q")
NO_KERNEL = "netns: HALFOPEN_UML: there is no file /nowhere/linux; unset it, or name a kernel"
ON_WARP = f"warp: {ON_VIRTUAL_TIME}"


KERNEL = kernel.kernel_path()  # a test in a pytest of its own has another home


@pytest.fixture
def warp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel.VARIABLE, str(KERNEL))
    if problems := LAB.missing():
        pytest.skip(f"needs the warp lab: {'; '.join(problems)}")


@pytest.fixture
def without(netns: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALFOPEN_UML", "/nowhere/linux")


@pytest.mark.usefixtures("warp")
@pytest.mark.parametrize("lab", ["warp", "auto"])
def test_the_example_of_the_guide_runs(lab: str, pytester: pytest.Pytester) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    pytester.makepyfile(test_fortigate=block)
    result = pytester.runpytest_subprocess(*INNER, f"--halfopen-lab={lab}")
    result.assert_outcomes(passed=1)
    assert (f"1 in {ON_WARP}" in result.stdout.str()) == (lab == "auto")


@pytest.mark.usefixtures("warp")
def test_time_passes_only_while_the_test_waits_for_it(tmp_path: Path) -> None:
    with open_lab(tmp_path, lab="auto") as lab:
        assert (lab.lab, lab.lab_why) == ("warp", ON_VIRTUAL_TIME)
        lab.path("client", lab.middlebox("firewall", "fortigate"), "server")
        before = lab.history().records[-1]["t"]
        time.sleep(0.3)
        assert lab.history().records[-1]["t"] == before
        lab.wait("10 h")
        assert lab.history().records[-1]["t"] == pytest.approx(before + 36_000, abs=0.001)
        with pytest.raises(TimeoutError):
            lab.wait_until(lambda _: False, timeout=60)
        assert lab.history().records[-1]["t"] == pytest.approx(before + 36_060, abs=0.001)
        with pytest.raises(UnsupportedError, match="does not support the check 'cpu'"):
            lab.check("cpu", at="client", at_most="50 %")
    header = read_history(tmp_path).header
    assert (header["lab"], header["plan"]["lab_why"]) == ("warp", ON_VIRTUAL_TIME)
    assert header["hz"] > 0


@pytest.mark.usefixtures("warp")
@pytest.mark.parametrize("by", ["option", "ini"])
def test_scenarios_are_played_on_virtual_time(by: str, pytester: pytest.Pytester) -> None:
    pytester.makefile(".scenario.yaml", short=SHORT)
    options = ["--halfopen-lab=auto"] if by == "option" else []
    if by == "ini":
        pytester.makeini("[pytest]\nhalfopen_lab = auto\n")
    result = pytester.runpytest_subprocess(*INNER, *options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*= labs =*", f"2 in {ON_WARP}"])


@pytest.mark.usefixtures("without")
def test_without_a_kernel_the_lab_is_the_scaled_one(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makefile(".scenario.yaml", short=SHORT)
    result = pytester.runpytest_subprocess(
        *INNER, "--halfopen-lab=auto", "--halfopen-late-retries=2"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"2 in {NO_KERNEL}"])
    with open_lab(tmp_path, lab="auto", scale=600) as lab:
        assert f"{lab.lab}: {lab.lab_why}" == NO_KERNEL
        lab.path("client", lab.middlebox("firewall", "fortigate"), "server")
        lab.wait("10 min")
    assert read_history(tmp_path).header["scale"] == 600
