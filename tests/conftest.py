"""Rules for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long an example takes says nothing on a busy machine.  CI tries the same examples each time:
# new ones are found where somebody looks at them.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")

pytest_plugins = ["pytester"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On CI everything is installed: a test that is skipped there is a hole, and fails.

    The kernel of the warp lab is not: building it takes longer than the rest of the set-up.
    """
    report = yield
    on_ci = os.environ.get("CI") == "true" and item.get_closest_marker("warp") is None
    if report.skipped and on_ci and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped on CI: {report.longrepr}"
    return report
