"""Verdicts beside busy loops: a machine without time may leave them open, but not change them.

`python -m bench.busy` plays thirty variants of the library, spread over all of it, several times
while two loops per processor compute, and counts verdicts that are as expected, verdicts that are
unknown because the machine was late, and wrong ones.  The exit status is 1 if any is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from halfopen.cli.loading import load_plans
from halfopen.labs import lab_named
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult
from halfopen.runner.concurrency import fixed
from halfopen.runner.estimate import expected_seconds
from halfopen.runner.run import run_plans
from halfopen.vocabulary import default_vocabulary

LIBRARY = Path(__file__).parents[1] / "scenarios"
LONGEST_S = 20.0
"""A variant whose steps take longer in the lab is left out: many short runs show more."""


def spread(plans: Sequence[Plan], number: int) -> list[Plan]:
    """As many plans, at even distances among those that do not take long."""
    short = [plan for plan in plans if expected_seconds(plan) <= LONGEST_S]
    step = max(1.0, len(short) / number)
    return [short[int(n * step)] for n in range(min(number, len(short)))]


@contextmanager
def busy_loops(number: int) -> Iterator[None]:
    """So many processes that compute."""
    loops = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(number)]
    for each in loops:
        each.start()
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.join()


def _compute() -> None:
    while True:
        pass


def kind_of(result: VariantResult) -> str:
    """`as expected`, `late` or `wrong`."""
    if result.verdict.as_expected:
        return "as expected"
    return "late" if result.late_s else "wrong"


def main() -> int:
    """Play and count; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=30, help="default 30")
    parser.add_argument("--times", type=int, default=20, help="of each; default 20")
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time; default 4")
    parser.add_argument("--loops", type=int, default=2, help="busy loops per processor; default 2")
    parser.add_argument("--seconds", type=float, default=3600, help="no round begins after these")
    options = parser.parse_args()
    lab = lab_named("netns")
    plans = spread(load_plans([LIBRARY], lab=lab, seed=1), options.variants)
    counts: Counter[str] = Counter()
    begun = time.monotonic()
    processors = len(os.sched_getaffinity(0))
    with busy_loops(options.loops * processors), tempfile.TemporaryDirectory() as name:
        for number in range(options.times):
            if time.monotonic() - begun > options.seconds:
                print(f"stopped after {number} of {options.times} rounds: no time left")
                break
            played = run_plans(
                plans, lab, default_vocabulary(), Path(name), jobs=fixed(options.jobs)
            )
            for result in asyncio.run(played):
                kind = kind_of(result)
                counts[kind] += 1
                if kind == "wrong":
                    print(f"{result.file} / {result.variant}: {result.verdict}: {result.why}")
            print(f"round {number + 1}: {dict(counts)}", flush=True)
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
