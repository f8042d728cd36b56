"""What the time scale makes of a profile depends on what plays it."""

from __future__ import annotations

import pytest

from halfopen.profiles import all_profiles
from halfopen.scenario.scaling import scale_section


@pytest.mark.parametrize(
    ("engine", "idle", "after_rst"),
    [("any", 1.0, 1.0), ("conntrack", 1.0, 1.0), ("userspace", 0.36, 0.001)],
)
def test_only_connection_tracking_needs_whole_seconds(
    engine: str, idle: float, after_rst: float
) -> None:
    values = all_profiles()["fortigate"].values.model_copy(update={"engine": engine})
    scaled, changes = scale_section(values, 10_000)
    assert scaled.model_dump()["idle_timeout"] == pytest.approx(idle)
    assert scaled.model_dump()["after_rst"] == pytest.approx(after_rst)
    assert {change.keys: change.lab_s for change in changes}[("idle timeout",)] == idle
