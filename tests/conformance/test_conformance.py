"""One suite of cases on the flow table alone and on both engines in real namespaces."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from halfopen.labs.netns import sandbox
from tests.conformance.cases import CASES
from tests.conformance.kernels import KERNEL_CASES
from tests.conformance.street import PureStreet

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def netns() -> None:
    """Skip, with the reason, where the netns lab does not work."""
    if problems := sandbox.missing():
        pytest.skip(f"needs the netns lab: {'; '.join(problems)}")


@cache
def _played(engine: str) -> dict[str, str]:
    """What became of each case: its problem, empty if it has none."""
    done = subprocess.run(
        sandbox.command(sys.executable, "-m", "tests.conformance.play", engine),
        env=sandbox.environment(),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_flow_table(name: str) -> None:
    case = CASES[name]
    case.play(PureStreet(case.values))


@pytest.mark.lab
@pytest.mark.usefixtures("netns")
@pytest.mark.xdist_group("conformance of conntrack")
@pytest.mark.parametrize("name", [*CASES, *KERNEL_CASES])
def test_conntrack(name: str) -> None:
    problem = _played("conntrack")[name]
    assert not problem, problem


@pytest.mark.lab
@pytest.mark.usefixtures("netns")
@pytest.mark.xdist_group("conformance of the userspace engine")
@pytest.mark.parametrize("name", [*CASES, *KERNEL_CASES])
def test_userspace(name: str) -> None:
    problem = _played("userspace")[name]
    assert not problem, problem
