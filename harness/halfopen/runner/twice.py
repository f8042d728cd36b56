"""Plays plans twice, and says whether both histories are the same.

In a lab whose time is virtual, the same plan has the same history: what differs is named by the
first record in which it does.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from halfopen.model.history import FILE_NAME
from halfopen.model.plan import Plan
from halfopen.model.verdict import VariantResult

AGAIN = "twice"
"""The directory below `--out` in which the second histories are."""

SAME = "the same history"

_LONGEST = 300


async def run_twice(
    plans: Sequence[Plan], play: Callable[[Sequence[Plan], str], Awaitable[list[VariantResult]]]
) -> list[VariantResult]:
    """Play plans, and each once more; the results say whether the histories are the same.

    Args:
        plans: to play.
        play: plays plans; their histories go below the directory of that name, or the usual one
            if it is empty.
    """
    results = await play(plans, "")
    again = await play(plans, AGAIN)
    return [_compared(first, second) for first, second in zip(results, again, strict=True)]


def _compared(first: VariantResult, second: VariantResult) -> VariantResult:
    histories = [Path(each.directory) / FILE_NAME for each in (first, second) if each.directory]
    if len(histories) < 2 or not all(each.exists() for each in histories):
        return first  # it was not run
    difference = first_difference(*histories)
    return replace(first, extra={**first.extra, "twice": difference or SAME})


def differs(result: VariantResult) -> bool:
    """Whether a variant was played twice, with different histories."""
    return bool(result.extra.get("twice", SAME) != SAME)


def first_difference(one: Path, other: Path) -> str | None:
    """The first record in which two histories differ, in words; None if they are the same.

    When a run began by the clock on the wall is no difference.
    """
    for number, (a, b) in enumerate(zip_longest(_lines(one), _lines(other)), start=1):
        if a != b:
            return f"record {number} differs: {_short(a)} / {_short(b)}"
    return None


def _lines(history: Path) -> Iterator[str]:
    with history.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number == 0:
                header = json.loads(line)
                header.pop("started", None)
                line = json.dumps(header)
            yield line.rstrip("\n")


def _short(line: str | None) -> str:
    if line is None:
        return "(no such record)"
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
