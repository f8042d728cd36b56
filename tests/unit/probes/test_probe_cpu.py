"""Time on processors."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from halfopen.probes.cpu import SpareMeter, stalled, waited

SPIN = "while True: pass"


@pytest.mark.skipif(waited(os.getpid()) is None, reason="a kernel without CONFIG_SCHED_INFO")
def test_who_shares_a_processor_waits_for_it() -> None:
    cpu = sorted(os.sched_getaffinity(0))[0]
    pin = ["taskset", "--cpu-list", str(cpu), sys.executable, "-c", SPIN]
    both = [subprocess.Popen(pin), subprocess.Popen(pin)]
    try:
        until = time.monotonic() + 20
        waits = [0.0, 0.0]
        while min(waits) < 0.2 and time.monotonic() < until:
            time.sleep(0.05)
            waits = [waited(each.pid) or 0.0 for each in both]
        assert min(waits) >= 0.2
    finally:
        for each in both:
            each.kill()
            each.wait()


def test_nobody_knows_of_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert waited(process.pid) is None


def test_what_is_spare_is_a_share_of_the_time() -> None:
    meter = SpareMeter()
    time.sleep(0.05)
    spare = meter.read()
    assert 0 <= spare.idle <= 1.5 * (os.cpu_count() or 1)
    if stalled() is None:
        assert spare.stalled is None
    else:
        assert spare.stalled is not None
        assert 0 <= spare.stalled <= 1
