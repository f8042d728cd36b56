"""What plays a run goes by the time of its loop, which may be virtual, and not by the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

import halfopen.runner

# They time what is real: how long a run took for whoever waits, and how busy the machine is.
REAL = {"concurrency.py", "run.py"}
MODULES = [
    module
    for module in sorted(Path(halfopen.runner.__file__).parent.glob("*.py"))
    if module.name not in REAL
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_the_machines_clock_is_not_read(module: Path) -> None:
    assert "time.monotonic" not in module.read_text()
