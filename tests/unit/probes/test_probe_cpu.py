"""Time on processors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halfopen.probes.cpu import Spare, SpareMeter, _Reading, stalled, waited

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
    if stalled("cpu") is None:
        assert spare.stalled is None
    else:
        assert spare.stalled is not None
        assert 0 <= spare.stalled <= 1


def at_readings(monkeypatch: pytest.MonkeyPatch, *readings: tuple[float, ...]) -> Spare:
    """What is spare between two moments: (seconds, processors' idle seconds, CPU, disk)."""
    upcoming = iter(readings)
    monkeypatch.setattr(SpareMeter, "_now", lambda _: _Reading(*next(upcoming)))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return SpareMeter().read()


def test_who_works_meanwhile_does_not_hide_who_waits_for_a_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One of two tasks waits for all of two seconds, the other computes: half, says the kernel.
    beside_work = at_readings(monkeypatch, (10.0, 0.0, 0.0, 5.0), (12.0, 6.0, 0.0, 6.0))
    assert beside_work.io_s == 2.0
    alone = at_readings(monkeypatch, (10.0, 0.0, 0.0, 5.0), (12.0, 8.0, 0.0, 5.5))
    assert alone.io_s == 0.5


def test_where_the_kernel_tells_nothing_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr("halfopen.probes.cpu.read_text", missing)
    assert stalled("io") is None
    monkeypatch.setattr("halfopen.probes.cpu.idle_seconds", lambda: 0.0)
    spare = SpareMeter().read()
    assert (spare.stalled, spare.io_s) == (None, None)


@pytest.mark.skipif(stalled("io") is None, reason="a kernel without CONFIG_PSI")
def test_who_syncs_waits_for_the_disk(tmp_path: Path) -> None:
    if subprocess.check_output(["stat", "-fc", "%T", tmp_path]).strip() == b"tmpfs":
        pytest.skip("a tmpfs never waits for a disk")
    meter, waited_s = SpareMeter(), 0.0
    until = time.monotonic() + 20
    with (tmp_path / "file").open("wb") as file:
        while waited_s < 0.05 and time.monotonic() < until:
            os.write(file.fileno(), b"x" * 65536)
            os.fsync(file.fileno())
            waited_s += meter.read().io_s or 0.0
    assert waited_s >= 0.05
