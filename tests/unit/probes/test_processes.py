"""A process and its descendants, as the kernel names them."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from halfopen.probes import processes
from halfopen.probes.processes import family

NESTED = """
import subprocess, sys
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
"""


@pytest.mark.parametrize("named", [True, False], ids=["children are named", "all are searched"])
def test_children_of_children_belong_to_it(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_children_are_named", lambda: named)
    with subprocess.Popen(
        [sys.executable, "-c", NESTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert family(process.pid) == [process.pid, grandchild]
        mine = family(os.getpid())
        assert mine[0] == os.getpid()
        assert {process.pid, grandchild} <= set(mine)
        searched = {p.pid for p in psutil.Process().children(recursive=True)}
        assert searched <= set(mine)
        process.communicate()


def test_a_process_that_is_gone_has_no_family() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert family(process.pid) == []
