"""Buffers of a batch's size cost no page faults when they are made again and again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from relpio.command.memory import keep_freed_memory

CHILD = """
import resource, sys
from relpio.command.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(110):
    if turn == 10:
        before = faults()
    buffers = [bytes(200_000), bytes(200_000)]
    del buffers
print(faults() - before)
"""


def faults(what: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, what],
        # Settings from the environment would hide what is tested.
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif("glibc" not in str(os.confstr("CS_GNU_LIBC_VERSION")), reason="not glibc")
def test_buffers_are_made_of_memory_that_was_kept() -> None:
    assert faults("kept") < 100 < faults("given back")


def test_a_c_library_without_the_settings_is_none_the_worse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not keep_freed_memory()
